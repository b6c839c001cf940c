"""Serves one binding: an HTTP request in, a call of the services, an HTTP answer out; everything compiled before."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import structlog
from google.protobuf import message_factory
from starlette.types import Receive, Scope, Send

from gateway.transcode.answers import AnswerWriter
from gateway.transcode.bindings import Binding
from gateway.transcode.bodies import receive_body
from gateway.transcode.errors import Problem, internal_problem, problem_of_call, problem_of_refusal
from gateway.transcode.headers import Headers, not_modified, read_headers
from gateway.transcode.refusals import Refusal, Violation, invalid
from gateway.transcode.requests import RequestReader
from gateway.transcode.streams import Form, Lines, Relay, ServerSentEvents, resume

log = structlog.get_logger("crossdock.canonical")

_JSON = (b"content-type", b"application/json")
# Bytes that somebody else made: nothing in them may run, and no shared cache may keep them.
_RAW = [(b"content-security-policy", b"default-src 'none'; sandbox"), (b"cache-control", b"private, no-cache")]

Remedy = Callable[[grpc.aio.AioRpcError, Headers], Awaitable[bool]]
"""Puts right what made a call fail, and says whether it is worth another try. May raise `Refusal`."""


class Endpoint:
    """The ASGI application of one binding; `path` is its template, for logs and labels."""

    def __init__(
        self,
        binding: Binding,
        channel: grpc.aio.Channel,
        seconds: float,
        ending: asyncio.Event,
        remedy: Remedy | None = None,
    ) -> None:
        self.binding = binding
        self._remedy = remedy
        self._seconds = seconds
        self._ending = ending
        self._requests = RequestReader(binding)
        self._answers = AnswerWriter(binding)
        self._streams = binding.method.server_streaming
        response = message_factory.GetMessageClass(binding.method.output_type)
        make: Any = channel.unary_stream if self._streams else channel.unary_unary
        self._call = make(
            binding.grpc_path,
            request_serializer=message_factory.GetMessageClass(binding.method.input_type).SerializeToString,
            response_deserializer=response.FromString,
        )

    async def serve(self, segments: list[str], scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request whose path has these raw segments."""
        body = await receive_body(receive)
        conditional = False
        try:
            headers = read_headers(scope)
            conditional = b"if-match" in headers.values
            if headers.get(b"content-encoding") not in ("", "identity"):
                raise invalid(Violation("", "the body must not be encoded", "body.encoding"), http_status=415)
            request = self._requests.read(segments, scope["query_string"], headers, body)
            if self._streams:
                await self._stream(request, headers, receive, send)
            else:
                await self._answer(request, headers, scope, send)
        except Refusal as refusal:
            await send_problem(problem_of_refusal(refusal), send)
        except grpc.aio.AioRpcError as failure:
            await send_problem(problem_of_call(failure, conditional=conditional), send)

    async def _answer(self, request: Any, headers: Headers, scope: Scope, send: Send) -> None:
        response = await self._ask(request, headers)
        try:
            body, etag = self._answers.write(response)
        except Exception:  # a stored value that JSON cannot show must not become a bare 500
            log.exception("an answer cannot be written", method=self.binding.grpc_path)
            await send_problem(internal_problem(scope.get("state", {}).get("request_id", "")), send)
            return
        content_type = (b"content-type", self._answers.media_type(response).encode())
        status, sent = 200, [content_type, (b"content-length", b"%d" % len(body))]
        if self._answers.raw:
            sent += _RAW
        if etag:
            sent.append((b"etag", b'"%s"' % etag.encode()))
            if b"if-none-match" in headers.values and self.binding.http_method == "GET" and not_modified(headers, etag):
                status, body, sent = 304, b"", sent[2:]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _ask(self, request: Any, headers: Headers) -> Any:
        try:
            return await self._call(request, metadata=headers.metadata, timeout=self._seconds)
        except grpc.aio.AioRpcError as failure:
            if self._remedy is None or not await self._remedy(failure, headers):
                raise
        return await self._call(request, metadata=headers.metadata, timeout=self._seconds)

    async def _stream(self, request: Any, headers: Headers, receive: Receive, send: Send) -> None:
        form: Form = Lines(self._answers.write_item)
        if "text/event-stream" in headers.get(b"accept").lower():
            form = ServerSentEvents(self._answers.write_item, self.binding.method.output_type)
            if last := headers.get(b"last-event-id"):
                try:
                    resume(request, last)
                except ValueError as error:
                    raise invalid(Violation("", f"the header Last-Event-ID {error}", "header.event_id")) from None
        call = self._call(request, metadata=headers.metadata)
        problem = await Relay(call, form, send).run(receive, self._ending)
        if problem is not None:
            await send_problem(problem, send)


async def send_problem(problem: Problem, send: Send) -> None:
    """Sends an error as the whole answer."""
    body = problem.body
    headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    headers += [_JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": problem.http_status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
