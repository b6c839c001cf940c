"""What carriers answer, read: certain or not, and what a booking tells of its delivery; pure, knows no call."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from crossdock.v1.actor_pb2 import ACTOR_KIND_CARRIER, Actor
from crossdock.v1.carrier_pb2 import BOOKING_STATE_CANCELLED, BOOKING_STATE_CLOSED, Booking, Refusal
from crossdock.v1.carrier_service_pb2 import BookingAbsence, BookResponse, GetBookingResponse
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus, StatusReason
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.window_pb2 import TimeWindow, WindowKind

from services import times
from services.deliveries.statuses import is_closed
from services.dispatching.steps import Said

SKEW = timedelta(seconds=5)
"""By how much a carrier's clock and ours may differ."""
_OVER = frozenset((BOOKING_STATE_CANCELLED, BOOKING_STATE_CLOSED))


def said_by_book(response: BookResponse | None) -> Said:
    """What an answer to Book comes down to; None when none came for certain."""
    match response.WhichOneof("outcome") if response is not None else None:
        case "booking" if response is not None:
            return Said.OVER if is_over(response.booking) else Said.BOOKED
        case "declined":
            return Said.DECLINED
        case "failed":
            return Said.FAILED
    return Said.UNCERTAIN


def said_by_look_up(response: GetBookingResponse | None, book_before: datetime | None, asked: datetime) -> Said:
    """What an answer to GetBooking comes down to. ``asked`` is when the call was sent, by our clock.

    That there is no booking is final only once none may be made any more, by both clocks.
    """
    match response.WhichOneof("outcome") if response is not None else None:
        case "booking" if response is not None:
            return Said.OVER if is_over(response.booking) else Said.BOOKED
        case "absent" if response is not None:
            return Said.ABSENT if is_final(response.absent, book_before, asked) else Said.NOT_YET
    return Said.UNCERTAIN


def is_final(absence: BookingAbsence, book_before: datetime | None, asked: datetime) -> bool:
    """Whether no booking can come of it any more."""
    if book_before is None:
        return True
    if asked < book_before + SKEW:
        return False
    return not absence.HasField("time") or times.to_datetime(absence.time) >= book_before


def is_over(booking: Booking) -> bool:
    """Whether a booking is called off or carried out, whichever of its members says so."""
    return booking.state in _OVER or is_closed(booking.report.status)


def report_of(booking: Booking, carrier_ref: str, carrier: str) -> DeliveryReport:
    """What a booking tells of its delivery: how far it came, its names, numbers, pages, price and times.

    A carrier that tells no status has at least taken it, or called it off, as ``state`` says.
    """
    report = DeliveryReport()
    report.CopyFrom(booking.report)
    del report.targets[:]
    report.actor.CopyFrom(actor_of(carrier_ref, carrier))
    if not report.status and not report.unmapped:
        report.status = _STATUSES.get(booking.state, DeliveryStatus.DELIVERY_STATUS_DISPATCHED)
    if booking.state == BOOKING_STATE_CANCELLED and not is_closed(report.status):
        report.status = DeliveryStatus.DELIVERY_STATUS_CANCELLED
    _fill(report.patch, booking)
    return report


_STATUSES = {BOOKING_STATE_CANCELLED: DeliveryStatus.DELIVERY_STATUS_CANCELLED}


def _fill(patch: Delivery, booking: Booking) -> None:
    """The members of a booking in their places on its delivery."""
    known = {(each.scope, each.value) for each in patch.references}
    patch.references.extend(each for each in booking.references if (each.scope, each.value) not in known)
    patch.tracking_number = patch.tracking_number or booking.tracking_number
    if booking.HasField("links"):
        patch.links.MergeFrom(booking.links)
    if booking.HasField("price") and not patch.HasField("fee"):
        patch.fee.CopyFrom(booking.price)


def windows_of(asked: Iterable[TimeWindow], promised: TimeWindow) -> list[TimeWindow]:
    """The windows of a stop once a carrier promised one: at most one of each kind."""
    window = TimeWindow()
    window.CopyFrom(promised)
    window.kind = window.kind or WindowKind.WINDOW_KIND_ESTIMATED
    return [*(each for each in asked if each.kind != window.kind), window]


def actor_of(carrier_ref: str, carrier: str) -> Actor:
    """A carrier as the actor of an event."""
    return Actor(kind=ACTOR_KIND_CARRIER, id=carrier_ref, display_name=carrier)


def refusal_of(response: BookResponse | None) -> Refusal | None:
    """The clear no of an answer to Book, if it is one."""
    match response.WhichOneof("outcome") if response is not None else None:
        case "declined" if response is not None:
            return response.declined
        case "failed" if response is not None:
            return response.failed
    return None


def reason_of(refusal: Refusal | None, otherwise: str) -> StatusReason:
    """A carrier's clear no as the reason of a status."""
    code = (refusal.code if refusal is not None else "") or otherwise
    message = refusal.message if refusal is not None else ""
    return StatusReason(code=code[:255], message=message[:10_000], actor=Actor(kind=ACTOR_KIND_CARRIER))
