"""Works off one lease: a delivery's events one after the other, deliveries side by side; knows no HTTP and no dialect.

How many go side by side follows the endpoint: few at first, one more with every message that it takes, up to what the
subscription allows, and one when it does not answer. So a dead endpoint holds two connections and not a hundred.

Reports go out while tries go on, and their answers bring the next events: a quick endpoint never waits for the hub.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
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
FIRST_HELD, MOST_HELD = 100, 400
"""So many events of one lease are here at first, and at most: twice as many whenever as many came as were asked for."""
REPORT_SIZE = 100
"""So many attempts are reported while the lease goes on, or half of what is here if that is less."""
REPORT_SECONDS = 2.0
"""Or those of so long."""
SILENT_TRIES = 3
"""After so many tries in a row without an answer the rest can wait a little."""
PAUSE = timedelta(seconds=5)
"""How long, unless the endpoint says how long."""

_log = structlog.get_logger("crossdock.sending")


class LeaseWork:
    """One lease in this process's hands. ``room`` tells how many more events it may hold; 0 that others wait."""

    def __init__(
        self,
        lease: SubscriptionLease,
        host: Host,
        tries: Tries,
        reports: Reports,
        lease_seconds: float,
        room: Callable[[], int],
    ) -> None:
        self._lease_id = lease.id
        self._subscription = lease.subscription
        self._host = host
        self._tries = tries
        self._reports = reports
        self._lease_seconds = lease_seconds
        self._room = room
        self._ends_at = time.monotonic() + lease_seconds
        self._held: set[str] = set()
        self._subjects: deque[list[OutboundEvent]] = deque()
        self._take(lease.events)
        self._most_held = FIRST_HELD
        self._attempts: list[Attempt] = []
        self._slow_for: timedelta | None = None
        self._most = self._subscription.max_in_flight or DEFAULT_IN_FLIGHT
        self._width = (
            1 if self._subscription.state == pb.SUBSCRIPTION_STATE_FAILING else min(FIRST_IN_FLIGHT, self._most)
        )
        self._workers: set[asyncio.Task[None]] = set()
        self._silent = 0
        self._halted = False
        self._due = asyncio.Event()

    @property
    def held(self) -> int:
        """How many events are here and not reported."""
        return len(self._held)

    async def run(self) -> None:
        """Returns when all is tried and reported, or given back."""
        self._widen()
        try:
            await self._keep_reporting()
        finally:
            for worker in self._workers:  # none, unless this task was cancelled
                worker.cancel()

    async def give_back(self, slow_for: timedelta) -> None:
        """Tries nothing, and asks that nobody does for a while."""
        self._slow_for = slow_for
        await self._report(release=True)

    def halt(self) -> None:
        """Begins nothing more; what is under way goes on."""
        self._halted = True
        self._due.set()

    def abandon(self) -> None:
        """Lets go of what is under way as well: nobody knows what became of it, so it will be sent again."""
        self.halt()
        for worker in self._workers:
            worker.cancel()

    def _take(self, events: Iterable[OutboundEvent]) -> None:
        for subject in _by_subject(events):
            self._held.update(told.event.id for told in subject)
            self._subjects.append(subject)

    def _widen(self) -> None:
        for _ in range(min(self._width - len(self._workers), len(self._subjects))):
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._end_of)

    def _end_of(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and (error := worker.exception()) is not None:
            _log.error("a lease was given back because of a mistake of ours", exc_info=error)
            self._halted = True
        if not self._workers:
            self._due.set()

    async def _work(self) -> None:
        while self._subjects and not self._halted and len(self._workers) <= self._width:
            subject = deque(self._subjects.popleft())
            while subject and await self._tell(subject.popleft()):
                pass
            # They come again after the one that failed.
            self._held.difference_update(told.event.id for told in subject)
            self._widen()

    async def _tell(self, told: OutboundEvent) -> bool:
        """Tries one event. False when those after it must wait."""
        if time.monotonic() >= self._ends_at:
            self._halted = True  # somebody else may have it by now
        if self._halted:
            return False
        attempt = await self._tries.make(self._subscription, told, self._host)
        self._attempts.append(attempt)
        if len(self._attempts) >= min(REPORT_SIZE, self._most_held // 2):
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
        """Reports now and then, which also keeps the lease and brings more; gives it back when nothing is left."""
        every = min(REPORT_SECONDS, self._lease_seconds / 4)
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), every)
            self._due.clear()
            if not self._workers and (self._halted or not self._subjects):
                if not await self._report(release=True):
                    return
            elif self._attempts or time.monotonic() >= self._ends_at - self._lease_seconds / 2:
                await self._report(release=False)
            self._widen()

    async def _report(self, *, release: bool) -> bool:
        """Tells what was tried and takes what is next. False when nothing is."""
        report = LeaseReport(lease_id=self._lease_id, attempts=self._attempts, release=release)
        self._held.difference_update(attempt.event_id for attempt in self._attempts)
        self._attempts = []
        report.max_events = self._wanted()
        if report.max_events:
            report.held_event_ids.extend(self._held)
        if release and self._slow_for is not None:
            report.slow_until.FromDatetime(utc_now() + self._slow_for)
        began = time.monotonic()
        try:
            result = await self._reports.submit(report)
        except NotReported:
            self._halted = True
            return False
        self._ends_at = began + self._lease_seconds
        if result.lost or result.stop:
            self._halted = True
        if 0 < report.max_events <= len(result.events):
            self._most_held = min(2 * self._most_held, self._most_held + self._room(), MOST_HELD)
        self._take(result.events)
        return bool(result.events)

    def _wanted(self) -> int:
        """How many more events it can do with."""
        if self._halted or self._slow_for is not None or not self._room():
            return 0
        return max(0, self._most_held - len(self._held))


def _by_subject(events: Iterable[OutboundEvent]) -> Iterable[list[OutboundEvent]]:
    """The events in their order, those together that must be told one after the other."""
    subjects: dict[str, list[OutboundEvent]] = {}
    for told in events:
        event = told.event
        subject = event.delivery_id or event.shipment_id or event.subscription_id or event.id
        subjects.setdefault(subject, []).append(told)
    return subjects.values()
