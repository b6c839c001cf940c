"""Bounds a request's body in size and time while the application reads it; knows no content.

A route that reads too much or too long finds the client gone (`http.disconnect`), and whatever it says
afterwards is dropped: the answer has been given here. So no route and no framework can turn a refusal into
something else.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import Message, Receive, Scope, Send

from gateway.edge.envelopes import Envelope

# nginx's word for a client that left before its answer; it is never sent, only logged and counted.
CLIENT_CLOSED_REQUEST = 499
DRAIN_SECONDS = 1.0
DRAIN_BYTES = 8 << 20
_CLIENT_GONE: Message = {"type": "http.disconnect"}


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The largest body, and the time from the headers within which all of it must have come."""

    max_bytes: int = 1 << 20
    seconds: float = 10.0


class BoundedBody:
    """One request's `receive` and `send`, bounded by `BodyLimits`; a refusal has the form of ``envelope``."""

    def __init__(self, limits: BodyLimits, envelope: Envelope, request_id: str, receive: Receive, send: Send) -> None:
        self._limits = limits
        self._envelope = envelope
        self._request_id = request_id
        self._receive = receive
        self._send = send
        self._deadline = asyncio.get_running_loop().time() + limits.seconds
        self._bytes = 0
        self._complete = False
        self._answering = False
        self._refused = False
        self._client_gone = False
        self.status = 0
        """What was answered; 0 before that, CLIENT_CLOSED_REQUEST when nobody was there to read it."""

    async def refuse_declared(self, scope: Scope) -> bool:
        """Answer 413 at once if the length that the client declares is too large; say whether it was."""
        for name, value in scope["headers"]:
            if name == b"content-length" and (len(value) > 18 or int(value) > self._limits.max_bytes):
                await self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large())
                return True
        return False

    async def receive(self) -> Message:
        """Give the application the next piece of the body, or tell it that there is nobody left to serve."""
        if self._refused:
            return _CLIENT_GONE
        if self._complete:
            message = await self._receive()
        else:
            try:
                async with asyncio.timeout_at(self._deadline):
                    message = await self._receive()
            except TimeoutError:
                seconds = self._limits.seconds
                await self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {seconds:g} s")
                return _CLIENT_GONE
        if message["type"] == "http.disconnect":
            self._client_gone = True
            return message
        self._complete = not message.get("more_body", False)
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._limits.max_bytes:
            await self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large())
            return _CLIENT_GONE
        return message

    async def send(self, message: Message) -> None:
        """Pass the application's answer on, unless the request was refused meanwhile."""
        if not self._refused:
            self._answering = True
            await self._pass_on(message)

    async def _refuse(self, code: HTTPStatus, message: str) -> None:
        self._refused = True
        if self._answering:
            # Half an answer is on its way. It ends here, unfinished, which makes the server close the
            # connection.
            return
        answer = self._envelope(code, message, self._request_id)
        headers = [*answer.raw_headers, (b"connection", b"close")]
        await self._pass_on({"type": "http.response.start", "status": int(code), "headers": headers})
        await self._pass_on({"type": "http.response.body", "body": answer.body, "more_body": True})
        if code is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            await self._drain()
        await self._pass_on({"type": "http.response.body", "body": b""})

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = CLIENT_CLOSED_REQUEST if self._client_gone else message["status"]
        await self._send(message)

    async def _drain(self) -> None:
        """Throw away what the client is still sending: a connection closed on it would cost it our answer."""
        thrown_away = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while thrown_away < DRAIN_BYTES:
                    message = await self._receive()
                    if not message.get("more_body", False):
                        return
                    thrown_away += len(message["body"])

    def _too_large(self) -> str:
        return f"the body is larger than {self._limits.max_bytes} bytes"

    @property
    def refused(self) -> bool:
        """Whether the edge has answered in the application's place."""
        return self._refused
