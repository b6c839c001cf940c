"""Which of Skipcart's words tell an event of ours; guesses none, and knows no member of their message.

An event that came from Skipcart is told in Skipcart's own words. Any other is told by the tables; where these have
no word, Skipcart has none that is true of it, and its subscribers are not called.
"""

from dataclasses import dataclass
from typing import Final

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import event_pb2 as events
from crossdock.v1.actor_pb2 import ACTOR_KIND_CARRIER, ACTOR_KIND_HUB
from crossdock.v1.delivery_pb2 import Delivery, StatusReason
from crossdock.v1.event_pb2 import Event

from gateway.dialects.skipcart.statuses import CLOSE_REASONS, STATUSES, Status


@dataclass(frozen=True, slots=True)
class Words:
    """What happened, and where that leaves the order."""

    event_status: str
    order_status: str
    reason_code: str | None = None
    """Only with close_order."""


ORDER_STATUSES_OUT: Final[dict[str, str]] = {
    "new": "new",
    "queued": "queued",
    "confirmed": "confirmed",
    "enroute_to_pickup": "confirmed",
    "geofence_at_pickup": "confirmed",
    "arrived_at_store": "confirmed",
    # The driver is released and another is sought: the order is new again.
    "partner_rejected": "new",
    "pickup_not_ready": "new",
    "out_for_delivery": "out_for_delivery",
    "enroute_to_delivery": "out_for_delivery",
    "delivered": "delivered",
    "customer_refused": "out_for_delivery",
    "order_expired": "out_for_delivery",
    "cancelled": "cancelled",
    # The public table ends before these: each is told under its own name.
    "return_started": "return_started",
    "return_at_store": "return_at_store",
    "returned": "returned",
    "close_order": "close_order",
    "skipcart_cancelled": "skipcart_cancelled",
    "schedule_failed": "schedule_failed",
}
"""The order_status that stands beside each event_status, but for delivery_proof_uploaded, which changes none."""

EVENTS_OUT: Final[dict[Status, str | None]] = {
    # Skipcart's first word is for an order that Skipcart has: before a carrier took it there is nothing to tell.
    pb.DELIVERY_STATUS_CREATED: None,
    pb.DELIVERY_STATUS_DISPATCHING: None,
    pb.DELIVERY_STATUS_BOOKING_UNKNOWN: None,
    pb.DELIVERY_STATUS_DISPATCHED: "new",
    pb.DELIVERY_STATUS_DRIVER_ASSIGNED: "confirmed",
    pb.DELIVERY_STATUS_PICKUP_EN_ROUTE: "enroute_to_pickup",
    pb.DELIVERY_STATUS_PICKUP_APPROACHING: "geofence_at_pickup",
    pb.DELIVERY_STATUS_PICKUP_ARRIVED: "arrived_at_store",
    # There is no other word for the pickup, and its own repeated one for the way that follows.
    pb.DELIVERY_STATUS_PICKED_UP: "out_for_delivery",
    # Skipcart's goods see no hub.
    pb.DELIVERY_STATUS_IN_TRANSIT: None,
    pb.DELIVERY_STATUS_AT_HUB: None,
    pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE: "enroute_to_delivery",
    # Near and still on the way; there is a geofence at the pickup only.
    pb.DELIVERY_STATUS_DROPOFF_APPROACHING: "enroute_to_delivery",
    pb.DELIVERY_STATUS_DROPOFF_ARRIVED: None,
    pb.DELIVERY_STATUS_AWAITING_COLLECTION: None,
    pb.DELIVERY_STATUS_ATTEMPT_FAILED: None,
    # See `BY_REASON`: every word of theirs for it names the reason.
    pb.DELIVERY_STATUS_UNDELIVERABLE: None,
    pb.DELIVERY_STATUS_RETURNING: "return_started",
    pb.DELIVERY_STATUS_RETURN_ARRIVED: "return_at_store",
    pb.DELIVERY_STATUS_DELIVERED: "delivered",
    pb.DELIVERY_STATUS_RETURNED: "returned",
    pb.DELIVERY_STATUS_CANCELLED: "cancelled",
    pb.DELIVERY_STATUS_FAILED: "schedule_failed",
    pb.DELIVERY_STATUS_DISPOSED: None,
    pb.DELIVERY_STATUS_UNKNOWN: None,
}
"""By the status reached, when its reason and the finer state say no more."""

