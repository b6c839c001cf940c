"""Works off one lease: a delivery's events one after the other, deliveries side by side; knows no HTTP and no dialect.

How many go side by side follows the endpoint: few at first, one more with every message that it takes, up to what the
subscription allows, and one when it does not answer. So a dead endpoint holds two connections and not a hundred.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

import structlog
from crossdock.v1 import subscription_pb2 as pb
from crossdock.v1.subscription_pb2 import Attempt, OutboundEvent
from crossdock.v1.subscription_service_pb2 import LeaseReport, SubscriptionLease

from gateway.sending import outcomes
from gateway.sending.hosts import Host
from gateway.sending.reports import NotReported, Reports
from gateway.sending.tries import Tries, utc_now

DEFAULT_IN_FLIGHT = 10
FIRST_IN_FLIGHT = 2
REPORT_SIZE = 100
"""So many attempts are reported while the lease goes on."""
REPORT_SECONDS = 2.0
"""Or those of so long."""
SILENT_TRIES = 3
"""After so many tries in a row without an answer the rest can wait a little."""
PAUSE = timedelta(seconds=5)
"""How long, unless the endpoint says how long."""

_log = structlog.get_logger("crossdock.sending")


class LeaseWork:
    """One lease in this process's hands."""

    def __init__(
        self, lease: SubscriptionLease, host: Host, tries: Tries, reports: Reports, lease_seconds: float
    ) -> None:
        self._lease = lease
        self._subscription = lease.subscription
        self._host = host
        self._tries = tries
        self._reports = reports
        self._lease_seconds = lease_seconds
        self._ends_at = time.monotonic() + lease_seconds
        self._subjects = deque(_by_subject(lease.events))
        self._attempts: list[Attempt] = []
        self._slow_for: timedelta | None = None
        self._most = self._subscription.max_in_flight or DEFAULT_IN_FLIGHT
        self._width = (
            1 if self._subscription.state == pb.SUBSCRIPTION_STATE_FAILING else min(FIRST_IN_FLIGHT, self._most)
        )
        self._working = 0
        self._silent = 0
        self._halted = False
        self._over = False
        self._due = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Returns when all is tried and reported, or given back."""
        self._sending = asyncio.create_task(self._send())
        reporting = asyncio.create_task(self._keep_reporting())
        try:
            await asyncio.wait([self._sending])
        except asyncio.CancelledError:
            self._sending.cancel()
            reporting.cancel()
            raise
        if not self._sending.cancelled() and (error := self._sending.exception()) is not None:
            _log.error("a lease was given back because of a mistake of ours", exc_info=error)
        self._over = True
        self._due.set()
        await reporting
        await self._report(release=True)

    async def give_back(self, slow_for: timedelta) -> None:
        """Tries nothing, and asks that nobody does for a while."""
        self._slow_for = slow_for
        await self._report(release=True)

    def halt(self) -> None:
        """Begins nothing more; what is under way goes on."""
        self._halted = True

    def abandon(self) -> None:
        """Lets go of what is under way as well: nobody knows what became of it, so it will be sent again."""
        self._halted = True
        if self._sending is not None:
            self._sending.cancel()

    async def _send(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._widen(group)

    def _widen(self, group: asyncio.TaskGroup) -> None:
        for _ in range(min(self._width - self._working, len(self._subjects))):
            self._working += 1
            group.create_task(self._work(group))

    async def _work(self, group: asyncio.TaskGroup) -> None:
        while self._subjects and not self._halted and self._working <= self._width:
            for told in self._subjects.popleft():
                if not await self._tell(told):
                    break
            self._widen(group)
        self._working -= 1

    async def _tell(self, told: OutboundEvent) -> bool:
        """Tries one event. False when those after it must wait."""
        if time.monotonic() >= self._ends_at:
            self._halted = True  # somebody else may have it by now
        if self._halted:
            return False
        attempt = await self._tries.make(self._subscription, told, self._host)
        self._attempts.append(attempt)
        if len(self._attempts) >= REPORT_SIZE:
            self._due.set()
        self._follow(attempt)
        return attempt.outcome in outcomes.SETTLED or told.cause == pb.SEND_CAUSE_TEST

    def _follow(self, attempt: Attempt) -> None:
        outcome = attempt.outcome
        if outcome == outcomes.SUCCEEDED:
            self._width = min(self._width + 1, self._most)
        if outcome not in outcomes.SILENT:
            self._silent = 0
        if outcome == outcomes.THROTTLED:
            asked = attempt.retry_after.ToTimedelta() if attempt.HasField("retry_after") else PAUSE
            self._rest(asked)
        elif outcome == outcomes.GONE:
            self._halted = True
        elif outcome in outcomes.SILENT:
            self._width = 1
            self._silent += 1
            if self._silent >= SILENT_TRIES:
                self._rest(PAUSE)

    def _rest(self, slow_for: timedelta) -> None:
        self._halted = True
        self._slow_for = max(slow_for, self._slow_for or timedelta(0))

    async def _keep_reporting(self) -> None:
        """Reports now and then, which also keeps the lease."""
        every = min(REPORT_SECONDS, self._lease_seconds / 4)
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), every)
            if self._over:
                return
            self._due.clear()
            stale = time.monotonic() >= self._ends_at - self._lease_seconds / 2
            if self._attempts or stale:
                await self._report(release=False)

    async def _report(self, *, release: bool) -> None:
        report = LeaseReport(lease_id=self._lease.id, attempts=self._attempts, release=release)
        self._attempts = []
        if release and self._slow_for is not None:
            report.slow_until.FromDatetime(utc_now() + self._slow_for)
        began = time.monotonic()
        try:
            result = await self._reports.submit(report)
        except NotReported:
            self._halted = True
            return
        self._ends_at = began + self._lease_seconds
        if result.lost or result.stop:
            self._halted = True


def _by_subject(events: Iterable[OutboundEvent]) -> Iterable[list[OutboundEvent]]:
    """The events in their order, those together that must be told one after the other."""
    subjects: dict[str, list[OutboundEvent]] = {}
    for told in events:
        event = told.event
        subject = event.delivery_id or event.shipment_id or event.subscription_id or event.id
        subjects.setdefault(subject, []).append(told)
    return subjects.values()
