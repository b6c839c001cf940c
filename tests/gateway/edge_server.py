"""A real uvicorn server with the edge in front of a few routes; run as a program it prints its port."""

import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import structlog
import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI, Request
from prometheus_client import CollectorRegistry
from starlette.requests import Request as PlainRequest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from gateway.dialects.registry import REST
from gateway.edge import BodyLimits, Edge, Envelopes, HttpMeasures, RouteTemplates
from gateway.protocol import TimedHttpProtocol

CANARY = "canary-3f9c"
MAX_BYTES = 200_000


@dataclass
class Seen:
    """What the routes saw, for the tests to look at."""

    read_failures: list[str] = field(default_factory=list)
    chunks_written: int = 0
    release: asyncio.Event = field(default_factory=asyncio.Event)


def make_app(registry: CollectorRegistry, *, body_seconds: float, seen: Seen) -> FastAPI:  # noqa: C901  many small routes
    router = APIRouter(prefix="/orders")

    @router.get("/{order_id}")
    async def get_order(order_id: str, request: Request) -> dict[str, str]:
        return {"order_id": order_id, "request_id": request.state.request_id}

    @router.get("/{order_id}/boom")
    async def boom(order_id: str) -> None:
        raise RuntimeError(CANARY + order_id)

    @router.post("/{order_id}")
    async def post_order(order_id: str, body: dict[str, str]) -> dict[str, str]:
        return body

    async def echo(request: PlainRequest) -> Response:
        try:
            body = await request.body()
        except Exception as error:
            seen.read_failures.append(type(error).__name__)
            raise
        return Response(body)

    async def ignore(request: PlainRequest) -> Response:
        return JSONResponse({}, status_code=401)

    async def stubborn(request: PlainRequest) -> Response:
        with contextlib.suppress(Exception):
            await request.body()
        return PlainTextResponse("all is well")

    async def page(request: PlainRequest) -> Response:
        headers = {"Cache-Control": "max-age=60", "Content-Security-Policy": "default-src 'self'"}
        return HTMLResponse("<p>hello", headers=headers if request.query_params else None)

    async def half(request: PlainRequest) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"first"
            raise RuntimeError(CANARY)

        return StreamingResponse(chunks())

    async def flood(request: PlainRequest) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            while True:
                seen.chunks_written += 1
                yield b"x" * 65536
                await asyncio.sleep(0)  # to a client that is gone, uvicorn writes without ever waiting

        return StreamingResponse(chunks())

    async def wait(request: PlainRequest) -> Response:
        await seen.release.wait()
        return Response(str(len(await request.body())))

    app = FastAPI()
    app.include_router(router, prefix="/v1")
    app.router.routes += [
        Route("/webhooks/{dialect}/{secret}", echo, methods=["POST"]),
        *(Route(f"{dialect.prefix}/echo", echo, methods=["POST"]) for dialect in REST),
        Route("/ignore", ignore, methods=["POST"]),
        Route("/stubborn", stubborn, methods=["POST"]),
        Route("/page", page),
        Route("/half", half),
        Route("/flood", flood),
        Route("/wait", wait, methods=["POST"]),
        Mount("/files", routes=[Mount("/more", routes=[Route("/{name}", page)])]),
    ]
    app.add_middleware(
        Edge,
        limits=lambda _: BodyLimits(max_bytes=MAX_BYTES, seconds=body_seconds),
        measures=HttpMeasures(registry),
        templates=RouteTemplates(lambda: app.routes),
        envelopes=Envelopes({dialect.prefix: dialect.envelope for dialect in REST}),
    )
    return app


@dataclass
class RunningEdge:
    port: int
    registry: CollectorRegistry
    seen: Seen

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def requests_counted(self, method: str, route: str, status: int) -> float:
        labels = {"method": method, "route": route, "status": str(status)}
        return self.registry.get_sample_value("crossdock_http_request_seconds_count", labels) or 0


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A plain connection, for what no HTTP client would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def running_edge(
    *, header: float, body: float, unread: float = 60, reader: float = 60
) -> AsyncIterator[RunningEdge]:
    """Serve on a free port, with the edge's and the protocol's deadlines in seconds."""

    class ImpatientProtocol(TimedHttpProtocol):
        header_seconds = header
        body_seconds = unread
        reader_seconds = reader

    registry, seen = CollectorRegistry(), Seen()
    config = uvicorn.Config(
        make_app(registry, body_seconds=body, seen=seen),
        http=ImpatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_keep_alive=60,
    )
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio leaves it off on a listener made like this; uvloop does not. Answers would take 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    deadline = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        await asyncio.sleep(0.01)
    try:
        yield RunningEdge(listener.getsockname()[1], registry, seen)
    finally:
        seen.release.set()
        server.should_exit = server.force_exit = True
        await serving


async def serve_until_closed(header: float, body: float) -> None:
    async with running_edge(header=header, body=body) as edge:
        print(edge.port, flush=True)  # noqa: T201  the parent reads it
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    # The parent reads one line. A log on standard output would fill the pipe and stop the server.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    uvloop.run(serve_until_closed(float(sys.argv[1]), float(sys.argv[2])))
