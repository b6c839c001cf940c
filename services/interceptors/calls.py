"""One shape for every call, whatever its kind, so that each layer is written once; knows no layer.

Python's interceptors cost a coroutine each to be asked for every call. So there is one, `chain.Chain`, which puts
the layers around a method once; a layer is a function from the method and what lies within it to what lies around.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import grpc
from google.protobuf.message import Message

if TYPE_CHECKING:
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
else:
    Handler = grpc.RpcMethodHandler  # generic in the stubs alone

Context = grpc.aio.ServicerContext[Any, Any]
Proceed = Callable[[Any, Context], Awaitable[Any]]
"""Serves a call: the request in, the response out; a stream writes its responses to the context."""


@dataclass(frozen=True)
class Method:
    """A method of the contract. ``name`` is the full name as gRPC writes it, ``/package.Service/Method``."""

    name: str
    streaming: bool
    parse: Callable[[bytes], Message]
    serialize: Callable[[Message], bytes]


Layer = Callable[[Method, Proceed], Proceed]


def metadata_value(context: Context, key: str) -> str | None:
    """The first value of a metadata key, given in lower case; None when there is none."""
    for name, value in context.invocation_metadata() or ():
        if name == key:
            return value if isinstance(value, str) else value.decode("latin-1")
    return None


def seconds_left(context: Context) -> float | None:
    """Until the caller's deadline; None when it set none, which the stubs deny."""
    return cast("float | None", context.time_remaining())
