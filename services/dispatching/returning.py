"""Goes on with returns as `engine` does with shipments: quotes, chooses, books; one short transaction per step."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from crossdock.v1 import delivery_pb2
from crossdock.v1.shipment_pb2 import DispatchDecision

from services.dispatching import bookings, calls, decisions, engine, quotes, requests, returns, rows, steps
from services.dispatching.rows import Key
from services.dispatching.stages import Stage, stage
from services.dispatching.steps import Act, BookingState, Step
from services.hub import Hub


async def dispatch(hub: Hub, shipment: Key, delivery: Key, deadline: timedelta) -> None:
    """Goes on with a way back and waits until it is settled, whoever settles it, or for ``deadline``."""
    end = asyncio.get_running_loop().time() + deadline.total_seconds()
    await asyncio.wait([engine.keep(hub, run(hub, shipment, delivery))], timeout=deadline.total_seconds())
    while asyncio.get_running_loop().time() < end:
        if not await _is_under_way(hub, shipment):
            return
        await asyncio.sleep(engine.POLL_SECONDS)


async def _is_under_way(hub: Hub, shipment: Key) -> bool:
    async with hub.engine.connect() as connection:
        known = await rows.of_shipment(connection, shipment)
    return any(each.is_return and each.state in (BookingState.WANTED, *steps.UNSETTLED) for each in known)


async def run(hub: Hub, shipment: Key, delivery: Key) -> None:
    """Looks for a carrier for one way back, until it has one, or waits for an answer, or nobody is left."""
    while True:
        async with stage(hub, shipment, delivery) as held:
            call = await _begin(held)
        if call is None:
            return
        await call()
        async with hub.engine.connect() as connection:
            wanted = [
                each for each in await rows.of_shipment(connection, shipment) if each.state is BookingState.WANTED
            ]
        if not wanted:
            return
        delivery = wanted[0].key  # the same one, or the next when this one was declined


async def _begin(held: Stage) -> Callable[[], Awaitable[object]] | None:
    hub, key, booking = held.hub, held.shipment.key, held.booking
    if booking is None or held.delivery is None or booking.state is not BookingState.WANTED:
        return None
    rules = await decisions.rules(held)
    decision = await _decision(held)
    step = steps.choose(decision, held.now, max_bookings=rules.max_bookings) if decision.candidates else _ASK
    if step.act is Act.FAIL:
        await returns.fail(held, decision, step.failure)
        return None
    if step.act is Act.BOOK:
        candidate = decision.candidates[step.candidate]
        carrier = await calls.keep(hub, held.connection, key[0], candidate.carrier_ref)
        await bookings.intend_return(held, candidate, decision, carrier)
        assert booking.book_before is not None, "it is about to be sent"
        request = requests.book(held.shipment.shipment, held.delivery.delivery, candidate, carrier, booking.book_before)
        return partial(engine.book, hub, key, booking, request)
    kind = delivery_pb2.DELIVERY_KIND_RETURN
    carriers = await quotes.assigned(hub, held.connection, key[0], held.shipment.shipment, kind)
    inquiry = returns.inquire(held, rules, decision, carriers)
    return partial(_quote, hub, key, booking.key, inquiry)


_ASK = Step(Act.QUOTE)


async def _decision(held: Stage) -> DispatchDecision:
    """The return's own decision, or an empty one with the next number."""
    assert held.booking is not None, "a return waits as a booking"
    if held.booking.decision:
        return await held.decision(held.booking.decision)
    last = await held.last_decision()
    return DispatchDecision(number=1 if last is None else last.number + 1)


async def _quote(hub: Hub, shipment: Key, delivery: Key, inquiry: quotes.Inquiry) -> None:
    candidates = await quotes.ask(hub, shipment[0], inquiry)
    async with stage(hub, shipment, delivery) as held:
        booking, decision = held.booking, inquiry.decision
        if booking is None or booking.state is not BookingState.WANTED:
            return
        decisions.fill(decision, candidates)
        step = steps.choose(decision, held.now, max_bookings=inquiry.rules.max_bookings)
        if step.act is Act.FAIL:
            await returns.fail(held, decision, step.failure)
            return
        booking.decision, booking.due_time = decision.number, hub.now()
        await rows.update(held.connection, booking)
        await held.store("Offers for the way back are in.", decision)
