"""Skipcart's words for what happened and what each means to us; guesses none.

Skipcart's documentation of the words is longer than the table that is public: the names of the last six events
are known from elsewhere in it. The vocabulary is open, and an unknown word falls back to the order's status.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from crossdock.v1.actor_pb2 import (
    ACTOR_KIND_CALLER,
    ACTOR_KIND_CARRIER,
    ACTOR_KIND_RECIPIENT,
    ACTOR_KIND_UNSPECIFIED,
    ActorKind,
)
from crossdock.v1.delivery_pb2 import (
    DELIVERY_STATUS_CANCELLED,
    DELIVERY_STATUS_DELIVERED,
    DELIVERY_STATUS_DISPATCHED,
    DELIVERY_STATUS_DRIVER_ASSIGNED,
    DELIVERY_STATUS_DROPOFF_EN_ROUTE,
    DELIVERY_STATUS_FAILED,
    DELIVERY_STATUS_PICKUP_APPROACHING,
    DELIVERY_STATUS_PICKUP_ARRIVED,
    DELIVERY_STATUS_PICKUP_EN_ROUTE,
    DELIVERY_STATUS_RETURN_ARRIVED,
    DELIVERY_STATUS_RETURNED,
    DELIVERY_STATUS_RETURNING,
    DELIVERY_STATUS_UNDELIVERABLE,
    DELIVERY_STATUS_UNSPECIFIED,
    DeliveryStatus,
)
from crossdock.v1.report_pb2 import RESET_DRIVER, RESET_DRIVER_IF_ASSIGNED, RESET_UNSPECIFIED, Reset

Status: TypeAlias = DeliveryStatus.ValueType


class Destination(Enum):
    """Where the driver is heading, and so what the estimated arrival is an estimate of."""

    STORE = "store"
    CUSTOMER = "customer"
    STORE_AGAIN = "store, with the goods"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one word means."""

    status: Status = DELIVERY_STATUS_UNSPECIFIED
    """The status reached; unspecified when the word does not move the delivery."""
    heading: Destination = Destination.NONE
    substatus: str = ""
    reason: str = ""
    by: ActorKind.ValueType = ACTOR_KIND_UNSPECIFIED
    reset: Reset.ValueType = RESET_UNSPECIFIED
    attention: str = ""
    ping: bool = False
    """Repeats every 30 seconds while the state lasts."""
    delayed: bool = False
    has_no_driver: bool = False
    """The driver, if one is named, is the one who is released: not on the way any more."""
    has_parking_slot: bool = False


_STORE, _CUSTOMER, _STORE_AGAIN = Destination.STORE, Destination.CUSTOMER, Destination.STORE_AGAIN

STATUSES: dict[str, Meaning] = {
    "new": Meaning(DELIVERY_STATUS_DISPATCHED, reset=RESET_DRIVER_IF_ASSIGNED, has_no_driver=True),
    # A driver who is finishing another drop wants it.
    "queued": Meaning(DELIVERY_STATUS_DISPATCHED, substatus="driver_queued"),
    # Sent again when another driver is assigned: then the way starts again with them. With the same driver, or
    # with none named, it only confirms.
    "confirmed": Meaning(DELIVERY_STATUS_DRIVER_ASSIGNED, _STORE, reset=RESET_DRIVER_IF_ASSIGNED),
    "enroute_to_pickup": Meaning(DELIVERY_STATUS_PICKUP_EN_ROUTE, _STORE, ping=True),
    # A geofence means near; the arrival is an event of its own.
    "geofence_at_pickup": Meaning(DELIVERY_STATUS_PICKUP_APPROACHING, _STORE, ping=True),
    "arrived_at_store": Meaning(DELIVERY_STATUS_PICKUP_ARRIVED, _STORE, has_parking_slot=True),
    # The partner refuses the driver and another is sought: the order is new again.
    "partner_rejected": Meaning(
        DELIVERY_STATUS_DISPATCHED, substatus="partner_rejected", reset=RESET_DRIVER, has_no_driver=True
    ),
    # The driver stood at the store and the goods were not ready. The order is new again: the driver is released.
    "pickup_not_ready": Meaning(
        DELIVERY_STATUS_DISPATCHED,
        substatus="pickup_not_ready",
        reset=RESET_DRIVER,
        attention="pickup_not_ready",
        has_no_driver=True,
    ),
    # There is no other event for the pickup: this one is it, and the lifecycle infers PICKED_UP at its time.
    "out_for_delivery": Meaning(DELIVERY_STATUS_DROPOFF_EN_ROUTE, _CUSTOMER),
    "enroute_to_delivery": Meaning(DELIVERY_STATUS_DROPOFF_EN_ROUTE, _CUSTOMER, ping=True),
    "delivered": Meaning(DELIVERY_STATUS_DELIVERED, _CUSTOMER),
    "delivery_proof_uploaded": Meaning(heading=_CUSTOMER),
    # The order stays out_for_delivery; whether the goods come back is told by return_*, without warning.
    "customer_refused": Meaning(
        DELIVERY_STATUS_UNDELIVERABLE, _CUSTOMER, reason="customer_refused", by=ACTOR_KIND_RECIPIENT
    ),
    # Not the end: the delivery window has passed and the order is still out_for_delivery.
    "order_expired": Meaning(heading=_CUSTOMER, attention="window_expired", delayed=True),
    "return_started": Meaning(DELIVERY_STATUS_RETURNING, _STORE_AGAIN),
    "return_at_store": Meaning(DELIVERY_STATUS_RETURN_ARRIVED, _STORE_AGAIN, has_parking_slot=True),
    "returned": Meaning(DELIVERY_STATUS_RETURNED, _STORE_AGAIN),
    # See CLOSE_REASONS; this is what it means without a reason, or with one that is not documented.
    "close_order": Meaning(attention="unknown_close_reason"),
    # By the partner. Skipcart does not echo it; should it come, it says no more than we know.
    "cancelled": Meaning(DELIVERY_STATUS_CANCELLED, by=ACTOR_KIND_CALLER),
    # Skipcart found no driver.
    "skipcart_cancelled": Meaning(DELIVERY_STATUS_CANCELLED, reason="no_driver", by=ACTOR_KIND_CARRIER),
    # Documented as a status of the order; an event of that name can mean nothing else.
    "schedule_failed": Meaning(DELIVERY_STATUS_FAILED, reason="schedule_failed", by=ACTOR_KIND_CARRIER),
}
"""By event_status."""

