"""Servers on loopback that stand for whatever is at the other end, and a trap that nobody may touch."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

NEIGHBOUR = "127.0.0.2"
"""An address of this machine beside 127.0.0.1: some tests allow the one and not the other."""


class Trap:
    """Listens on every address of this machine; the kernel counts who comes, nobody has to be served."""

    def __init__(self) -> None:
        self._listener = _listen_everywhere()
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]

    @property
    def touched(self) -> bool:
        """Whether anybody has connected since the last look."""
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._listener.close()


def _listen_everywhere() -> socket.socket:
    if socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):
            return socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=500)
    return socket.create_server(("0.0.0.0", 0), backlog=500)


class FarServer:
    """A raw TCP server: `serve` has each connection for itself."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        self.port: int = server.sockets[0].getsockname()[1]
        self.connections = 0
        self.written = 0


@contextlib.asynccontextmanager
async def far_server(
    serve: Serve, host: str = NEIGHBOUR, context: ssl.SSLContext | None = None
) -> AsyncIterator[FarServer]:
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await serve(reader, writer)
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(connected, host, 0, ssl=context)
    far = FarServer(server)
    try:
        yield far
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and the body of one request."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head, await reader.readexactly(length)


def answering(answer: bytes, heard: list[tuple[bytes, bytes]] | None = None) -> Serve:
    """Answers each request of a connection with the same bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader)
            if heard is not None:
                heard.append(request)
            writer.write(answer)
            await writer.drain()

    return serve


def answer(status: str = "200 OK", body: bytes = b"ok", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