BY_REASON: Final[dict[tuple[Status, str], str]] = {
    (pb.DELIVERY_STATUS_DISPATCHED, "driver_queued"): "queued",
    (pb.DELIVERY_STATUS_DISPATCHED, "partner_rejected"): "partner_rejected",
    (pb.DELIVERY_STATUS_DISPATCHED, "pickup_not_ready"): "pickup_not_ready",
    (pb.DELIVERY_STATUS_UNDELIVERABLE, "customer_refused"): "customer_refused",
    (pb.DELIVERY_STATUS_CANCELLED, "no_driver"): "skipcart_cancelled",
}
"""By the status reached and its finer state or reason; those of `CLOSE_REASONS` go before."""

REPEATED: Final[dict[Status, str]] = {
    pb.DELIVERY_STATUS_PICKUP_EN_ROUTE: "enroute_to_pickup",
    pb.DELIVERY_STATUS_PICKUP_APPROACHING: "geofence_at_pickup",
    pb.DELIVERY_STATUS_PICKED_UP: "enroute_to_delivery",
    pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE: "enroute_to_delivery",
    pb.DELIVERY_STATUS_DROPOFF_APPROACHING: "enroute_to_delivery",
}
"""What repeats while a status lasts: it tells a new estimate or courier without a step."""

WINDOW_EXPIRED: Final = "window_expired"

_NOT_TOLD = frozenset((events.EVENT_KIND_REPORT_RECORDED, events.EVENT_KIND_CANCEL_REQUESTED))
_NOT_THEM = frozenset((ACTOR_KIND_CARRIER, ACTOR_KIND_HUB))


def words_of(event: Event, delivery: Delivery) -> Words | None:
    """What happened in Skipcart's words; None when it has none for it. ``delivery`` may have gone on since."""
    if not event.delivery_id or event.kind in _NOT_TOLD:
        return None
    report = event.report
    if report.patch.carrier_ref == "skipcart" and report.status_raw in STATUSES:
        # Their own words. Beside an event of ours that nobody reported there is no report.
        code = report.substatus if report.status_raw == "close_order" else ""
        return Words(report.status_raw, report.substatus_raw or _order_status(report.status_raw, event), code or None)
    if event.kind in (events.EVENT_KIND_STATUS_CHANGED, events.EVENT_KIND_CREATED):
        return _step(event, delivery)
    word = _overlay(event)
    return Words(word, _order_status(word, event)) if word else None


def reason_of(event: Event, delivery: Delivery) -> StatusReason:
    """Why the status was reached, by the event itself if it tells, else by the delivery while it is the same."""
    if event.report.HasField("reason"):
        return event.report.reason
    return delivery.status_reason if delivery.status == event.status else StatusReason()


def _step(event: Event, delivery: Delivery) -> Words | None:
    reason = reason_of(event, delivery)
    finer = event.report.substatus or (delivery.substatus if delivery.status == event.status else "")
    for code in (finer, reason.code):
        if code in CLOSE_REASONS and CLOSE_REASONS[code].status == event.status:
            return Words("close_order", ORDER_STATUSES_OUT["close_order"], code)
    by_reason = (BY_REASON.get((event.status, code)) for code in (finer, reason.code))
    word = next(filter(None, by_reason), None) or EVENTS_OUT.get(event.status)
    if word == "cancelled" and reason.actor.kind in _NOT_THEM:
        # "cancelled" says that the partner did it.
        word = "skipcart_cancelled"
    return Words(word, _order_status(word, event)) if word else None


def _overlay(event: Event) -> str | None:
    """The word for what moves no status."""
    if event.kind == events.EVENT_KIND_PROOF_ADDED:
        return "delivery_proof_uploaded"
    if event.kind == events.EVENT_KIND_COURIER_CHANGED and event.status == pb.DELIVERY_STATUS_DRIVER_ASSIGNED:
        return "confirmed"  # "new and re-assigned"
    if event.kind in (events.EVENT_KIND_COURIER_CHANGED, events.EVENT_KIND_ESTIMATES_CHANGED):
        return REPEATED.get(event.status)
    if any(each.reason == WINDOW_EXPIRED for each in event.report.attention):
        return "order_expired"
    return None


def _order_status(word: str, event: Event) -> str:
    """Where the event leaves the order. A proof changes nothing about that."""
    if word in ORDER_STATUSES_OUT:
        return ORDER_STATUSES_OUT[word]
    before = EVENTS_OUT.get(event.status)
    return ORDER_STATUSES_OUT[before] if before else "out_for_delivery"
