"""Calling shipments off: at once where no carrier has it, else as the carrier answers; the wish is stored first.

A wish that meets a booking on its way, or a carrier that does not answer, waits on the booking (`Booking.cancellation`)
and is carried out by a worker. The carrier's answer is the truth: a refusal leaves everything as it was.
"""

from crossdock.v1 import carrier_pb2, delivery_pb2, shipment_pb2
from crossdock.v1.actor_pb2 import Actor
from crossdock.v1.carrier_service_pb2 import CancelBookingRequest
from crossdock.v1.delivery_pb2 import StatusReason
from crossdock.v1.report_pb2 import CANCELLATION_REQUEST_MADE, CANCELLATION_REQUEST_REFUSED

from services import ids
from services.deliveries.statuses import is_closed, is_picked_up
from services.dispatching import answers, bookings, calls, polling, rows, steps
from services.dispatching.cancelled import Outcome, Verdict
from services.dispatching.rows import Booking, Key
from services.dispatching.stages import Stage, stage
from services.dispatching.steps import BookingState
from services.errors import Problem
from services.hub import Hub
from services.shipments import following

NOT_ALLOWED = "not_allowed"
"""A carrier's word for never."""
_CANCEL = carrier_pb2.CARRIER_CAPABILITY_CANCEL
FEE = "cancellation"
"""The name of the cost line that a cancellation leaves."""


async def wish(held: Stage, reason: StatusReason, actor: Actor) -> bool:
    """Stores that a shipment is to be called off, or does it where no carrier has it; True when one is to be asked.

    ``held`` is the stage of the shipment and of its delivery, if it has one. Raises ORDER_ALREADY_CANCELED,
    DELIVERY_NOT_CANCELLABLE, CANCELLATION_NOT_ALLOWED.
    """
    shipment, booking = held.shipment.shipment, held.booking
    check(held)
    if shipment.phase in steps.WAITING:
        bookings.close(held, reason)
        await held.store("It was called off before any carrier had it.", actor=actor)
        return False
    if held.delivery is None:
        raise _too_late(held)
    if booking is None:  # somebody wrote the delivery down by hand: there is no carrier to ask
        await held.tell(held.report(delivery_pb2.DELIVERY_STATUS_CANCELLED, reason, actor))
        return False
    carrier = await calls.carrier(held.hub, held.connection, held.shipment.tenant_id, booking.carrier_ref)
    if booking.state is BookingState.LIVE and carrier.capabilities and _CANCEL not in carrier.capabilities:
        raise not_allowed(carrier.ref)
    if not shipment.HasField("cancel_request_time"):
        shipment.cancel_request_time.CopyFrom(held.now)
    await _wait_for_answer(held, booking, carrier, reason, actor)
    await held.store("It is to be called off, and its carrier is asked.", actor=actor)
    return booking.state is BookingState.LIVE


async def wish_of_return(held: Stage, reason: StatusReason, actor: Actor) -> bool:
    """Likewise for a way back alone, whose delivery and booking ``held`` holds; the shipment is not called off."""
    booking = held.booking
    assert booking is not None, "a return has its booking"
    if booking.state is BookingState.WANTED:
        booking.state, booking.due_time = BookingState.ENDED, None
        await held.tell(held.report(delivery_pb2.DELIVERY_STATUS_CANCELLED, reason, actor))
        await rows.update(held.connection, booking)
        await held.store("Its return was called off before any carrier had it.", actor=actor)
        return False
    carrier = await calls.carrier(held.hub, held.connection, held.shipment.tenant_id, booking.carrier_ref)
    await _wait_for_answer(held, booking, carrier, reason, actor)
    await held.store("Its return is to be called off, and the carrier of it is asked.", actor=actor)
    return booking.state is BookingState.LIVE


async def _wait_for_answer(
    held: Stage, booking: Booking, carrier: carrier_pb2.Carrier, reason: StatusReason, actor: Actor
) -> None:
    booking.cancellation = reason
    if booking.state is BookingState.LIVE:  # a worker asks again, unless the answer is stored before that
        booking.due_time = held.hub.now() + polling.booking_timeout(carrier) + polling.REAP_AFTER
    request = held.report(actor=actor)
    request.cancellation_request = CANCELLATION_REQUEST_MADE
    await held.tell(request)
    await rows.update(held.connection, booking)


def check(held: Stage) -> None:
    """Raises when a shipment cannot be called off: twice, after the pickup, or once it is over."""
    shipment = held.shipment.shipment
    if shipment.status == delivery_pb2.DELIVERY_STATUS_CANCELLED:
        raise Problem("ORDER_ALREADY_CANCELED", "the shipment was called off before", {"shipment_id": shipment.id})
    if shipment.phase in steps.WAITING:
        return
    status = held.delivery.delivery.status if held.delivery is not None else shipment.status
    if is_picked_up(status) or is_closed(status) or shipment.phase == shipment_pb2.SHIPMENT_PHASE_CLOSED:
        raise _too_late(held)


