"""The HTTP server of one process, from an address to a clean end; knows no route by its meaning."""

import asyncio
import contextlib
import math
import socket
import time
from collections.abc import Iterator, Mapping

import structlog
import uvicorn
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from gateway.app import Gateway
from gateway.config import Settings
from gateway.dialects.inbound import InboundDialect
from gateway.protocol import TimedHttpProtocol
from gateway.services_client import ServicesClient

BACKLOG = 2048
# The deadline of the protocol cuts what the edge's own, which answers 408, cannot see: it comes a little later.
BODY_MARGIN_SECONDS = 2.0

log = structlog.get_logger("crossdock.server")


class Server:
    """A running gateway; `url` is where it is served."""

    def __init__(self, settings: Settings, dialects: Mapping[str, InboundDialect]) -> None:
        self._settings = settings
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._gateway = Gateway(settings, ServicesClient.connect(settings), self.registry, dialects)
        self._server = _Uvicorn(_config(settings, self._gateway))
        self._serving: asyncio.Task[None] | None = None
        self.url = ""

    @classmethod
    async def start(cls, settings: Settings, dialects: Mapping[str, InboundDialect]) -> "Server":
        """Serve; raises OSError when the address cannot be had. The services need not be there yet."""
        listener = _listen(settings)
        server = cls(settings, dialects)
        host, port = listener.getsockname()[:2]
        server.url = f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"
        server._serving = asyncio.create_task(server._server.serve(sockets=[listener]))
        await server._server.listening.wait()
        server._gateway.start()
        log.info("serving", http=server.url, services=settings.services)
        return server

    async def stop(self, grace_seconds: float) -> None:
        """Say so, take requests for a moment more, let those under way finish, and let go of everything."""
        end = time.monotonic() + grace_seconds
        self._gateway.drain()
        sending = asyncio.create_task(self._gateway.stop_sending(grace_seconds))
        await asyncio.sleep(min(self._settings.notice_seconds, grace_seconds))
        self._server.config.timeout_graceful_shutdown = math.ceil(max(0.0, end - time.monotonic())) + 1
        self._server.should_exit = True
        assert self._serving is not None
        await asyncio.wait([self._serving], timeout=max(0.0, end - time.monotonic()))
        if not self._serving.done():
            log.warning("requests are cut: the grace is over")
        await sending
        # What still waits for the services is answered 503 by this, before uvicorn cuts the connections.
        await self._gateway.close()
        await self._serving
        log.info("stopped")

    @property
    def draining(self) -> bool:
        """Whether it was told to stop."""
        return self._gateway.draining


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers: the process that runs it has its own."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(settings: Settings, gateway: Gateway) -> uvicorn.Config:
    class Protocol(TimedHttpProtocol):
        header_seconds = settings.header_seconds
        body_seconds = settings.body_seconds + BODY_MARGIN_SECONDS

    return uvicorn.Config(
        gateway.app,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        proxy_headers=False,  # who is believed is the verifiers' business
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=settings.keep_alive_seconds,
    )


def _listen(settings: Settings) -> socket.socket:
    address = settings.http_address
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.create_server(address, family=family, backlog=BACKLOG, reuse_port=settings.reuse_port)
    # asyncio leaves it off on a listener made like this; uvloop does not. Answers would take 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
