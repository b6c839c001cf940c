"""Shipments under whatever may happen, in whatever order, as a state machine; after each step what must hold is held.

A crash is a task that is cancelled at one of its awaits: what it had not committed is gone, and its claim stays until
it ends. Time passes only when the machine says so.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_CANCELLED
from crossdock.v1.shipment_pb2 import (
    SHIPMENT_PHASE_BOOKED,
    SHIPMENT_PHASE_CLOSED,
    SHIPMENT_PHASE_QUOTED,
    SHIPMENT_PHASE_RECEIVED,
    Shipment,
)
from crossdock.v1.shipment_service_pb2 import (
    CancelShipmentRequest,
    QuoteShipmentRequest,
    ReleaseShipmentRequest,
    RetryShipmentRequest,
    UpdateShipmentRequest,
)
from hypothesis import HealthCheck, Phase
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services import callers, ids
from services.config import Settings
from services.db import dispatch_tables, tables
from services.db.engine import create_engine
from services.deliveries.statuses import is_closed
from services.dispatching import engine
from services.dispatching.rows import Key
from services.dispatching.service import Dispatcher
from services.dispatching.steps import BOOKINGS, OCCUPIES, STATUSES, BookingState, Said
from services.errors import Problem
from services.hub import Hub, make_hub
from services.shipments.service import ShipmentServicer
from tests.services.dispatching.stages import Theatre
from tests.services.dispatching.test_crashes import MOODS, die_at

EXAMPLES = int(os.environ.get("CROSSDOCK_PROOF_SEEDS", "60")) // 5
STEPS = 25
LONGEST_CLAIM = 30
AGAIN = STATUSES[SHIPMENT_PHASE_QUOTED]
"""The status of a shipment whose dispatch begins anew: it does not look new again."""
CARRIERS = st.sampled_from("abc")
MOVES = st.sampled_from(("DRIVER_ASSIGNED", "PICKED_UP", "DELIVERED", "CANCELLED"))


class Dispatches(RuleBasedStateMachine):
    """A few shipments of one store and its three carriers."""

    keys: Bundle[Key] = Bundle("keys")

    def __init__(self, runner: "asyncio.Runner", hub: Hub) -> None:
        super().__init__()
        self._runner = runner
        self._theatre = self._do(Theatre.open(hub))
        self._callers = ShipmentServicer(hub, Dispatcher(), lambda _: [])
        self._keys: list[Key] = []
        self._moods: dict[str, str] = {}
        self._cancelled: set[Key] = set()
        self._most = 0
        for ref in "abc":
            self._theatre[ref].mood = self._mood(ref)
            self._theatre[ref].made = self._made

    def teardown(self) -> None:
        self._do(self._theatre.close())

    @rule(target=keys, hold=st.booleans(), word=st.sampled_from(MOODS["Book"]))
    def create(self, hold: bool, word: str) -> Key:
        """How the cheapest carrier answers to its booking is told with it: most stories are about that."""
        key: Key = self._do(self._theatre.store(hold=hold))
        self._moods["aBook"] = word
        self._keys.append(key)
        return key

    @rule(key=keys)
    def release(self, key: Key) -> None:
        self._ask(self._callers.ReleaseShipment, ReleaseShipmentRequest(shipment_id=self._id(key), asynchronous=True))

    @rule(key=keys)
    def quote(self, key: Key) -> None:
        before = self._bookings()
        self._ask(self._callers.QuoteShipment, QuoteShipmentRequest(shipment=Shipment(id=self._id(key))))
        assert self._bookings() == before, "a dry run booked something"

    @rule(key=keys)
    def book(self, key: Key) -> None:
        self._do(engine.run(self._theatre.hub, key))

    @rule(key=keys, wait=st.integers(1, 120))
    def crash(self, key: Key, wait: int) -> None:
        self._do(die_at(self._theatre, key, wait))

    @rule(ref=CARRIERS, method=st.sampled_from(sorted(MOODS)), pick=st.integers(0, 20))
    def turn(self, ref: str, method: str, pick: int) -> None:
        """From now on a carrier answers a method like this, until its mood changes again."""
        self._moods[ref + method] = MOODS[method][pick % len(MOODS[method])]

    @rule(key=keys, move=MOVES, heard=st.booleans())
    def event(self, key: Key, move: str, heard: bool) -> None:
        for each in self._theatre.carriers.values():
            for reference in self._theatre.live_of(self._id(key)):
                if reference in each.ledger:
                    each.move(reference, move)
                    if heard:
                        self._do(self._theatre.hear(reference))

    @rule(key=keys)
    def cancel(self, key: Key) -> None:
        self._ask(self._callers.CancelShipment, CancelShipmentRequest(shipment_id=self._id(key)))

    @rule(key=keys, words=st.sampled_from(("Ring twice", "Leave it at the door")))
    def edit(self, key: Key, words: str) -> None:
        request = UpdateShipmentRequest(shipment=Shipment(id=self._id(key)))
        request.shipment.consignment.dropoff.instructions = words
        request.update_mask.paths.append("consignment.dropoff.instructions")
        self._ask(self._callers.UpdateShipment, request)

    @rule(key=keys)
    def retry(self, key: Key) -> None:
        self._ask(self._callers.RetryShipment, RetryShipmentRequest(shipment_id=self._id(key), asynchronous=True))

    @rule(seconds=st.sampled_from((1, 10, LONGEST_CLAIM, 120)))
    def tick(self, seconds: int) -> None:
        self._do(self._theatre.work(seconds=seconds, step=seconds))

    @invariant()
    def nothing_is_booked_twice_and_what_is_over_stays_over(self) -> None:
        assert self._most <= 1
        for key in self._keys:
            shipment = self._do(self._theatre.shipment(key))
            bookings = self._do(self._theatre.bookings(key))
            occupying = [each for each in bookings if each.state in OCCUPIES]
            assert len(occupying) <= 1
            if shipment.phase in STATUSES and not shipment.delivery_id:
                again = AGAIN if shipment.phase == SHIPMENT_PHASE_RECEIVED else STATUSES[shipment.phase]
                assert shipment.status in (STATUSES[shipment.phase], again)
            if shipment.phase == SHIPMENT_PHASE_BOOKED:
                assert shipment.delivery_id
                assert not is_closed(shipment.status)
            if shipment.phase == SHIPMENT_PHASE_CLOSED:
                assert is_closed(shipment.status)

    @invariant()
    def what_was_called_off_is_carried_by_nobody(self) -> None:
        for key in self._keys:
            shipment = self._do(self._theatre.shipment(key))
            if shipment.status == DELIVERY_STATUS_CANCELLED:
                self._cancelled.add(key)
            if key in self._cancelled:
                assert shipment.status == DELIVERY_STATUS_CANCELLED
                assert not self._theatre.live_of(shipment.id)

    @invariant()
    def histories_and_events_are_numbered_without_a_gap(self) -> None:
        for key in self._keys:
            for numbers in self._do(self._numbers(key)):
                assert numbers == list(range(1, len(numbers) + 1))

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def _ask(self, method: Any, request: Any) -> None:
        """What a caller asks, who may be refused."""

        async def call() -> None:
            callers.set_current(self._theatre.caller)
            with suppress(Problem):
                await method(request, None)

        self._do(call())

    def _id(self, key: Key) -> str:
        return ids.write("shipment", key[1])

    def _mood(self, ref: str) -> Callable[[str], str]:
        return lambda method: self._moods.get(ref + method, "well")

    def _made(self, order: str) -> None:
        """A booking was made: how many of its order are live now is looked at after the step."""
        self._most = max(self._most, len(self._theatre.live_of(order)))

    def _bookings(self) -> list[str]:
        return [reference for each in self._theatre.carriers.values() for reference in each.ledger]

    async def _numbers(self, key: Key) -> list[list[int]]:
        """Of the shipment's history, its own events, and those of each of its deliveries."""
        history, events, deliveries = dispatch_tables.shipment_history.c, tables.events.c, tables.deliveries.c
        async with self._theatre.hub.engine.connect() as connection:
            steps = sa.select(history.number).where(history.tenant_id == key[0], history.shipment_id == key[1])
            found = [list(await connection.scalars(steps.order_by(history.number)))]
            names = sa.select(deliveries.delivery_id).where(
                deliveries.tenant_id == key[0], deliveries.shipment_id == key[1]
            )
            told = sa.select(events.delivery_id, events.number).where(
                events.tenant_id == key[0],
                (events.shipment_id == key[1]) & events.delivery_id.is_(None) | events.delivery_id.in_(names),
            )
            numbers: dict[Any, list[int]] = {}
            for delivery, number in await connection.execute(told.order_by(events.number)):
                numbers.setdefault(delivery, []).append(number)
        return [*found, *numbers.values()]


def run(settings: Settings, examples: int) -> None:
    """Plays so many stories."""

    async def opened() -> Hub:
        return make_hub(settings, create_engine(settings))

    with asyncio.Runner() as runner:
        hub = runner.run(opened())
        try:
            run_state_machine_as_test(
                partial(Dispatches, runner, hub),  # type: ignore[arg-type]  # any callable that makes one will do
                settings=profile(
                    max_examples=examples,
                    stateful_step_count=STEPS,
                    deadline=None,
                    derandomize=True,
                    database=None,
                    phases=[Phase.generate],  # a shorter story would have to be told over real sockets many times
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(hub.close())


def test_whatever_happens_in_whatever_order_what_must_hold_holds(settings: Settings) -> None:
    run(settings, EXAMPLES)


def test_a_hub_that_takes_an_unclear_answer_for_a_no_is_caught(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = BOOKINGS[BookingState.SENDING]
    monkeypatch.setitem(sending, Said.UNCERTAIN, sending[Said.FAILED])

    with pytest.raises(AssertionError):
        run(settings, 200)
