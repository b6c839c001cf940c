"""What recipients are told of each status; tables only."""

from collections.abc import Mapping
from typing import TypeAlias

from crossdock.v1 import delivery_pb2 as pb

Status: TypeAlias = pb.DeliveryStatus.ValueType

HEADLINES: Mapping[Status, tuple[str, str]] = {
    pb.DELIVERY_STATUS_UNSPECIFIED: ("No news yet", "We have heard nothing of your delivery so far."),
    pb.DELIVERY_STATUS_CREATED: ("Order received", "Your delivery is being prepared."),
    pb.DELIVERY_STATUS_DISPATCHING: ("Looking for a courier", "Your delivery is being prepared."),
    pb.DELIVERY_STATUS_BOOKING_UNKNOWN: ("Looking for a courier", "Your delivery is being prepared."),
    pb.DELIVERY_STATUS_DISPATCHED: ("Courier service booked", "A courier will be chosen soon."),
    pb.DELIVERY_STATUS_DRIVER_ASSIGNED: ("Courier found", "A courier will pick up your delivery."),
    pb.DELIVERY_STATUS_PICKUP_EN_ROUTE: ("Courier found", "The courier is on the way to the store."),
    pb.DELIVERY_STATUS_PICKUP_APPROACHING: ("Courier found", "The courier is near the store."),
    pb.DELIVERY_STATUS_PICKUP_ARRIVED: ("Being picked up", "The courier is at the store."),
    pb.DELIVERY_STATUS_PICKED_UP: ("Picked up", "The courier has your delivery."),
    pb.DELIVERY_STATUS_IN_TRANSIT: ("On its way", "Your delivery is travelling."),
    pb.DELIVERY_STATUS_AT_HUB: ("On its way", "Your delivery is at a depot of the courier service."),
    pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE: ("On its way to you", "The courier is bringing your delivery."),
    pb.DELIVERY_STATUS_DROPOFF_APPROACHING: ("Almost there", "The courier is near you."),
    pb.DELIVERY_STATUS_DROPOFF_ARRIVED: ("The courier is there", "The courier is at your address."),
    pb.DELIVERY_STATUS_AWAITING_COLLECTION: ("Ready to be collected", "Your delivery waits for you."),
    pb.DELIVERY_STATUS_ATTEMPT_FAILED: ("Not handed over yet", "The courier was there and could not hand it over."),
    pb.DELIVERY_STATUS_UNDELIVERABLE: ("Not delivered", "Your delivery could not be handed over."),
    pb.DELIVERY_STATUS_RETURNING: ("Going back", "Your delivery is on its way back to the sender."),
    pb.DELIVERY_STATUS_RETURN_ARRIVED: ("Going back", "Your delivery is about to reach the sender."),
    pb.DELIVERY_STATUS_DELIVERED: ("Delivered", "Your delivery was handed over."),
    pb.DELIVERY_STATUS_RETURNED: ("Returned", "Your delivery went back to the sender."),
    pb.DELIVERY_STATUS_CANCELLED: ("Called off", "This delivery was called off. Please ask the sender."),
    pb.DELIVERY_STATUS_FAILED: ("Delayed", "No courier could be found yet. Please ask the sender if it is urgent."),
    pb.DELIVERY_STATUS_DISPOSED: ("Not delivered", "Your delivery was lost or discarded. Please ask the sender."),
    pb.DELIVERY_STATUS_UNKNOWN: ("No news yet", "We cannot tell how far your delivery has come."),
}
"""A headline and a sentence for each status."""

STEPS: Mapping[Status, str] = {
    pb.DELIVERY_STATUS_DISPATCHED: "Courier service booked",
    pb.DELIVERY_STATUS_DRIVER_ASSIGNED: "Courier found",
    pb.DELIVERY_STATUS_PICKED_UP: "Picked up",
    pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE: "On its way to you",
    pb.DELIVERY_STATUS_DROPOFF_ARRIVED: "Courier at your address",
    pb.DELIVERY_STATUS_AWAITING_COLLECTION: "Ready to be collected",
    pb.DELIVERY_STATUS_ATTEMPT_FAILED: "Could not be handed over",
    pb.DELIVERY_STATUS_UNDELIVERABLE: "Could not be delivered",
    pb.DELIVERY_STATUS_RETURNING: "On its way back",
    pb.DELIVERY_STATUS_RETURNED: "Returned",
    pb.DELIVERY_STATUS_DELIVERED: "Delivered",
    pb.DELIVERY_STATUS_CANCELLED: "Called off",
}
"""The steps that are listed with their times; all others are of no interest to a recipient."""

WITH_COURIER = frozenset(
    (
        pb.DELIVERY_STATUS_DRIVER_ASSIGNED,
        pb.DELIVERY_STATUS_PICKUP_EN_ROUTE,
        pb.DELIVERY_STATUS_PICKUP_APPROACHING,
        pb.DELIVERY_STATUS_PICKUP_ARRIVED,
        pb.DELIVERY_STATUS_PICKED_UP,
        pb.DELIVERY_STATUS_IN_TRANSIT,
        pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE,
        pb.DELIVERY_STATUS_DROPOFF_APPROACHING,
        pb.DELIVERY_STATUS_DROPOFF_ARRIVED,
    )
)
"""While these last the courier is the recipient's business; before and after they are a private person."""

EXPECTED = WITH_COURIER | {
    pb.DELIVERY_STATUS_CREATED,
    pb.DELIVERY_STATUS_DISPATCHING,
    pb.DELIVERY_STATUS_BOOKING_UNKNOWN,
    pb.DELIVERY_STATUS_DISPATCHED,
    pb.DELIVERY_STATUS_AT_HUB,
    pb.DELIVERY_STATUS_ATTEMPT_FAILED,
}
"""The statuses in which something is still to come, at a time that may be told."""
