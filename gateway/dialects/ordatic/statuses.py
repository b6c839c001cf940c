"""Ordatic's words for what happened and what each means to us; guesses none.

"Rider" is the company that delivers, not a person: "taken in charge by a rider" names no driver. The words of an order
move the order; those of a rider move its delivery.
"""

from dataclasses import dataclass
from typing import TypeAlias

from crossdock.v1.actor_pb2 import ACTOR_KIND_CARRIER, ACTOR_KIND_MERCHANT, ACTOR_KIND_UNSPECIFIED, ActorKind
from crossdock.v1.delivery_pb2 import (
    DELIVERY_STATUS_CANCELLED,
    DELIVERY_STATUS_DELIVERED,
    DELIVERY_STATUS_DISPATCHED,
    DELIVERY_STATUS_DROPOFF_EN_ROUTE,
    DELIVERY_STATUS_FAILED,
    DELIVERY_STATUS_PICKUP_EN_ROUTE,
    DELIVERY_STATUS_UNSPECIFIED,
    DeliveryStatus,
)
from crossdock.v1.order_pb2 import (
    FULFILMENT_STATUS_ACCEPTED,
    FULFILMENT_STATUS_AWAITING_SHIPMENT,
    FULFILMENT_STATUS_CANCELLED,
    FULFILMENT_STATUS_COMPLETED,
    FULFILMENT_STATUS_IN_PREPARATION,
    FULFILMENT_STATUS_UNSPECIFIED,
    SERVICE_TYPE_COLLECTION,
    SERVICE_TYPE_DELIVERY,
    SERVICE_TYPE_EAT_IN,
    SERVICE_TYPE_UNSPECIFIED,
    FulfilmentStatus,
    ServiceType,
)
from crossdock.v1.report_pb2 import BOOKING_SCOPE_BEGIN, BOOKING_SCOPE_EACH, BOOKING_SCOPE_LAST, BookingScope

Status: TypeAlias = DeliveryStatus.ValueType
OrderStatus: TypeAlias = FulfilmentStatus.ValueType


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one word means."""

    status: Status = DELIVERY_STATUS_UNSPECIFIED
    """The delivery's status; unspecified when the word does not move it."""
    order: OrderStatus = FULFILMENT_STATUS_UNSPECIFIED
    """The order's status; unspecified when the word is not about the order."""
    service: ServiceType.ValueType = SERVICE_TYPE_UNSPECIFIED
    fulfilment_type: str = ""
    """The one way of service, in Ordatic's word, for which the word is sent."""
    booking: BookingScope.ValueType = BOOKING_SCOPE_LAST
    reason: str = ""
    by: ActorKind.ValueType = ACTOR_KIND_UNSPECIFIED
    attention: str = ""
    """What a person should look at if there is a delivery."""
    preparing: bool = False


EVENTS: dict[str, Meaning] = {
    "order-accepted": Meaning(order=FULFILMENT_STATUS_ACCEPTED),
    # "Received by the POS and will be prepared".
    "order-in-kitchen": Meaning(order=FULFILMENT_STATUS_IN_PREPARATION, preparing=True),
    # Comes before or after the rider is on the way.
    "order-ready-to-pick-up": Meaning(
        order=FULFILMENT_STATUS_AWAITING_SHIPMENT,
        service=SERVICE_TYPE_DELIVERY,
        fulfilment_type="delivery-by-location",
    ),
    # By the customer, of a takeaway order. Every other vocabulary means the courier by such a word, so it never moves
    # a delivery; that there is one at all is odd.
    "order-picked-up": Meaning(
        order=FULFILMENT_STATUS_COMPLETED,
        service=SERVICE_TYPE_COLLECTION,
        fulfilment_type="takeaway",
        attention="picked_up_by_customer",
    ),
    "order-served": Meaning(
        order=FULFILMENT_STATUS_COMPLETED,
        service=SERVICE_TYPE_EAT_IN,
        fulfilment_type="order-at-table",
        attention="served_at_table",
    ),
    # The delivery is cancelled before the pickup. After it only a person can tell what becomes of the goods: the
    # lifecycle leaves the status alone and raises attention.
    "order-canceled": Meaning(
        DELIVERY_STATUS_CANCELLED, FULFILMENT_STATUS_CANCELLED, reason="order_canceled", by=ACTOR_KIND_MERCHANT
    ),
    # "Taken in charge": booked. After an error another rider may take the order in charge, in the very same words.
    "rider-created": Meaning(DELIVERY_STATUS_DISPATCHED, booking=BOOKING_SCOPE_BEGIN),
    "rider-picking": Meaning(DELIVERY_STATUS_PICKUP_EN_ROUTE, booking=BOOKING_SCOPE_EACH),
    "rider-delivering": Meaning(DELIVERY_STATUS_DROPOFF_EN_ROUTE, booking=BOOKING_SCOPE_EACH),
    "rider-completed": Meaning(DELIVERY_STATUS_DELIVERED, booking=BOOKING_SCOPE_EACH),
    # The end of this booking, not of the order. What is left undone is for a person to see.
    "rider-error": Meaning(
        DELIVERY_STATUS_FAILED,
        booking=BOOKING_SCOPE_EACH,
        reason="rider_error",
        by=ACTOR_KIND_CARRIER,
        attention="rider_error",
    ),
    # Before or after rider-completed.
    "rider-proof-delivery": Meaning(),
    # The services raise attention if the order is not delivered.
    "rider-refund": Meaning(),
}
"""By eventType, in the documented order."""

UNKNOWN = Meaning(booking=BOOKING_SCOPE_EACH)
"""A word that is not documented: kept, and never taken for a second copy of what was said of an earlier booking."""
