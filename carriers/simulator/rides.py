"""Drives bookings along their plans, each in a task of its own; decides no step and posts nothing itself."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.v1.carrier_pb2 import BOOKING_STATE_CANCELLED
from crossdock.v1.delivery_pb2 import DeliveryStatus

from carriers.simulator.facts import Fact, apply, fact_of
from carriers.simulator.fleet import FLEET
from carriers.simulator.happenings import HAPPENINGS
from carriers.simulator.journeys import Step, plan
from carriers.simulator.ledger import Ledger
from carriers.simulator.misbehaviours import in_force, lateness, skew
from carriers.simulator.offers import Desk
from carriers.simulator.posting import Poster
from carriers.simulator.times import moment, stamp
from carriers.simulator.writing import write_webhook

_Key = tuple[str, str]
"""A carrier's name and a reference."""


class NotDrivable(Exception):
    """The booking cannot go that way; the message says why."""


class _Ride(NamedTuple):
    task: "asyncio.Task[None]"
    wake: asyncio.Event


class Rides:
    """All journeys of one process. `now` is the clock."""

    def __init__(self, ledger: Ledger, poster: Poster, seed: int, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._poster = poster
        self._seed = seed
        self._now = now
        self._rides: dict[_Key, _Ride] = {}

    async def close(self) -> None:
        """Stands still; the next process drives on."""
        tasks = [each.task for each in self._rides.values()]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def resume(self) -> None:
        """Drives on what a process before this one drove, and has posted what it had only written."""
        left = [self._ledger.find(each.carrier, each.reference) for each in self._ledger.pending() if not each.attempts]
        for booking in (*self._ledger.running(), *filter(None, left)):
            self._drive(booking)

    def start(
        self,
        booking: books.SimulatedBooking,
        scenario: "books.Scenario.ValueType",
        pace: float,
        until: "DeliveryStatus.ValueType" = DeliveryStatus.DELIVERY_STATUS_UNSPECIFIED,
        *,
        after: timedelta = timedelta(),
    ) -> None:
        """Drives a booking from where it stands, and writes that down. Raises NotDrivable."""
        journey, done = booking.journey, booking.journey.steps_done
        before = self._plan(booking)
        if booking.void or booking.booking.state == BOOKING_STATE_CANCELLED or (done and done == len(before)):
            raise NotDrivable("it is over: nothing drives any more")
        wrong = in_force(self._ledger.settings(booking.carrier), booking)
        journey.scenario = scenario or journey.scenario or wrong.scenario or books.SCENARIO_DELIVERED
        steps = self._plan(booking)
        if [each.happening for each in steps[:done]] != [each.happening for each in before[:done]]:
            name = books.Scenario.Name(journey.scenario)
            raise NotDrivable(f"it has come too far for {name}: drive it on without a scenario")
        if until and until not in (HAPPENINGS[each.happening].status for each in steps[done:]):
            raise NotDrivable(f"it does not come by {DeliveryStatus.Name(until)}")
        journey.pace, journey.until, journey.running, journey.steps = pace, until, True, len(steps)
        gone = steps[done - 1].at_seconds if done else 0.0
        journey.start_time.CopyFrom(stamp(self._now() + after - timedelta(seconds=gone / pace)))
        self._ledger.save(booking)
        self._drive(booking)

    def _drive(self, booking: books.SimulatedBooking) -> None:
        key = (booking.carrier, booking.booking.reference)
        if key in self._rides:
            self._rides[key].wake.set()
        else:
            wake = asyncio.Event()
            self._rides[key] = _Ride(asyncio.create_task(self._ride(key, wake)), wake)

    async def _ride(self, key: _Key, wake: asyncio.Event) -> None:
        """Never cancelled but at the end of the process: a webhook that is being posted is posted."""
        try:
            if (booking := self._ledger.find(*key)) is not None:
                await self._poster.post_left(booking)
            while self._find_running(key):
                await self._drive_on(key, wake)
        finally:
            del self._rides[key]

    async def _drive_on(self, key: _Key, wake: asyncio.Event) -> None:
        steps: tuple[Step, ...] = ()
        planned_for = b""
        while booking := self._find_running(key):
            if planned_for != (basis := self._basis(booking)):
                planned_for, steps = basis, self._plan(booking)
            step = steps[booking.journey.steps_done]
            due = moment(booking.journey.start_time) + timedelta(seconds=step.at_seconds / booking.journey.pace)
            if (wait := (due - self._now()).total_seconds()) > 0:
                await _sleep(wait, wake)
                continue  # what was asked of it meanwhile counts
            webhook = self._take(booking, step)
            if webhook is not None:
                await self._poster.post(webhook, booking)
        if (ended := self._ledger.find(*key)) is not None:
            await self._poster.release(ended)

    def _find_running(self, key: _Key) -> books.SimulatedBooking | None:
        booking = self._ledger.find(*key)
        return booking if booking is not None and booking.journey.running else None

    def _take(self, booking: books.SimulatedBooking, step: Step) -> books.SentWebhook | None:
        """One step: what it makes of the booking, and the webhook that tells it, written down together."""
        journey = booking.journey
        fact = self._fact(booking, step)
        with self._ledger.together():
            apply(fact, booking.booking)
            journey.steps_done += 1
            journey.running = journey.steps_done < journey.steps and fact.meaning.status != journey.until
            self._ledger.save(booking)
            return write_webhook(self._ledger, fact)

    def _fact(self, booking: books.SimulatedBooking, step: Step) -> Fact:
        wrong = in_force(self._ledger.settings(booking.carrier), booking)
        return fact_of(FLEET[booking.carrier], self._seed, booking, step, skew(wrong))

    def _basis(self, booking: books.SimulatedBooking) -> bytes:
        """All that a plan follows from and that may change on the way."""
        wrong = in_force(self._ledger.settings(booking.carrier), booking)
        told = booking.request.consignment.SerializeToString(deterministic=True)
        return f"{booking.journey.scenario} {wrong.lateness} ".encode() + told

    def _plan(self, booking: books.SimulatedBooking) -> tuple[Step, ...]:
        wrong = in_force(self._ledger.settings(booking.carrier), booking)
        return plan(booking, Desk(FLEET[booking.carrier], self._seed), lateness(wrong))


async def _sleep(seconds: float, wake: asyncio.Event) -> None:
    """So long, or until somebody wakes it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()
    wake.clear()
