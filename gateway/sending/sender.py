"""The gateway's sender: asks the services for work and spreads it, from its start to a clean end; knows no event."""

import asyncio
import os
import random
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import grpc
import structlog
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_service_pb2 import SubscriptionLease

from gateway.dialects.outbound import OutboundDialect
from gateway.egress import Egress
from gateway.sending.hosts import Hosts
from gateway.sending.leases import FIRST_HELD, LeaseWork
from gateway.sending.measures import SendingMeasures
from gateway.sending.pictures import Pictures
from gateway.sending.reports import Reports
from gateway.sending.tries import Tries
from gateway.services_client import ServicesClient

WAIT_SECONDS = 10.0
"""How long a call for work waits for some."""
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
REST = timedelta(seconds=10)
"""About how long a lease is left alone whose host has enough of us, or does not answer."""
LAST_REPORTS_SECONDS = 1.0
"""How much of the time to end is kept for the last reports."""

_log = structlog.get_logger("crossdock.sending")


@dataclass(frozen=True)
class SendingSettings:
    """How much one process sends at a time."""

    leases: int = 200
    concurrency: int = 256
    events: int = FIRST_HELD
    """What one lease begins with at most."""
    held_events: int = 1_500
    """Of all leases together. More than it begins with a lease gets only below."""
    lease_seconds: float = 20.0


class Sender:
    """One sender; `start` and `stop` it once."""

    def __init__(
        self,
        services: ServicesClient,
        egress: Egress,
        dialects: Mapping[str, OutboundDialect],
        measures: SendingMeasures,
        settings: SendingSettings,
    ) -> None:
        self._services = services
        self._measures = measures
        self._settings = settings
        self.id = f"{socket.gethostname()[:200]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._hosts = Hosts()
        self._tries = Tries(egress, dialects, Pictures(services), measures, concurrency=settings.concurrency)
        self._reports = Reports(services, measures, self.id, settings.lease_seconds)
        self._active: dict[asyncio.Task[None], LeaseWork] = {}
        self._freed = asyncio.Event()
        self._leasing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to lease, and goes on until `stop`."""
        self._leasing = asyncio.create_task(self._keep_leasing(), name="sender")

    async def stop(self, seconds: float) -> None:
        """Leases nothing more, lets what is under way end if it does so in time, and gives everything back."""
        if self._leasing is not None:
            self._leasing.cancel()
            await asyncio.wait([self._leasing])
        end = time.monotonic() + seconds
        for work in self._active.values():
            work.halt()
        await self._ended(end - time.monotonic() - LAST_REPORTS_SECONDS)
        for work in self._active.values():
            work.abandon()
        await self._ended(max(end - time.monotonic(), LAST_REPORTS_SECONDS))
        self._reports.give_up()
        left = list(self._active)
        if left:
            _log.warning("leases are left to run out: the services do not answer", leases=len(left))
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _ended(self, seconds: float) -> None:
        if self._active and seconds > 0:
            await asyncio.wait(list(self._active), timeout=seconds)

    async def _keep_leasing(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                free = self._settings.leases - len(self._active)
                if free <= 0:
                    self._freed.clear()
                    await self._freed.wait()
                    continue
                for lease in await self._lease(free):
                    self._begin(lease)
                pause = FIRST_PAUSE_SECONDS
                continue
            except grpc.aio.AioRpcError as error:
                code = error.code().name
                self._measures.calls_failed.labels("LeaseSubscriptions", code).inc()
                if pause == FIRST_PAUSE_SECONDS:
                    _log.warning("no work from the services; asking again", code=code)
            except Exception:  # noqa: BLE001  the sender outlives whatever befalls it
                _log.exception("the sender failed")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _lease(self, free: int) -> list[SubscriptionLease]:
        request = contract.LeaseSubscriptionsRequest(
            sender_id=self.id, max_subscriptions=min(free, 1000), max_events=self._settings.events
        )
        request.duration.FromMilliseconds(int(self._settings.lease_seconds * 1000))
        request.wait.FromMilliseconds(int(WAIT_SECONDS * 1000))
        response = await self._services.subscriptions.LeaseSubscriptions(
            request, metadata=self._services.system, timeout=WAIT_SECONDS + self._services.seconds
        )
        return list(response.leases)

    def _room(self) -> int:
        """How many more events a lease may hold that goes on: none when others wait for its place."""
        if len(self._active) >= self._settings.leases:
            return 0
        return max(1, self._settings.held_events - sum(work.held for work in self._active.values()))

    def _begin(self, lease: SubscriptionLease) -> None:
        host = self._hosts.of(lease.subscription.url)
        work = LeaseWork(lease, host, self._tries, self._reports, self._settings.lease_seconds, self._room)
        taken = host.takes(self._settings.leases)
        if taken:
            host.leases += 1
        else:
            self._measures.given_back.inc()
        # Spread, or all those of one host would come back at once.
        rest = REST * (0.5 + random.random())  # noqa: S311  guards nothing
        task = asyncio.create_task(work.run() if taken else work.give_back(rest))
        self._active[task] = work
        self._measures.leases.set(len(self._active))

        def end(task: asyncio.Task[None]) -> None:
            host.leases -= taken
            del self._active[task]
            self._measures.leases.set(len(self._active))
            self._freed.set()
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.error("a lease was lost because of a mistake of ours", exc_info=error)

        task.add_done_callback(end)
