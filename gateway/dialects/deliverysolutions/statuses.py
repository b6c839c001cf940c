"""Delivery Solutions' words for a shipment's status beside ours; knows no document.

Sources: the examples of the Shipping Order API, and the list at
https://docs.deliverysolutions.co/reference/order-statuses.
"""

from typing import Final, NamedTuple, TypeAlias

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import shipment_pb2 as shipments

Status: TypeAlias = pb.DeliveryStatus.ValueType
Phase: TypeAlias = shipments.ShipmentPhase.ValueType

BY_PHASE: Final[dict[Phase, str]] = {
    shipments.SHIPMENT_PHASE_RECEIVED: "REQUEST_RECEIVED",
    shipments.SHIPMENT_PHASE_HELD: "PENDING_RELEASE",
    shipments.SHIPMENT_PHASE_SCHEDULED: "PENDING_DISPATCH",
    shipments.SHIPMENT_PHASE_QUOTED: "ESTIMATES_RECEIVED",
    # They have no word for a booking on its way.
    shipments.SHIPMENT_PHASE_BOOKING: "ESTIMATES_RECEIVED",
    shipments.SHIPMENT_PHASE_RETRY_PENDING: "PENDING_AUTORETRY",
    shipments.SHIPMENT_PHASE_UNQUOTED: "ESTIMATES_FAILED",
    shipments.SHIPMENT_PHASE_UNBOOKED: "ORDER_FAILED",
}
"""The words for what the hub does before a carrier has it, and when none has. In the others the status tells."""

BY_STATUS: Final[dict[Status, str]] = {
    pb.DELIVERY_STATUS_CREATED: "REQUEST_RECEIVED",
    pb.DELIVERY_STATUS_DISPATCHING: "ESTIMATES_RECEIVED",
    pb.DELIVERY_STATUS_BOOKING_UNKNOWN: "ESTIMATES_RECEIVED",
    pb.DELIVERY_STATUS_DISPATCHED: "ORDER_DISPATCHED",
    pb.DELIVERY_STATUS_DRIVER_ASSIGNED: "ORDER_ASSIGNED",
    # They do not say whether theirs means the way to the pickup or the pickup itself.
    pb.DELIVERY_STATUS_PICKUP_EN_ROUTE: "PICKUP_STARTED",
    pb.DELIVERY_STATUS_PICKUP_APPROACHING: "PICKUP_STARTED",
    pb.DELIVERY_STATUS_PICKUP_ARRIVED: "PICKUP_STARTED",
    pb.DELIVERY_STATUS_PICKED_UP: "PICKUP_COMPLETED",
    pb.DELIVERY_STATUS_IN_TRANSIT: "IN_TRANSIT",
    pb.DELIVERY_STATUS_AT_HUB: "IN_TRANSIT",
    pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE: "OUT_FOR_DELIVERY",
    pb.DELIVERY_STATUS_DROPOFF_APPROACHING: "OUT_FOR_DELIVERY",
    pb.DELIVERY_STATUS_DROPOFF_ARRIVED: "OUT_FOR_DELIVERY",
    pb.DELIVERY_STATUS_AWAITING_COLLECTION: "ORDER_AT_LOCATION",
    pb.DELIVERY_STATUS_ATTEMPT_FAILED: "ORDER_REDELIVERY",
    # Whatever becomes of goods that were not handed out is a finer state of one word.
    pb.DELIVERY_STATUS_UNDELIVERABLE: "ORDER_UNDELIVERABLE",
    pb.DELIVERY_STATUS_RETURNING: "ORDER_UNDELIVERABLE",
    pb.DELIVERY_STATUS_RETURN_ARRIVED: "ORDER_UNDELIVERABLE",
    pb.DELIVERY_STATUS_RETURNED: "ORDER_UNDELIVERABLE",
    pb.DELIVERY_STATUS_DISPOSED: "ORDER_UNDELIVERABLE",
    pb.DELIVERY_STATUS_DELIVERED: "ORDER_DELIVERED",
    pb.DELIVERY_STATUS_CANCELLED: "ORDER_CANCELLED",
    pb.DELIVERY_STATUS_FAILED: "ORDER_FAILED",
    # Nothing is known but that it exists.
    pb.DELIVERY_STATUS_UNKNOWN: "ORDER_DISPATCHED",
}

SUBSTATUSES: Final[dict[Status, str]] = {pb.DELIVERY_STATUS_RETURN_ARRIVED: "RETURN_AT_LOCATION"}
"""The one finer state that is documented; the others are told in the carrier's own words or not at all."""

_NEVER_TOLD: Final = (
    "STAGED",
    "ORDER_UNASSIGNED",
    "ORDER_DELAYED",
    "ERROR_EXCEPTION",
    "PARTIAL_ORDER_DISPATCHED",
)
"""Words of theirs for which a shipment here never has the state: a filter by them finds nothing."""


class Filter(NamedTuple):
    """Which shipments a word finds."""

    statuses: tuple[Status, ...] = ()
    phases: tuple[Phase, ...] = ()


def word(phase: Phase, status: Status) -> str:
    """What a shipment's state is called."""
    return BY_PHASE.get(phase) or BY_STATUS.get(status, "ORDER_DISPATCHED")


def substatus(status: Status, carriers_own: str) -> str | None:
    """The finer state, where there is one."""
    return SUBSTATUSES.get(status) or carriers_own or None


def _filters() -> dict[str, Filter]:
    phases: dict[str, list[Phase]] = {}
    for phase, name in BY_PHASE.items():
        phases.setdefault(name, []).append(phase)
    statuses: dict[str, list[Status]] = {}
    for status, name in BY_STATUS.items():
        # What a phase tells is looked for by the phase: its statuses stand in other phases as well.
        if name not in phases:
            statuses.setdefault(name, []).append(status)
    names = sorted({*phases, *statuses})
    found = {name: Filter(tuple(statuses.get(name, ())), tuple(phases.get(name, ()))) for name in names}
    return found | {name: Filter() for name in _NEVER_TOLD}


FILTERS: Final[dict[str, Filter]] = _filters()
"""Every word by which a list can be filtered."""
