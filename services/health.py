"""Says whether this process serves, per service and overall: ready is who can write to the database."""

import asyncio
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
import structlog
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse
from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

log = structlog.get_logger()

EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 3.0

_READY = Gauge("crossdock_ready", "1 while this process can write to its database and is not shutting down")
_PROBE = sa.text(
    "INSERT INTO probes (probe, write_time) VALUES (1, now())"
    " ON CONFLICT (probe) DO UPDATE SET write_time = excluded.write_time"
)


class Health:
    """The health service's statuses. ``engine`` is the probe's own, so that a busy pool is not taken for a dead one."""

    def __init__(self, engine: AsyncEngine, services: Iterable[str]) -> None:
        self.servicer: Any = health.aio.HealthServicer()  # type: ignore[attr-defined]  # the stubs lack it
        self._engine = engine
        self._services = ("", *services)
        self._ready: bool | None = None
        self._draining = False

    async def keep_watching(self) -> None:
        """Probes every second, forever."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> bool:
        """Probes once and publishes the result; whether the process is ready."""
        ready = await self._can_write() and not self._draining
        await self._publish(ready)
        return ready

    async def drain(self) -> None:
        """NOT_SERVING from now on, whatever the database says."""
        self._draining = True
        await self._publish(ready=False)

    async def _publish(self, ready: bool) -> None:
        if ready is self._ready:
            return
        self._ready = ready
        _READY.set(ready)
        status = HealthCheckResponse.SERVING if ready else HealthCheckResponse.NOT_SERVING
        log.log(20 if ready else 30, "readiness changed", ready=ready)
        for service in self._services:
            await self.servicer.set(service, status)

    async def _can_write(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._engine.begin() as connection:
                await connection.execute(_PROBE)
        except (SQLAlchemyError, OSError) as error:
            if self._ready is not False:
                log.warning("the database cannot be written", error=type(error).__name__)
            return False
        except Exception:  # the driver's own errors of connecting
            log.warning("the database cannot be written", exc_info=True)
            return False
        return True
