"""Cuts the connections that dribble; knows the wire's clock and size, and nothing of requests or answers.

uvicorn bounds only the idle time between two requests. Alone it waits for ever for headers that never end,
keeps every byte of them, and lets one byte now and then hold a connection open. Deadlines here are for a
whole part (all the headers, the whole body), so a client gains nothing by sending slowly but steadily. A
client that does not read its answer is cut as well.

The edge answers 408 to a slow body; the deadline here is a little later, and cuts what the edge cannot see: a
body that nobody reads because its request has been answered already.
"""

import asyncio
from enum import Enum
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEADER_SECONDS = 10.0
BODY_SECONDS = 12.0
READER_SECONDS = 30.0
MAX_HEADER_BYTES = 64 << 10
# Chunk sizes and trailers: a body in chunks of a few bytes is mostly frame.
MAX_FRAME_BYTES = 256 << 10

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class _Part(Enum):
    HEADERS = "headers"
    BODY = "body"


class TimedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a deadline and a size for what a client has begun to send.

    Give it to uvicorn as `http=`; other deadlines are set in a subclass. The gateway serves no web sockets.
    """

    header_seconds: float = HEADER_SECONDS
    body_seconds: float = BODY_SECONDS
    reader_seconds: float = READER_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn would log whole paths, and some paths carry a secret. The edge logs requests by route.
        self.access_log = False
        self._awaited: _Part | None = _Part.HEADERS
        self._changes = 0
        self._unframed_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._reader_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows asyncio's signature
        self._restart_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_reader_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        changes = self._changes
        self._unframed_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._awaited is None and self._changes == changes:
            # Blank lines between requests: the parser skips them, and they must not keep the connection open.
            self._await(_Part.HEADERS)
        if self._changes != changes:
            # A request that arrives in one piece never costs a timer.
            self._restart_timer()
        if self._awaited is _Part.HEADERS and self._unframed_bytes > MAX_HEADER_BYTES:
            self._cut(_TOO_LARGE)
        elif self._awaited is _Part.BODY and self._unframed_bytes > MAX_FRAME_BYTES:
            self._cut(b"")

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stop_reader_timer()
        self._reader_timer = self.loop.call_later(self.reader_seconds, self._cut, b"")

    def resume_writing(self) -> None:
        self._stop_reader_timer()
        super().resume_writing()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._awaited is not _Part.HEADERS:
            self._await(_Part.HEADERS)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._await(_Part.BODY)

    def on_body(self, body: bytes) -> None:
        self._unframed_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._await(None)

    def _await(self, part: _Part | None) -> None:
        self._awaited = part
        self._changes += 1
        if part is None:
            self._unframed_bytes = 0

    def _restart_timer(self) -> None:
        self._stop_timer()
        if self._awaited is not None:
            seconds = self.header_seconds if self._awaited is _Part.HEADERS else self.body_seconds
            self._timer = self.loop.call_later(seconds, self._time_out)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_reader_timer(self) -> None:
        if self._reader_timer is not None:
            self._reader_timer.cancel()
            self._reader_timer = None

    def _time_out(self) -> None:
        if self.flow.read_paused:
            # The client waits for us: we have stopped reading until the application takes what has come.
            self._restart_timer()
        else:
            # A connection on which nothing was ever sent is closed without a word.
            begun = self._awaited is _Part.HEADERS and self._unframed_bytes
            self._cut(_TOO_SLOW if begun else b"")

    def _cut(self, answer: bytes) -> None:
        self._stop_timer()
        # mypy: uvicorn declares `cycle` as never None, and starts with None.
        cycle: RequestResponseCycle | None = self.cycle
        if answer and (cycle is None or cycle.response_complete):
            self.transport.write(answer)
            self.transport.close()
        else:
            self.transport.abort()
