"""Goes on with shipments: quotes, chooses, books, one short transaction after the other, carriers called in between.

Whoever dies between two of them leaves a shipment or a booking that is due, and the next worker goes on from there:
every step begins by reading what is stored and asks the tables of `steps` what that means.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import structlog
from crossdock.v1 import error_reason_pb2, shipment_pb2
from crossdock.v1.carrier_pb2 import Carrier
from crossdock.v1.carrier_service_pb2 import BookRequest
from crossdock.v1.delivery_pb2 import StatusReason
from crossdock.v1.shipment_pb2 import Candidate, DispatchDecision, Shipment
from sqlalchemy.exc import IntegrityError

from runtime import typeid
from services import ids
from services.db import races
from services.db.violations import constraint_of
from services.dispatching import (
    bookings,
    calls,
    cancellations,
    decisions,
    polling,
    quotes,
    requests,
    returns,
    rows,
    steps,
)
from services.dispatching.bookings import Answer
from services.dispatching.rows import Booking, Key
from services.dispatching.stages import HUB, Stage, stage
from services.dispatching.steps import Act
from services.hub import Hub
from services.shipments import following
from services.shipments import rows as shipments

log = structlog.get_logger()

POLL_SECONDS = 0.05
"""How soon a caller who waits sees what another process, or a look-up, made of its shipment."""
UNDER_WAY = frozenset(
    (
        shipment_pb2.SHIPMENT_PHASE_RECEIVED,
        shipment_pb2.SHIPMENT_PHASE_QUOTED,
        shipment_pb2.SHIPMENT_PHASE_BOOKING,
    )
)
"""A dispatch goes on, now or as soon as a look-up settles it."""
MOOT = StatusReason(code="back_already", message="The goods are back, or gone: there is nothing to fetch.", actor=HUB)
"""Why a return is called off that its shipment no longer needs."""
_TAKEN = frozenset(("bookings_occupying_key", "deliveries_live_shipment_key"))
_ORDER_TAKEN = "deliveries_live_order_key"


async def dispatch(hub: Hub, shipment: Key, deadline: timedelta) -> Shipment:
    """Goes on with a stored shipment and waits until it is settled, or for ``deadline``; returns it as it stands.

    What is not done by then goes on in the background, whoever is cancelled meanwhile.
    """
    end = asyncio.get_running_loop().time() + deadline.total_seconds()
    await asyncio.wait([keep(hub, run(hub, shipment))], timeout=deadline.total_seconds())
    while True:
        async with hub.engine.connect() as connection:
            stored = (await shipments.read(connection, [shipment]))[shipment]
        if stored.shipment.phase not in UNDER_WAY or asyncio.get_running_loop().time() >= end:
            return stored.shipment
        await asyncio.sleep(POLL_SECONDS)


def keep(hub: Hub, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """Lets work go on in a task that the hub keeps; when it dies with its process a worker takes over."""

    async def quietly() -> None:
        try:
            await work
        except Exception:  # whatever befalls it: what it left is due, and a worker goes on with it
            log.exception("dispatch was interrupted")

    task = asyncio.create_task(quietly(), name="dispatch")
    hub.dispatches.add(task)
    task.add_done_callback(hub.dispatches.discard)
    return task


async def run(hub: Hub, shipment: Key) -> None:
    """Goes on with a shipment until nothing is to be done about it; leaves it when somebody else is at it."""
    owner = str(typeid.new_uuid7())
    if await _claim(hub, shipment, owner):
        await run_claimed(hub, shipment)


async def run_claimed(hub: Hub, shipment: Key) -> None:
    """Likewise with one that the caller has a claim on, which ends with it."""
    while await _go_on(hub, shipment):
        await _prolong(hub, shipment)
    async with hub.transaction() as connection:
        await rows.release_shipment(connection, shipment)


async def _claim(hub: Hub, shipment: Key, owner: str) -> bool:
    async with hub.transaction() as connection:
        return await rows.claim_shipment(connection, shipment, owner, hub.now(), polling.LEASE)


async def _prolong(hub: Hub, shipment: Key) -> None:
    async with hub.transaction() as connection:
        await rows.prolong_shipment(connection, shipment, hub.now() + polling.LEASE)


class Begun(NamedTuple):
    """What a transaction began: whether anything, and the call to make after it."""

    anything: bool = True
    call: Callable[[], Awaitable[object]] | None = None


async def _go_on(hub: Hub, shipment: Key) -> bool:
    """Takes one step; False when there is none to take now."""
    try:
        async with stage(hub, shipment) as held:
            begun = await _begin(held)
    except IntegrityError as error:
        return await _lose(hub, shipment, constraint_of(error), error)
    if begun.call is not None:
        await begun.call()
    return begun.anything


async def _begin(held: Stage) -> Begun:
    hub, key, shipment = held.hub, held.shipment.key, held.shipment.shipment
    if held.shipment.due_time is None or held.shipment.due_time > hub.now():
        return Begun(anything=False)
    if following.is_return_moot(shipment):
        return Begun(call=partial(_call_off_return, hub, key, shipment.return_request.delivery_id))
    rules = await decisions.rules(held)
    decision = await held.last_decision() or DispatchDecision()
    step = steps.next_step(shipment.phase, decision, held.now, max_bookings=rules.max_bookings)
    match step.act:
        case Act.QUOTE:
            inquiry = await quotes.begin(held, rules, decision)
            return Begun(call=partial(_quote, hub, key, inquiry))
        case Act.BOOK:
            candidate = decision.candidates[step.candidate]
            carrier = await calls.keep(hub, held.connection, key[0], candidate.carrier_ref)
            booking = await bookings.intend(held, candidate, decision, carrier)
            return Begun(call=partial(book, hub, key, booking, _request(held, candidate, carrier)))
        case Act.FAIL:
            await decisions.fail(held, decision, rules, step.failure)
            return Begun()
    held.shipment.due_time = None
    await held.store("")
    return Begun(anything=False)


def _request(held: Stage, candidate: Candidate, carrier: Carrier) -> BookRequest:
    assert held.delivery is not None, "it was just begun"
    assert held.booking is not None, "it was just written down"
    assert held.booking.book_before is not None, "it is about to be sent"
    shipment, delivery = held.shipment.shipment, held.delivery.delivery
    return requests.book(shipment, delivery, candidate, carrier, held.booking.book_before)


async def _quote(hub: Hub, shipment: Key, inquiry: quotes.Inquiry) -> None:
    candidates = await quotes.ask(hub, shipment[0], inquiry)
    async with stage(hub, shipment) as held:
        await decisions.decide(held, inquiry, candidates)


async def _call_off_return(hub: Hub, shipment: Key, delivery_id: str) -> None:
    """Nobody has to fetch what its first carrier brought back by itself; whoever is booked for it is asked to stay."""
    delivery = (shipment[0], ids.read("delivery", delivery_id))
    asks = False
    async with stage(hub, shipment, delivery) as held:
        held.shipment.due_time = None
        if following.is_return_moot(held.shipment.shipment) and held.booking is not None:
            asks = await cancellations.wish_of_return(held, MOOT, HUB)
        else:
            await held.store("")
    if asks:
        await cancellations.carry_out(hub, shipment, delivery_id)


async def book(hub: Hub, shipment: Key, booking: Booking, request: BookRequest) -> None:
    """Makes the call that was written down, and stores what came of it."""
    answer = await calls.book(hub, booking, request)
    await settle(hub, shipment, booking.key, answer)


async def settle(hub: Hub, shipment: Key, delivery: Key, answer: Answer) -> Booking:
    """Stores what a carrier said of a booking."""
    references = answer.booking.references if answer.booking is not None else ()

    async def once() -> Booking:
        async with stage(hub, shipment, delivery, references) as held:
            assert held.booking is not None, "an answer is about a booking"
            carrier = await calls.carrier(hub, held.connection, shipment[0], held.booking.carrier_ref)
            was = held.booking.state
            booking = await bookings.settle(held, answer, carrier)
            if booking.is_return and bookings.lets_others_try(was, booking):
                await returns.try_next(held, booking)
            return booking

    return await races.run(once)


async def _lose(hub: Hub, shipment: Key, constraint: str | None, error: IntegrityError) -> bool:
    """Somebody else booked it, or its order, since we looked: the key itself is the check."""
    if constraint == _ORDER_TAKEN:
        async with stage(hub, shipment) as held:
            decision = await held.last_decision() or DispatchDecision()
            failure = error_reason_pb2.ERROR_REASON_DELIVERY_ALREADY_EXISTS
            await decisions.fail(held, decision, await decisions.rules(held), failure)
        return True
    if constraint not in _TAKEN:
        raise error
    log.warning("shipment is booked already", shipment_id=ids.write("shipment", shipment[1]))
    async with stage(hub, shipment) as held:
        held.shipment.due_time = None
        await held.store("")
    return False
