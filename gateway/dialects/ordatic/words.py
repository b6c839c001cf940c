"""Our words put into Ordatic's, which are fewer: one for each stretch of the way; knows no document."""

from typing import TypeAlias

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import order_pb2
from crossdock.v1.actor_pb2 import ACTOR_KIND_CALLER, ACTOR_KIND_MERCHANT, ACTOR_KIND_OPERATOR, ACTOR_KIND_RECIPIENT
from crossdock.v1.delivery_pb2 import StatusReason

from gateway.dialects.ordatic.statuses import EVENTS, OrderStatus, Status

Service: TypeAlias = order_pb2.ServiceType.ValueType

CANCELLED = "cancelled"
"""No word of Ordatic's: stands for one of two, see `cancellation_word`."""

WORDS: dict[Status, str] = {
    pb.DELIVERY_STATUS_UNSPECIFIED: "",
    pb.DELIVERY_STATUS_UNKNOWN: "",
    pb.DELIVERY_STATUS_CREATED: "",
    pb.DELIVERY_STATUS_DISPATCHING: "",
    pb.DELIVERY_STATUS_BOOKING_UNKNOWN: "",
    pb.DELIVERY_STATUS_DISPATCHED: "rider-created",
    pb.DELIVERY_STATUS_DRIVER_ASSIGNED: "rider-created",
    pb.DELIVERY_STATUS_PICKUP_EN_ROUTE: "rider-picking",
    pb.DELIVERY_STATUS_PICKUP_APPROACHING: "rider-picking",
    pb.DELIVERY_STATUS_PICKUP_ARRIVED: "rider-picking",
    pb.DELIVERY_STATUS_PICKED_UP: "rider-delivering",
    pb.DELIVERY_STATUS_IN_TRANSIT: "rider-delivering",
    pb.DELIVERY_STATUS_AT_HUB: "rider-delivering",
    pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE: "rider-delivering",
    pb.DELIVERY_STATUS_DROPOFF_APPROACHING: "rider-delivering",
    pb.DELIVERY_STATUS_DROPOFF_ARRIVED: "rider-delivering",
    pb.DELIVERY_STATUS_AWAITING_COLLECTION: "rider-delivering",
    pb.DELIVERY_STATUS_ATTEMPT_FAILED: "rider-delivering",
    # From here on the order is not brought to the customer, whatever becomes of the goods.
    pb.DELIVERY_STATUS_UNDELIVERABLE: "rider-error",
    pb.DELIVERY_STATUS_RETURNING: "rider-error",
    pb.DELIVERY_STATUS_RETURN_ARRIVED: "rider-error",
    pb.DELIVERY_STATUS_RETURNED: "rider-error",
    pb.DELIVERY_STATUS_DISPOSED: "rider-error",
    pb.DELIVERY_STATUS_FAILED: "rider-error",
    pb.DELIVERY_STATUS_DELIVERED: "rider-completed",
    pb.DELIVERY_STATUS_CANCELLED: CANCELLED,
}
"""By the delivery's status. A step within one word makes no message."""

ORDER_WORDS: dict[tuple[OrderStatus, Service], str] = {
    (meaning.order, meaning.service): word for word, meaning in EVENTS.items() if meaning.order
}
"""By the order's status and, where the word is sent for one way of service alone, that."""

MAKE_READY = {
    "ready_for_pickup_time": "order-ready-to-pick-up",
    "preparing": "order-in-kitchen",
}
"""By the member of the delivery that a partner's update changed."""

_CALLS_OFF = frozenset((ACTOR_KIND_CALLER, ACTOR_KIND_MERCHANT, ACTOR_KIND_OPERATOR, ACTOR_KIND_RECIPIENT))


def order_word(status: OrderStatus, service: Service) -> str:
    """The word for what a message said of an order; empty when there is none."""
    return ORDER_WORDS.get((status, service)) or ORDER_WORDS.get((status, order_pb2.SERVICE_TYPE_UNSPECIFIED), "")


def cancellation_word(reason: StatusReason) -> str:
    """Called off by those whose order it is, or not carried out by those who should have: Ordatic has two words."""
    return "order-canceled" if reason.actor.kind in _CALLS_OFF else "rider-error"
