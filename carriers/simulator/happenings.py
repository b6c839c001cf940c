"""What can happen to a booking, and what each makes of it, as a table; knows no vendor's word and no time."""

from enum import Enum
from typing import NamedTuple

from crossdock.v1 import delivery_pb2 as delivery
from crossdock.v1.actor_pb2 import ACTOR_KIND_CALLER, ACTOR_KIND_CARRIER, ACTOR_KIND_RECIPIENT, ActorKind
from crossdock.v1.carrier_pb2 import (
    BOOKING_STATE_CANCELLED,
    BOOKING_STATE_CLOSED,
    BOOKING_STATE_LIVE,
    BookingState,
)


class Happening(Enum):
    """One thing that a carrier would tell, if it tells such things."""

    BOOKED = "booked"
    ASSIGNED = "a driver took it"
    SET_OUT = "the driver rides to the pickup"
    TO_PICKUP = "still on the way to the pickup"
    NEAR_PICKUP = "near the pickup"
    AT_PICKUP = "at the pickup"
    PICKED_UP = "the driver has the goods"
    DEPARTED = "the driver rides to the recipient"
    TO_DROPOFF = "still on the way to the recipient"
    NEAR_DROPOFF = "near the recipient"
    AT_DOOR = "at the door"
    DELIVERED = "handed out"
    LEFT_AT_DOOR = "left at the door"
    PROVEN = "the proof is there"
    REFUSED = "the recipient does not want it"
    UNREACHABLE = "nobody opens"
    RETURNING = "on the way back"
    AT_STORE_AGAIN = "back at the sender's door"
    RETURNED = "the sender has it back"
    DRIVER_LOST = "the driver gave it up"
    NO_DRIVER = "no driver was found"
    GIVEN_UP = "the carrier called it off"
    CALLED_OFF = "the sender called it off"


class Meaning(NamedTuple):
    """What a happening makes of its booking."""

    status: delivery.DeliveryStatus.ValueType
    state: BookingState.ValueType = BOOKING_STATE_LIVE
    reason: str = ""
    by: ActorKind.ValueType = ACTOR_KIND_CARRIER
    ping: bool = False


HAPPENINGS: dict[Happening, Meaning] = {
    Happening.BOOKED: Meaning(delivery.DELIVERY_STATUS_DISPATCHED),
    Happening.ASSIGNED: Meaning(delivery.DELIVERY_STATUS_DRIVER_ASSIGNED),
    Happening.SET_OUT: Meaning(delivery.DELIVERY_STATUS_PICKUP_EN_ROUTE),
    Happening.TO_PICKUP: Meaning(delivery.DELIVERY_STATUS_PICKUP_EN_ROUTE, ping=True),
    Happening.NEAR_PICKUP: Meaning(delivery.DELIVERY_STATUS_PICKUP_APPROACHING),
    Happening.AT_PICKUP: Meaning(delivery.DELIVERY_STATUS_PICKUP_ARRIVED),
    Happening.PICKED_UP: Meaning(delivery.DELIVERY_STATUS_PICKED_UP),
    Happening.DEPARTED: Meaning(delivery.DELIVERY_STATUS_DROPOFF_EN_ROUTE),
    Happening.TO_DROPOFF: Meaning(delivery.DELIVERY_STATUS_DROPOFF_EN_ROUTE, ping=True),
    Happening.NEAR_DROPOFF: Meaning(delivery.DELIVERY_STATUS_DROPOFF_APPROACHING),
    Happening.AT_DOOR: Meaning(delivery.DELIVERY_STATUS_DROPOFF_ARRIVED),
    Happening.DELIVERED: Meaning(delivery.DELIVERY_STATUS_DELIVERED, BOOKING_STATE_CLOSED),
    Happening.LEFT_AT_DOOR: Meaning(delivery.DELIVERY_STATUS_DELIVERED, BOOKING_STATE_CLOSED),
    Happening.PROVEN: Meaning(delivery.DELIVERY_STATUS_DELIVERED, BOOKING_STATE_CLOSED),
    Happening.REFUSED: Meaning(
        delivery.DELIVERY_STATUS_UNDELIVERABLE, reason="customer_refused", by=ACTOR_KIND_RECIPIENT
    ),
    # Stays live: nobody drives it any further, and the goods are out.
    Happening.UNREACHABLE: Meaning(
        delivery.DELIVERY_STATUS_UNDELIVERABLE, reason="customer_unreachable", by=ACTOR_KIND_RECIPIENT
    ),
    Happening.RETURNING: Meaning(delivery.DELIVERY_STATUS_RETURNING),
    Happening.AT_STORE_AGAIN: Meaning(delivery.DELIVERY_STATUS_RETURN_ARRIVED),
    Happening.RETURNED: Meaning(delivery.DELIVERY_STATUS_RETURNED, BOOKING_STATE_CLOSED),
    Happening.DRIVER_LOST: Meaning(delivery.DELIVERY_STATUS_DISPATCHED),
    Happening.NO_DRIVER: Meaning(delivery.DELIVERY_STATUS_CANCELLED, BOOKING_STATE_CANCELLED, reason="no_driver"),
    Happening.GIVEN_UP: Meaning(
        delivery.DELIVERY_STATUS_CANCELLED, BOOKING_STATE_CANCELLED, reason="vehicle_breakdown"
    ),
    Happening.CALLED_OFF: Meaning(delivery.DELIVERY_STATUS_CANCELLED, BOOKING_STATE_CANCELLED, by=ACTOR_KIND_CALLER),
}

WITH_GOODS = frozenset(
    (
        Happening.PICKED_UP,
        Happening.DEPARTED,
        Happening.TO_DROPOFF,
        Happening.NEAR_DROPOFF,
        Happening.AT_DOOR,
        Happening.DELIVERED,
        Happening.LEFT_AT_DOOR,
        Happening.PROVEN,
        Happening.REFUSED,
        Happening.UNREACHABLE,
        Happening.RETURNING,
        Happening.AT_STORE_AGAIN,
        Happening.RETURNED,
    )
)
"""From here on nothing is called off."""
