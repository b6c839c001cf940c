"""Which of Evermile's words tell how far a delivery is; guesses none, and knows no member of their messages.

An event that came from Evermile is told in Evermile's own words. Where the tables have no word for any other,
Evermile has none that is true of it, and its subscribers are not called.
"""

from dataclasses import dataclass
from typing import Final

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.event_pb2 import Event

from gateway.dialects.evermile.statuses import BEFORE, FINAL, STATUSES, UNDER_WAY, Status


@dataclass(frozen=True, slots=True)
class Step:
    """How far an order is."""

    order_status: str
    life_cycle_status: str = ""
    courier_assigned: bool | None = None
    on_way_to_pickup: bool | None = None
    """None where neither is true: a courier who has arrived is not on the way, nor still to come."""


_COURIER_COMES: Final = Step("Pending", BEFORE, courier_assigned=True, on_way_to_pickup=True)

STEPS: Final[dict[Status, Step | None]] = {
    # The first message is about "a booked order": before a carrier took it there is nothing to tell.
    pb.DELIVERY_STATUS_CREATED: None,
    pb.DELIVERY_STATUS_DISPATCHING: None,
    pb.DELIVERY_STATUS_BOOKING_UNKNOWN: None,
    pb.DELIVERY_STATUS_DISPATCHED: Step("Pending", BEFORE, courier_assigned=False, on_way_to_pickup=False),
    pb.DELIVERY_STATUS_DRIVER_ASSIGNED: Step("Pending", BEFORE, courier_assigned=True, on_way_to_pickup=False),
    pb.DELIVERY_STATUS_PICKUP_EN_ROUTE: _COURIER_COMES,
    pb.DELIVERY_STATUS_PICKUP_APPROACHING: _COURIER_COMES,
    pb.DELIVERY_STATUS_PICKUP_ARRIVED: Step("Pending", BEFORE, courier_assigned=True),
    pb.DELIVERY_STATUS_PICKED_UP: Step("Collected", UNDER_WAY),
    pb.DELIVERY_STATUS_IN_TRANSIT: Step("InTransit", UNDER_WAY),
    pb.DELIVERY_STATUS_AT_HUB: Step("WaitingInHub", UNDER_WAY),
    pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE: Step("OnWayToDropoff", UNDER_WAY),
    # Near, and at the door, is still on the way: nothing was handed over.
    pb.DELIVERY_STATUS_DROPOFF_APPROACHING: Step("OnWayToDropoff", UNDER_WAY),
    pb.DELIVERY_STATUS_DROPOFF_ARRIVED: Step("OnWayToDropoff", UNDER_WAY),
    pb.DELIVERY_STATUS_AWAITING_COLLECTION: Step("DeliveredToCollectionPoint", UNDER_WAY),
    # "Failed" is said of the delivery, not of one attempt that another one follows.
    pb.DELIVERY_STATUS_ATTEMPT_FAILED: None,
    pb.DELIVERY_STATUS_UNDELIVERABLE: Step("Failed", UNDER_WAY),
    pb.DELIVERY_STATUS_RETURNING: Step("ReturningToSender", UNDER_WAY),
    # They have no word for goods that are back but not yet taken over.
    pb.DELIVERY_STATUS_RETURN_ARRIVED: Step("ReturningToSender", UNDER_WAY),
    pb.DELIVERY_STATUS_DELIVERED: Step("Delivered", FINAL),
    pb.DELIVERY_STATUS_RETURNED: Step("ReturnedToSender", FINAL),
    pb.DELIVERY_STATUS_CANCELLED: Step("Cancelled", FINAL),
    # "Has issues that need handling": no carrier has it, and somebody has to see to that.
    pb.DELIVERY_STATUS_FAILED: Step("CannotFulfill"),
    pb.DELIVERY_STATUS_DISPOSED: None,
    pb.DELIVERY_STATUS_UNKNOWN: None,
}
"""By the status reached, when the finer state says no more."""

BY_SUBSTATUS: Final[dict[tuple[Status, str], Step]] = {
    (meaning.status, meaning.substatus): Step(word, meaning.stages[0])
    for word, meaning in STATUSES.items()
    if meaning.status and meaning.substatus
} | {(pb.DELIVERY_STATUS_AT_HUB, "waiting_for_handoff"): Step("WaitingForHandoff", UNDER_WAY)}
"""By the status reached and its finer state."""

_WAITING: Final = "Pending"
_READY: Final = "Ready"


def is_theirs(event: Event) -> bool:
    """Whether Evermile itself told it, and not the hub that inferred it from what came later."""
    return event.report.patch.carrier_ref == "evermile" and not event.synthetic


def step_of(event: Event, delivery: Delivery) -> Step | None:
    """How far the event leaves the order; None when they have no word for it. ``delivery`` may have gone on since."""
    report = event.report
    if is_theirs(event) and report.status_raw in STATUSES:
        told = report.patch.extensions["evermile"].fields if "evermile" in report.patch.extensions else {}
        flags = (told[name].bool_value if name in told else None for name in ("isCourierAssigned", "isOnWayToPickup"))
        return Step(report.status_raw, report.substatus_raw, *flags)
    finer = report.substatus or (delivery.substatus if delivery.status == event.status else "")
    step = BY_SUBSTATUS.get((event.status, finer)) or STEPS.get(event.status)
    if step and step.order_status == _WAITING and delivery.HasField("ready_for_pickup_time"):
        return Step(_READY, BEFORE, step.courier_assigned, step.on_way_to_pickup)
    return step


def still_ahead(event: Event, delivery: Delivery) -> tuple[str, ...]:
    """The members of time that tell of more than the event. ``delivery`` may have gone on since, and tells of all."""
    if event.status in (delivery.status, pb.DELIVERY_STATUS_DELIVERED):
        return ()
    step = STEPS.get(event.status)
    collected = step is not None and step.life_cycle_status != BEFORE
    return ("actualDropoff",) if collected else ("actualDropoff", "actualPickup")
