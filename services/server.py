"""The gRPC server of one process, from an address to a clean end; knows no servicer by its meaning."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from runtime.metrics import MetricsServer
from services.authentication import Authenticator
from services.config import Settings
from services.db.engine import create_engine, require_safe_commits
from services.db.migrations import upgrade
from services.generic_handlers import GenericHandlers
from services.health import Health
from services.hub import Hub, make_hub
from services.interceptors.authenticating import authenticating
from services.interceptors.chain import Chain
from services.interceptors.concurrency import Places, concurrency
from services.interceptors.deadlines import deadlines
from services.interceptors.draining import Draining
from services.interceptors.errors import errors
from services.interceptors.observing import observing
from services.interceptors.rates import Rates, rates
from services.interceptors.validation import MAX_INGEST_BYTES, validation
from services.maintenance import maintain
from services.registry import SERVICERS, WORKERS, Registration
from services.workers import Workers

log = structlog.get_logger()

OPTIONS: tuple[tuple[str, Any], ...] = (
    # One webhook's body may have 16 MiB. All but the ingest methods are held to 1 MiB by the validation layer.
    ("grpc.max_receive_message_length", MAX_INGEST_BYTES),
    # A page of 1,000 things, or a stored webhook with its body.
    ("grpc.max_send_message_length", 64 * 1024 * 1024),
    ("grpc.max_metadata_size", 16 * 1024),
    # Readers of streams that vanished without a word are found within a minute and a half.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Clients behind load balancers may ping an idle connection every ten seconds.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)
STREAMS_SECONDS = 1.0
"""How long streams may take to end themselves, with a cursor, before they are cut."""
GOODBYE_SECONDS = 0.5
"""How long connections may take to close once nothing is under way on them."""


class AddressNotServed(Exception):
    """The address is another process's, or none of this machine."""


class Server:
    """A running server; ``address`` is the bound one."""

    def __init__(self, hub: Hub, resources: AsyncExitStack) -> None:
        settings = hub.settings
        self.hub = hub
        self.address = ""
        self.metrics_address = ""
        self.calls = Places(settings.max_concurrent_rpcs)
        self.streams = Places(settings.max_concurrent_streams)
        self._draining = Draining()
        self._workers = Workers(hub)
        self._resources = resources
        self._authenticator = Authenticator(hub)
        self._server = grpc.aio.server(
            interceptors=[Chain(self._layers())],
            options=[*OPTIONS, ("grpc.so_reuseport", int(settings.reuse_port))],
        )

    @classmethod
    async def start(cls, settings: Settings, servicers: Sequence[Registration] = SERVICERS) -> "Server":
        """Migrates the database and serves; raises, with nothing left behind, when either cannot be."""
        async with AsyncExitStack() as stack:
            hub = make_hub(settings, create_engine(settings))
            stack.push_async_callback(hub.close)
            await upgrade(hub.engine)
            await require_safe_commits(hub.engine, allow_unsafe=settings.allow_unsafe_commits)
            await maintain(hub)
            server = cls(hub, stack)
            stack.push_async_callback(server._server.stop, 0)
            await server._serve(servicers)
            server._resources = stack.pop_all()
        log.info("serving", grpc=server.address, metrics=server.metrics_address)
        return server

    async def stop(self, grace_seconds: float) -> None:
        """Says so, takes calls for a moment more, lets those under way finish, and lets go of everything.

        Takes ``grace_seconds`` at most, and a second or so for cutting what did not finish.
        """
        end = time.monotonic() + grace_seconds
        await self._health.drain()
        self._draining.refuse_streams()
        self.hub.tailer.drain()
        await asyncio.sleep(min(self.hub.settings.notice_seconds, grace_seconds))
        self._draining.refuse_calls()
        left = max(0.0, end - time.monotonic())
        await self._draining.end(min(STREAMS_SECONDS, left), left)
        await self._server.stop(GOODBYE_SECONDS)
        await self._resources.aclose()
        log.info("stopped")

    def _layers(self) -> list[Any]:
        """What stands around every method, outermost first."""
        settings = self.hub.settings
        return [
            errors,
            observing(log_calls=settings.log_calls),
            self._draining.layer,
            authenticating(self._authenticator),
            rates(Rates(), settings.calls_per_minute),
            deadlines(settings.deadline_seconds),
            concurrency(self.calls, self.streams),
            validation,
        ]

    async def _serve(self, servicers: Sequence[Registration]) -> None:
        stack, settings, server = self._resources, self.hub.settings, self._server
        names = [each.name for each in servicers]
        probe = create_engine(settings, pool_size=1)
        stack.push_async_callback(probe.dispose)
        self._health = Health(probe, names)
        handlers = GenericHandlers(server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, handlers)
        if settings.reflection:
            own = (health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME)
            reflection.enable_server_reflection([*names, *own], server)
        for each in servicers:
            each.add(each.make(self.hub), handlers)

        self.address = _listen(server, settings)
        stack.push_async_callback(self._authenticator.close)
        if settings.metrics:
            host, _, port = settings.metrics.rpartition(":")
            metrics = await MetricsServer.start(host.strip("[]"), int(port))
            stack.push_async_callback(metrics.close)
            self.metrics_address = f"{host}:{metrics.port}"
        await self._health.look()
        stack.push_async_callback(self._workers.stop)
        self._workers.start("readiness", lambda _: self._health.keep_watching())
        for name, work in WORKERS:
            self._workers.start(name, work)
        await server.start()


def _listen(server: grpc.aio.Server, settings: Settings) -> str:
    try:
        if settings.tls_certificate is not None and settings.tls_key is not None:
            port = server.add_secure_port(settings.grpc, _credentials(settings))
        else:
            port = server.add_insecure_port(settings.grpc)
    except RuntimeError:
        port = 0
    if port == 0:
        raise AddressNotServed(f"{settings.grpc} cannot be served: is another process there?")
    if settings.grpc.startswith("unix"):
        return settings.grpc
    return f"{settings.grpc.rpartition(':')[0]}:{port}"


def _credentials(settings: Settings) -> grpc.ServerCredentials:
    assert settings.tls_certificate is not None
    assert settings.tls_key is not None
    pair = (_read(settings.tls_key), _read(settings.tls_certificate))
    authority = settings.tls_client_authority
    return grpc.ssl_server_credentials(
        [pair],
        root_certificates=None if authority is None else _read(authority),
        require_client_auth=authority is not None,
    )


def _read(path: Path) -> bytes:
    return path.read_bytes()