CLOSE_REASONS: dict[str, Meaning] = {
    "LeftAtFrontDoor": Meaning(DELIVERY_STATUS_DELIVERED, _CUSTOMER),
    "LeftWithSomeoneElse": Meaning(DELIVERY_STATUS_DELIVERED, _CUSTOMER),
    "LeftAtFrontDesk": Meaning(DELIVERY_STATUS_DELIVERED, _CUSTOMER),
    # What follows depends on an option of the order that no webhook tells: the goods are returned, discarded or
    # left. UNDELIVERABLE holds until more is told.
    "CustomerUnreachable": Meaning(DELIVERY_STATUS_UNDELIVERABLE, _CUSTOMER),
    "PackageDamage": Meaning(DELIVERY_STATUS_UNDELIVERABLE, _CUSTOMER, attention="package_damage"),
    "PackageContents": Meaning(DELIVERY_STATUS_UNDELIVERABLE, _CUSTOMER, attention="package_contents"),
}
"""By reason_code of close_order; the code itself is told as substatus and as the reason."""

ORDER_STATUSES: dict[str, Meaning] = {
    # Of an order that is new again the driver was released, whatever the event was.
    "new": STATUSES["new"],
    "queued": Meaning(DELIVERY_STATUS_DISPATCHED),
    "confirmed": STATUSES["confirmed"],
    "out_for_delivery": STATUSES["out_for_delivery"],
    "delivered": STATUSES["delivered"],
    # By whom, the order's status does not tell.
    "cancelled": Meaning(DELIVERY_STATUS_CANCELLED),
    "returned": STATUSES["returned"],
    "schedule_failed": STATUSES["schedule_failed"],
}
"""By order_status; asked when event_status is missing or unknown, and see `BEFORE_PICKUP`."""

BEFORE_PICKUP = frozenset(
    (
        DELIVERY_STATUS_DISPATCHED,
        DELIVERY_STATUS_DRIVER_ASSIGNED,
        DELIVERY_STATUS_PICKUP_EN_ROUTE,
        DELIVERY_STATUS_PICKUP_APPROACHING,
        DELIVERY_STATUS_PICKUP_ARRIVED,
    )
)
"""What an event can mean beside an order that is schedule_failed, documented with the reason of it: the order counts.

Goods that are out, or an end that the event names, say more than the order's status.
"""


def meaning_of(event_status: str | None, order_status: str | None, reason_code: str | None) -> Meaning | None:
    """What the words of an event mean together; None when none of them is known."""
    if event_status == "close_order" and reason_code in CLOSE_REASONS:
        return CLOSE_REASONS[reason_code]
    told = STATUSES.get(event_status or "")
    if told is not None and told.status in BEFORE_PICKUP and order_status == "schedule_failed":
        return ORDER_STATUSES[order_status]
    return told or ORDER_STATUSES.get(order_status or "")
