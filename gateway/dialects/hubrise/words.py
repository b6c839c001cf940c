"""HubRise's words for statuses and ways of service beside ours; knows no document and no delivery."""

from typing import Final, TypeAlias

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import order_pb2

Status: TypeAlias = pb.DeliveryStatus.ValueType

STATUSES_IN: Final[dict[str, Status]] = {
    "pending": pb.DELIVERY_STATUS_DISPATCHED,
    "pickup_enroute": pb.DELIVERY_STATUS_PICKUP_EN_ROUTE,
    "pickup_approaching": pb.DELIVERY_STATUS_PICKUP_APPROACHING,
    "pickup_waiting": pb.DELIVERY_STATUS_PICKUP_ARRIVED,
    "dropoff_enroute": pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE,
    "dropoff_approaching": pb.DELIVERY_STATUS_DROPOFF_APPROACHING,
    "dropoff_waiting": pb.DELIVERY_STATUS_DROPOFF_ARRIVED,
    "delivered": pb.DELIVERY_STATUS_DELIVERED,
    "cancelled": pb.DELIVERY_STATUS_CANCELLED,
}

STATUSES_OUT: Final[dict[Status, str]] = {
    pb.DELIVERY_STATUS_CREATED: "pending",
    pb.DELIVERY_STATUS_DISPATCHING: "pending",
    pb.DELIVERY_STATUS_BOOKING_UNKNOWN: "pending",
    pb.DELIVERY_STATUS_DISPATCHED: "pending",
    # HubRise ties `assigned_at` to pickup_enroute: an assigned driver who has not set out is still pending.
    pb.DELIVERY_STATUS_DRIVER_ASSIGNED: "pending",
    pb.DELIVERY_STATUS_PICKUP_EN_ROUTE: "pickup_enroute",
    pb.DELIVERY_STATUS_PICKUP_APPROACHING: "pickup_approaching",
    pb.DELIVERY_STATUS_PICKUP_ARRIVED: "pickup_waiting",
    # HubRise's own bridge to Uber says pickup_waiting here; but `pickup_at` belongs to dropoff_enroute.
    pb.DELIVERY_STATUS_PICKED_UP: "dropoff_enroute",
    pb.DELIVERY_STATUS_IN_TRANSIT: "dropoff_enroute",
    pb.DELIVERY_STATUS_AT_HUB: "dropoff_enroute",
    pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE: "dropoff_enroute",
    pb.DELIVERY_STATUS_DROPOFF_APPROACHING: "dropoff_approaching",
    pb.DELIVERY_STATUS_DROPOFF_ARRIVED: "dropoff_waiting",
    pb.DELIVERY_STATUS_AWAITING_COLLECTION: "dropoff_waiting",
    # HubRise has no word for goods that are out and will not arrive now, nor for returns.
    pb.DELIVERY_STATUS_ATTEMPT_FAILED: "dropoff_enroute",
    pb.DELIVERY_STATUS_UNDELIVERABLE: "dropoff_enroute",
    pb.DELIVERY_STATUS_RETURNING: "dropoff_enroute",
    pb.DELIVERY_STATUS_RETURN_ARRIVED: "dropoff_enroute",
    pb.DELIVERY_STATUS_DELIVERED: "delivered",
    pb.DELIVERY_STATUS_CANCELLED: "cancelled",
    pb.DELIVERY_STATUS_FAILED: "cancelled",
    pb.DELIVERY_STATUS_RETURNED: "cancelled",
    pb.DELIVERY_STATUS_DISPOSED: "cancelled",
    # Of such a delivery nothing is known but that it exists.
    pb.DELIVERY_STATUS_UNKNOWN: "pending",
}

TIMES_IN: Final[dict[str, Status]] = {
    "assigned_at": pb.DELIVERY_STATUS_PICKUP_EN_ROUTE,
    "pickup_at": pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE,
    "delivered_at": pb.DELIVERY_STATUS_DELIVERED,
    "cancelled_at": pb.DELIVERY_STATUS_CANCELLED,
}
"""The status whose time each of the fields is that HubRise keeps up to date by itself."""

TIMES_OUT: Final[dict[str, tuple[Status, ...]]] = {
    "assigned_at": (pb.DELIVERY_STATUS_PICKUP_EN_ROUTE,),
    "pickup_at": (
        pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE,
        pb.DELIVERY_STATUS_PICKED_UP,
        pb.DELIVERY_STATUS_IN_TRANSIT,
        pb.DELIVERY_STATUS_AT_HUB,
    ),
    "delivered_at": (pb.DELIVERY_STATUS_DELIVERED,),
    "cancelled_at": (
        pb.DELIVERY_STATUS_CANCELLED,
        pb.DELIVERY_STATUS_FAILED,
        pb.DELIVERY_STATUS_RETURNED,
        pb.DELIVERY_STATUS_DISPOSED,
    ),
}
"""The statuses that count as having reached the word of each field; whichever was reached first tells the time."""

TIMES_UNDER: Final[dict[str, tuple[str, ...]]] = {
    "pending": (),
    "pickup_enroute": ("assigned_at",),
    "pickup_approaching": ("assigned_at",),
    "pickup_waiting": ("assigned_at",),
    "dropoff_enroute": ("assigned_at", "pickup_at"),
    "dropoff_approaching": ("assigned_at", "pickup_at"),
    "dropoff_waiting": ("assigned_at", "pickup_at"),
    "delivered": ("assigned_at", "pickup_at", "delivered_at"),
    "cancelled": ("assigned_at", "pickup_at", "cancelled_at"),
}
"""The fields of time that can have been reached under each word."""

ORDER_STATUSES: Final[dict[str, order_pb2.FulfilmentStatus.ValueType]] = {
    "new": order_pb2.FULFILMENT_STATUS_NEW,
    "received": order_pb2.FULFILMENT_STATUS_RECEIVED,
    "accepted": order_pb2.FULFILMENT_STATUS_ACCEPTED,
    "in_preparation": order_pb2.FULFILMENT_STATUS_IN_PREPARATION,
    "awaiting_shipment": order_pb2.FULFILMENT_STATUS_AWAITING_SHIPMENT,
    "awaiting_collection": order_pb2.FULFILMENT_STATUS_AWAITING_COLLECTION,
    "in_delivery": order_pb2.FULFILMENT_STATUS_IN_DELIVERY,
    "completed": order_pb2.FULFILMENT_STATUS_COMPLETED,
    "rejected": order_pb2.FULFILMENT_STATUS_REJECTED,
    "cancelled": order_pb2.FULFILMENT_STATUS_CANCELLED,
    "delivery_failed": order_pb2.FULFILMENT_STATUS_DELIVERY_FAILED,
}
ORDER_STATUSES_OUT: Final = {status: word for word, status in ORDER_STATUSES.items()}

SERVICE_TYPES: Final[dict[str, order_pb2.ServiceType.ValueType]] = {
    "delivery": order_pb2.SERVICE_TYPE_DELIVERY,
    "collection": order_pb2.SERVICE_TYPE_COLLECTION,
    "eat_in": order_pb2.SERVICE_TYPE_EAT_IN,
}
SERVICE_TYPES_OUT: Final = {service_type: word for word, service_type in SERVICE_TYPES.items()}


def shown(status: Status) -> str:
    """The word under which HubRise's clients see a delivery's status."""
    return STATUSES_OUT.get(status, "pending")