def _too_late(held: Stage) -> Problem:
    shipment = held.shipment.shipment
    status = delivery_pb2.DeliveryStatus.Name(shipment.status)
    return Problem(
        "DELIVERY_NOT_CANCELLABLE",
        f"the shipment is {status.removeprefix('DELIVERY_STATUS_')} and cannot be called off any more",
        {"delivery_id": shipment.delivery_id, "status": status},
    )


async def carry_out(hub: Hub, shipment: Key, delivery_id: str) -> Verdict:
    """Asks the carrier to call a live booking off and stores its answer. May come again: carriers take it so."""
    key = (shipment[0], ids.read("delivery", delivery_id))
    async with hub.engine.connect() as connection:
        booking = await rows.find(connection, key)
    if booking is None or booking.cancellation is None or booking.state is not BookingState.LIVE:
        return Verdict(Outcome.UNCERTAIN)
    request = CancelBookingRequest(reference=delivery_id, reason=booking.cancellation)
    verdict = await calls.cancel(hub, booking, request)
    references = verdict.booking.references if verdict.booking is not None else ()
    async with stage(hub, shipment, key, references) as held:
        await _store(held, verdict)
    return verdict


async def _store(held: Stage, verdict: Verdict) -> None:
    booking = held.booking
    assert booking is not None, "it was there before"
    assert held.delivery is not None, "a booking has its delivery"
    if booking.state is not BookingState.LIVE or booking.cancellation is None:
        return  # somebody else stored the carrier's answer
    reason = booking.cancellation
    carrier = await calls.carrier(held.hub, held.connection, held.shipment.tenant_id, booking.carrier_ref)
    match verdict.outcome:
        case Outcome.CANCELLED:
            report = held.report(delivery_pb2.DELIVERY_STATUS_CANCELLED, reason, reason.actor)
            if verdict.fee is not None:
                line = report.patch.costs.add(item_id=FEE, name=FEE)
                line.price.amount.CopyFrom(verdict.fee)
                line.cancellation_fee.type = FEE
            await held.tell(report)
            booking.state, booking.cancellation, booking.due_time = BookingState.ENDED, None, None
        case Outcome.REFUSED:
            report = held.report(actor=answers.actor_of(carrier.ref, carrier.name))
            report.cancellation_request = CANCELLATION_REQUEST_REFUSED
            report.reason.CopyFrom(answers.reason_of(verdict.refusal, "cancellation_refused"))
            held.shipment.shipment.ClearField("cancel_request_time")
            await held.tell(report)
            booking.cancellation = None
            _tell_of_moot_return(held, booking, carrier)
            # It may have been picked up, and nobody told us yet: it is looked up, whatever was heard of it lately.
            booking.tries, booking.due_time = 1, held.hub.now()
        case Outcome.PENDING:
            if verdict.booking is not None and verdict.booking.HasField("report"):
                words = answers.report_of(verdict.booking, carrier.ref, carrier.name)
                words.ping = True
                await held.tell(held.in_time(words))
            _ask_later(held, booking)
        case Outcome.UNCERTAIN:
            _ask_later(held, booking)
    await rows.update(held.connection, booking)
    await held.store(f"{carrier.name or carrier.ref} was asked to call it off: {verdict.outcome.value}.")


def _tell_of_moot_return(held: Stage, booking: Booking, carrier: carrier_pb2.Carrier) -> None:
    """Somebody sets out for goods that are no longer there, and cannot be stopped by us: for people to look at."""
    shipment = held.shipment.shipment
    if booking.is_return and following.is_return_moot(shipment):
        shipment.attention.add(reason=following.RETURN_GOES_ON, message=carrier.name or carrier.ref, time=held.now)


def _ask_later(held: Stage, booking: Booking) -> None:
    booking.tries += 1
    booking.due_time = held.hub.now() + polling.pause(booking.tries)


def refusal(verdict: Verdict, carrier_ref: str) -> Problem:
    """The error of a caller whose cancellation the carrier refused."""
    refused = verdict.refusal or carrier_pb2.Refusal()
    if refused.code == NOT_ALLOWED:
        return not_allowed(carrier_ref)
    return Problem(
        "ORDER_CANCELLATION_FAILED",
        f"the carrier goes on: {refused.message or refused.code or 'it gave no reason'}",
        {"carrier_ref": carrier_ref, "answer": refused.code or refused.message},
    )


def not_allowed(carrier_ref: str) -> Problem:
    """The carrier never calls bookings off."""
    return Problem(
        "CANCELLATION_NOT_ALLOWED",
        "the carrier does not allow bookings to be called off",
        {"carrier_ref": carrier_ref},
    )
