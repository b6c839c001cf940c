"""The one gRPC interceptor: puts the layers around every method of the contract, each once, and then remembers.

Health and reflection are not of the contract and are left as they are.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import grpc

from services.errors import Problem
from services.interceptors.calls import Context, Handler, Layer, Method, Proceed
from services.interceptors.errors import answer_problem

if TYPE_CHECKING:
    _Interceptor: TypeAlias = grpc.aio.ServerInterceptor[Any, Any]
else:
    _Interceptor = grpc.aio.ServerInterceptor  # generic in the stubs alone

PREFIX = "/crossdock."


class Chain(_Interceptor):
    """``layers`` are given outermost first."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self._handlers: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """The method's handler within its layers; one that refuses, for what nobody serves."""
        name = handler_call_details.method
        if (known := self._handlers.get(name)) is not None:
            return known
        handler = await continuation(handler_call_details)
        if cast("Handler | None", handler) is None:
            return unserved(name)  # not remembered: a client may invent any number of names
        if name.startswith(PREFIX):
            handler = self._handlers[name] = self._wrapped(name, handler)
        return handler

    def _wrapped(self, name: str, handler: Any) -> Handler:
        if handler.request_streaming:
            raise TypeError(f"{name}: the contract has no streams of requests")
        method = Method(name, handler.response_streaming, handler.request_deserializer, handler.response_serializer)
        proceed = _write_all(method, handler.unary_stream) if method.streaming else _answer(method, handler.unary_unary)
        for layer in reversed(self._layers):
            proceed = layer(method, proceed)
        # Requests arrive as bytes: who may not call is refused before anything is parsed, and what cannot be parsed
        # is told like any other mistake.
        make: Any = grpc.unary_stream_rpc_method_handler if method.streaming else grpc.unary_unary_rpc_method_handler
        return cast("Handler", make(proceed))


def unserved(name: str) -> Handler:
    """Refuses every call with METHOD_NOT_SERVED, be the method of the contract or of none."""

    async def refuse(_: bytes, context: Context) -> None:
        await answer_problem(context, Problem("METHOD_NOT_SERVED", "the method is not served", {"method": name}))

    return grpc.unary_unary_rpc_method_handler(refuse)


def _answer(method: Method, serve: Callable[[Any, Context], Awaitable[Any]]) -> Proceed:
    serialize = method.serialize

    async def answer(request: Any, context: Context) -> bytes:
        return serialize(await serve(request, context))

    return answer


def _write_all(method: Method, serve: Callable[[Any, Context], AsyncIterator[Any]]) -> Proceed:
    serialize = method.serialize

    async def write_all(request: Any, context: Context) -> None:
        responses = serve(request, context)
        try:
            async for response in responses:
                await context.write(serialize(response))
        finally:
            await cast("Any", responses).aclose()

    return write_all
