"""Evermile's words for how far an order is and what each means to us; guesses none.

The webhooks' documentation shows two of the words in examples; the seventeen, and the wordings quoted here, are
those of its booking API. `lifeCycleStatus` is a check only: the documented example calls an order that is
`OnWayToDropoff` final, so where the two contradict each other `orderStatus` counts.
"""

from dataclasses import dataclass
from typing import TypeAlias

from crossdock.v1.delivery_pb2 import (
    DELIVERY_STATUS_AT_HUB,
    DELIVERY_STATUS_AWAITING_COLLECTION,
    DELIVERY_STATUS_CANCELLED,
    DELIVERY_STATUS_DELIVERED,
    DELIVERY_STATUS_DISPATCHED,
    DELIVERY_STATUS_DRIVER_ASSIGNED,
    DELIVERY_STATUS_DROPOFF_EN_ROUTE,
    DELIVERY_STATUS_IN_TRANSIT,
    DELIVERY_STATUS_PICKED_UP,
    DELIVERY_STATUS_PICKUP_EN_ROUTE,
    DELIVERY_STATUS_RETURNED,
    DELIVERY_STATUS_RETURNING,
    DELIVERY_STATUS_UNDELIVERABLE,
    DELIVERY_STATUS_UNSPECIFIED,
    DeliveryStatus,
)

Status: TypeAlias = DeliveryStatus.ValueType

BEFORE, UNDER_WAY, FINAL = "preCollection", "tracking", "final"
LIFE_CYCLE = (BEFORE, UNDER_WAY, FINAL)
"""The words of lifeCycleStatus."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one word means."""

    status: Status = DELIVERY_STATUS_UNSPECIFIED
    """The status reached; unspecified when the word does not move the delivery."""
    stages: tuple[str, ...] = LIFE_CYCLE
    """The words of lifeCycleStatus that do not contradict it."""
    substatus: str = ""
    waits_for_courier: bool = False
    """How far the courier is, if there is one, says more than the word."""
    ready: bool = False
    on_hold: bool = False
    attention: str = ""


STATUSES: dict[str, Meaning] = {
    # "New, prior to processing".
    "Pending": Meaning(DELIVERY_STATUS_DISPATCHED, (BEFORE,), waits_for_courier=True),
    # "Ready for collection by courier".
    "Ready": Meaning(DELIVERY_STATUS_DISPATCHED, (BEFORE,), waits_for_courier=True, ready=True),
    # "Awaiting courier pickup": the sender has brought the goods to a collection point. Below PICKED_UP, or the
    # "Collected" that follows would look like a step back.
    "ReceivedAtCollectionPoint": Meaning(
        DELIVERY_STATUS_DISPATCHED, (BEFORE,), "at_collection_point", waits_for_courier=True
    ),
    # Not told between whom, so no more is read into it than that the order is booked.
    "ReadyForHandoff": Meaning(DELIVERY_STATUS_DISPATCHED, (BEFORE, UNDER_WAY), "ready_for_handoff"),
    # Before or after the collection: see `meaning_of`.
    "WaitingForHandoff": Meaning(stages=(BEFORE, UNDER_WAY), substatus="waiting_for_handoff"),
    # By the courier.
    "Collected": Meaning(DELIVERY_STATUS_PICKED_UP, (UNDER_WAY,)),
    # "On the way to the hub", not to the recipient.
    "InTransit": Meaning(DELIVERY_STATUS_IN_TRANSIT, (UNDER_WAY,)),
    "WaitingInHub": Meaning(DELIVERY_STATUS_AT_HUB, (UNDER_WAY,)),
    "OnWayToDropoff": Meaning(DELIVERY_STATUS_DROPOFF_EN_ROUTE, (UNDER_WAY,)),
    # Awaits "pickup by end customer": not delivered.
    "DeliveredToCollectionPoint": Meaning(DELIVERY_STATUS_AWAITING_COLLECTION, (UNDER_WAY,)),
    "Delivered": Meaning(DELIVERY_STATUS_DELIVERED, (FINAL,)),
    # "Picked up in store (final)": by the customer. Every other vocabulary means the courier by such a word.
    "PickedUp": Meaning(DELIVERY_STATUS_DELIVERED, (FINAL,), "collected_in_store"),
    # "Has issues that need handling". It says nothing of where the goods are.
    "CannotFulfill": Meaning(on_hold=True, attention="cannot_fulfill"),
    # "Delivery failed", and not in the list of final words: the goods are still out.
    "Failed": Meaning(DELIVERY_STATUS_UNDELIVERABLE, (UNDER_WAY, FINAL)),
    "ReturningToSender": Meaning(DELIVERY_STATUS_RETURNING, (UNDER_WAY,)),
    "ReturnedToSender": Meaning(DELIVERY_STATUS_RETURNED, (FINAL,)),
    "Cancelled": Meaning(DELIVERY_STATUS_CANCELLED, (FINAL,)),
}
"""By orderStatus."""

_HANDOFF_UNDER_WAY = Meaning(DELIVERY_STATUS_AT_HUB, (UNDER_WAY,), "waiting_for_handoff")


def meaning_of(order_status: str | None, life_cycle_status: str | None) -> Meaning | None:
    """What the words of an order mean together; None when orderStatus is not known."""
    if order_status == "WaitingForHandoff" and life_cycle_status == UNDER_WAY:
        return _HANDOFF_UNDER_WAY
    return STATUSES.get(order_status or "")


def courier_status(is_assigned: bool | None, is_on_way_to_pickup: bool | None) -> Status:
    """How far a courier is who has not collected the goods; unspecified when none is told of."""
    if is_on_way_to_pickup:
        return DELIVERY_STATUS_PICKUP_EN_ROUTE
    return DELIVERY_STATUS_DRIVER_ASSIGNED if is_assigned else DELIVERY_STATUS_UNSPECIFIED
