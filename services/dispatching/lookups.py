"""Looks after bookings that are due: settles the unknown, calls orphans off, asks again, reconciles the silent."""

from datetime import datetime

import structlog
from crossdock.v1.carrier_pb2 import CARRIER_CAPABILITY_WEBHOOKS, Carrier
from crossdock.v1.carrier_service_pb2 import CancelBookingRequest, GetBookingRequest
from crossdock.v1.delivery_pb2 import Delivery, StatusReason

from services import times
from services.deliveries import rows as deliveries
from services.deliveries.statuses import RANKS, is_closed
from services.dispatching import answers, bookings, calls, cancellations, engine, polling, returning, rows
from services.dispatching.bookings import Answer
from services.dispatching.cancelled import Outcome
from services.dispatching.rows import Booking, Key
from services.dispatching.stages import stage
from services.dispatching.steps import BookingState, Said
from services.hub import Hub

log = structlog.get_logger()

ORPHAN_REASON = StatusReason(code="booked_twice", message="The hub gave this booking up and looks for another carrier.")
KEPT = "orphan_not_called_off"
"""The attention on a delivery that nobody wants any more and that its carrier carries out all the same."""


async def look_after(hub: Hub, key: Key) -> None:
    """Does what is due for one booking, by (tenant, delivery), and goes on with its shipment if that is due by then."""
    async with hub.engine.connect() as connection:
        booking = await rows.find(connection, key)
        if booking is None or booking.due_time is None or booking.due_time > hub.now():
            return
        carrier = await calls.carrier(hub, connection, key[0], booking.carrier_ref)
        delivery = (await deliveries.read(connection, [key]))[key].delivery
    shipment = (key[0], booking.shipment_id)
    match booking.state:
        case BookingState.WANTED:
            await returning.run(hub, shipment, key)
        case BookingState.SENDING:
            told = "Whoever was booking it is gone; the carrier is asked whether it was booked."
            await engine.settle(hub, shipment, key, Answer(Said.SILENCE, explanation=told))
        case BookingState.ORPHAN:
            await _call_off(hub, shipment, booking, delivery.id)
        case BookingState.LIVE if is_closed(delivery.status):
            await _move(hub, shipment, booking, bookings.once_closed(delivery), hub.now())
        case BookingState.LIVE if booking.cancellation is not None:
            await cancellations.carry_out(hub, shipment, delivery.id)
        case BookingState.LIVE if not booking.tries and (silent := silent_from(delivery, carrier)) > hub.now():
            await _move(hub, shipment, booking, BookingState.LIVE, silent)
        case BookingState.ENDED:
            await _move(hub, shipment, booking, BookingState.ENDED, None)
        case BookingState.GIVEN_UP if not carrier.address:  # it was removed since, and is not there to be asked
            await _move(hub, shipment, booking, BookingState.ENDED, None)
        case _:
            await _look_up(hub, shipment, booking, delivery.id)
    await engine.run(hub, shipment)


async def _look_up(hub: Hub, shipment: Key, booking: Booking, delivery_id: str) -> None:
    asked = hub.now()
    request = GetBookingRequest(reference=delivery_id)
    response, explanation = await calls.look_up(hub, booking, request)
    said = answers.said_by_look_up(response, booking.book_before, asked)
    found = response.booking if response is not None and response.HasField("booking") else None
    if said is Said.ABSENT:
        explanation = "The carrier has no such booking."
    await engine.settle(hub, shipment, booking.key, Answer(said, found, explanation=explanation))


async def _call_off(hub: Hub, shipment: Key, booking: Booking, delivery_id: str) -> None:
    """Ends a booking that nobody wants; one that its carrier keeps is for people to look at."""
    request = CancelBookingRequest(reference=delivery_id, reason=booking.cancellation or ORPHAN_REASON)
    verdict = await calls.cancel(hub, booking, request)
    async with stage(hub, shipment, booking.key) as held:
        if held.booking is None or held.booking.state is not BookingState.ORPHAN:
            return
        held.booking.tries += 1
        held.booking.due_time = hub.now() + polling.pause(held.booking.tries)
        if verdict.outcome is Outcome.CANCELLED:
            held.booking.state, held.booking.due_time = BookingState.ENDED, None
        elif verdict.outcome is Outcome.REFUSED:
            held.booking.state, held.booking.due_time = BookingState.ENDED, None
            report = held.report()
            report.attention.add(reason=KEPT, message=verdict.refusal.message if verdict.refusal else "")
            await held.tell(report)
        await rows.update(held.connection, held.booking)
    log.warning("orphan", delivery_id=delivery_id, outcome=verdict.outcome.name)


async def _move(hub: Hub, shipment: Key, seen: Booking, state: BookingState, due_time: datetime | None) -> None:
    """Nobody has to be asked: only the booking changes, unless somebody else changed it since it was seen."""
    async with stage(hub, shipment, seen.key) as held:
        if held.booking is not None and held.booking.state is seen.state:
            held.booking.state = state
            held.booking.due_time = None if state is BookingState.ENDED else due_time
            await rows.update(held.connection, held.booking)


def is_silent(delivery: Delivery, carrier: Carrier) -> bool:
    """Whether the carrier may have come further without a webhook: then the youngest one proves nothing."""
    if carrier.capabilities and CARRIER_CAPABILITY_WEBHOOKS not in carrier.capabilities:
        return True
    here = RANKS[delivery.status]
    return any(RANKS[status] > here for status in carrier.silent_statuses)


def silent_from(delivery: Delivery, carrier: Carrier) -> datetime:
    """From when on a live booking is looked up, by what was heard of it; at once when that proves nothing."""
    heard = times.to_datetime(delivery.update_time)
    return heard if is_silent(delivery, carrier) else heard + polling.poll_interval(carrier)
