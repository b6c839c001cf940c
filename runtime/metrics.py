"""Owns how a process shows its metrics: shared histogram buckets, and a small HTTP server for processes that
have none.

The metrics themselves are declared where they are counted, in prometheus-client's default registry, which
also knows the process (CPU, memory, open files) and Python's garbage collector.
"""

import asyncio
import contextlib

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder

# A no-op call takes 0.2 ms, a batch's commit 2 ms, the longest deadline 60 s.
RPC_SECONDS_BUCKETS = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
)
# Partners' clients are further away, and nobody waits longer than 30 s.
HTTP_SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCH_SIZE_BUCKETS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)

REQUEST_BYTES = 16 * 1024
REQUEST_SECONDS = 5.0


def exposition(accept: str = "", registry: CollectorRegistry = REGISTRY) -> tuple[bytes, str]:
    """All metrics as text, and its content type, in the best format that an `Accept` header allows."""
    encoder, content_type = choose_encoder(accept)
    return encoder(registry), content_type


class MetricsServer:
    """Answers `GET /metrics` in the running loop, without a thread per scrape."""

    def __init__(self, server: asyncio.Server, registry: CollectorRegistry) -> None:
        self._server = server
        self._registry = registry

    @classmethod
    async def start(cls, host: str, port: int, registry: CollectorRegistry = REGISTRY) -> "MetricsServer":
        """Listen on `host` and `port` (0: any free one)."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(TimeoutError, EOFError, asyncio.LimitOverrunError, ConnectionError):
                async with asyncio.timeout(REQUEST_SECONDS):
                    request = await reader.readuntil(b"\r\n\r\n")
                    writer.write(_response(request.decode("latin-1"), registry))
                    await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, host, port, limit=REQUEST_BYTES)
        return cls(server, registry)

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        self._server.close()
        await self._server.wait_closed()


def _response(request: str, registry: CollectorRegistry) -> bytes:
    line, *headers = request.split("\r\n")
    method, _, rest = line.partition(" ")
    if rest.split(" ")[0].split("?")[0] != "/metrics":
        status, body, content_type = "404 Not Found", b"The metrics are at /metrics.\n", "text/plain"
    elif method not in ("GET", "HEAD"):
        status, body, content_type = "405 Method Not Allowed", b"Use GET.\n", "text/plain"
    else:
        fields = (header.partition(":") for header in headers)
        accept = next((value.strip() for name, _, value in fields if name.lower() == "accept"), "")
        status = "200 OK"
        body, content_type = exposition(accept, registry)
    head = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*head, "", ""]).encode() + (b"" if method == "HEAD" else body)
