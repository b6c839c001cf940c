"""Relays a server stream as lines of JSON or as server-sent events, message by message as they come.

Nothing is gathered: while the client does not take what was sent, nothing more is read, and the services cut a reader
that stays behind. When the client leaves the call is cancelled. An error in the midst is the last object of the stream.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol

import grpc
from google.protobuf.descriptor import Descriptor
from starlette.types import Receive, Send

from gateway.transcode.answers import encoded
from gateway.transcode.errors import Problem, problem_of_call, problem_of_refusal
from gateway.transcode.refusals import shutting_down

_EOF: Any = grpc.aio.EOF  # type: ignore[attr-defined]  # the stubs forgot it
FIRST_SECONDS = 0.5
"""How long the first message, or a refusal, is waited for before the answer begins without it."""

RESUMES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("cursor", "cursor", ("start_time",)),
    ("after_event_number", "event.number", ()),
)
"""The request's field in which a stream is resumed, where each response has its value, and what it then replaces."""


class Form(Protocol):
    """How a stream is written."""

    content_type: bytes

    def item(self, response: Any) -> bytes:
        """One message."""
        ...

    def failure(self, problem: Problem) -> bytes:
        """The last word of a stream that failed."""
        ...


class Lines:
    """A line of JSON per message; a failed stream ends with one that has only the member `error`."""

    content_type = b"application/x-ndjson"

    def __init__(self, write: Callable[[Any], bytes]) -> None:
        self._write = write

    def item(self, response: Any) -> bytes:
        return self._write(response) + b"\n"

    def failure(self, problem: Problem) -> bytes:
        return encoded({"error": problem.error}) + b"\n"


class ServerSentEvents:
    """An event per message, whose id resumes the stream behind it; heartbeats move the id and are no events."""

    content_type = b"text/event-stream"

    def __init__(self, write: Callable[[Any], bytes], output: Descriptor) -> None:
        self._write = write
        self._heartbeats = "heartbeat" in output.fields_by_name
        paths = [path.split(".") for _, path, _ in RESUMES]
        self._id_path = next((path for path in paths if path[0] in output.fields_by_name), [])

    def item(self, response: Any) -> bytes:
        identity = self._identity(response)
        head = b"id: %s\n" % identity.encode() if identity else b""
        if self._heartbeats and response.heartbeat:
            return head + b": heartbeat\n\n"
        return b"%sdata: %s\n\n" % (head, self._write(response))

    def failure(self, problem: Problem) -> bytes:
        wait = problem.headers.get("Retry-After")
        retry = b"retry: %d\n" % (int(wait) * 1000) if wait else b""
        return b"%sevent: problem\ndata: %s\n\n" % (retry, encoded({"error": problem.error}))

    def _identity(self, response: Any) -> str:
        value = response
        for name in self._id_path:
            value = getattr(value, name)
        return str(value) if self._id_path and value else ""


def resume(request: Any, last_event_id: str) -> None:
    """Makes a request go on behind the event with this id. Raises ValueError when it cannot be one."""
    fields = request.DESCRIPTOR.fields_by_name
    for name, _, replaced in RESUMES:
        if name in fields:
            number = fields[name].cpp_type != fields[name].CPPTYPE_STRING
            if number and not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19):
                raise ValueError("must be the number of an event")
            setattr(request, name, int(last_event_id) if number else last_event_id)
            for other in replaced:
                request.ClearField(other)
            return


class Relay:
    """One stream on its way from a call to a client."""

    def __init__(self, call: Any, form: Form, send: Send) -> None:
        self._call = call
        self._form = form
        self._send = send
        self._started = False

    async def run(self, receive: Receive, ending: asyncio.Event) -> Problem | None:
        """Serves the call to its end, or until this process ends: then the client is told to come again.

        Gives back the problem of a call that failed before anything was sent.
        """
        relaying = asyncio.ensure_future(self._relay())
        leaving = asyncio.ensure_future(_client_left(receive))
        stopping = asyncio.ensure_future(ending.wait())
        try:
            await asyncio.wait({relaying, leaving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if relaying.done():
                return await relaying
            if leaving.done():
                return None
        finally:
            self._call.cancel()
            for task in (relaying, leaving, stopping):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError, grpc.aio.AioRpcError):
                await relaying
        return await self._fail(problem_of_refusal(shutting_down()))

    async def _relay(self) -> Problem | None:
        reading = asyncio.ensure_future(self._call.read())
        try:
            await asyncio.wait({reading}, timeout=FIRST_SECONDS)
            if not reading.done():
                await self._start()
            while (response := await reading) is not _EOF:
                await self._start()
                await self._send_piece(self._form.item(response))
                reading = asyncio.ensure_future(self._call.read())
            await self._start()
        except grpc.aio.AioRpcError as failure:
            return await self._fail(problem_of_call(failure))
        finally:
            reading.cancel()
        await self._send({"type": "http.response.body", "body": b""})
        return None

    async def _fail(self, problem: Problem) -> Problem | None:
        if not self._started:
            return problem
        await self._send_piece(self._form.failure(problem))
        await self._send({"type": "http.response.body", "body": b""})
        return None

    async def _start(self) -> None:
        if self._started:
            return
        self._started = True
        headers = [
            (b"content-type", self._form.content_type),
            (b"cache-control", b"no-store"),
            # Proxies of nginx's kind would hold messages back.
            (b"x-accel-buffering", b"no"),
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send_piece(b"")

    async def _send_piece(self, piece: bytes) -> None:
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
