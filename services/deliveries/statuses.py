"""The vocabulary of delivery statuses: rank, phase and what each implies; knows no delivery and no report."""

from typing import TypeAlias

from crossdock.v1 import delivery_pb2 as pb

Status: TypeAlias = pb.DeliveryStatus.ValueType
"""A number that stands for a status."""

CLOSED_RANK = 200
"""Above every progress state, so that closing is progress and nothing but a listed exit leads on."""

RANKS: dict[Status, int] = {
    pb.DELIVERY_STATUS_UNSPECIFIED: -1,
    pb.DELIVERY_STATUS_UNKNOWN: 0,
    pb.DELIVERY_STATUS_CREATED: 10,
    pb.DELIVERY_STATUS_DISPATCHING: 20,
    pb.DELIVERY_STATUS_BOOKING_UNKNOWN: 25,
    pb.DELIVERY_STATUS_DISPATCHED: 30,
    pb.DELIVERY_STATUS_DRIVER_ASSIGNED: 40,
    pb.DELIVERY_STATUS_PICKUP_EN_ROUTE: 50,
    pb.DELIVERY_STATUS_PICKUP_APPROACHING: 60,
    pb.DELIVERY_STATUS_PICKUP_ARRIVED: 70,
    pb.DELIVERY_STATUS_PICKED_UP: 80,
    pb.DELIVERY_STATUS_IN_TRANSIT: 90,
    pb.DELIVERY_STATUS_AT_HUB: 90,
    pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE: 100,
    pb.DELIVERY_STATUS_DROPOFF_APPROACHING: 110,
    pb.DELIVERY_STATUS_DROPOFF_ARRIVED: 120,
    pb.DELIVERY_STATUS_AWAITING_COLLECTION: 125,
    pb.DELIVERY_STATUS_ATTEMPT_FAILED: 130,
    pb.DELIVERY_STATUS_UNDELIVERABLE: 140,
    pb.DELIVERY_STATUS_RETURNING: 150,
    pb.DELIVERY_STATUS_RETURN_ARRIVED: 160,
    pb.DELIVERY_STATUS_DELIVERED: CLOSED_RANK,
    pb.DELIVERY_STATUS_RETURNED: CLOSED_RANK,
    pb.DELIVERY_STATUS_CANCELLED: CLOSED_RANK,
    pb.DELIVERY_STATUS_FAILED: CLOSED_RANK,
    pb.DELIVERY_STATUS_DISPOSED: CLOSED_RANK,
}
"""How far each status is on the way."""

PICKED_UP_RANK = RANKS[pb.DELIVERY_STATUS_PICKED_UP]

CLOSED: frozenset[Status] = frozenset(status for status, rank in RANKS.items() if rank == CLOSED_RANK)
"""The statuses that are left only by a listed exit."""

PHASES: dict[Status, str] = {
    status: next(
        phase
        for limit, phase in (
            (0, ""),
            (30, "pre"),
            (70, "pickup"),
            (90, "transit"),
            (125, "dropoff"),
            (140, "exception"),
            (160, "return"),
            (CLOSED_RANK, "closed"),
        )
        if rank <= limit
    )
    for status, rank in RANKS.items()
}
"""The stretch of the way that a status belongs to; empty for the two that are no place on it."""

WORDS: dict[Status, str] = {value: name.removeprefix("DELIVERY_STATUS_") for name, value in pb.DeliveryStatus.items()}
"""What explanations call a status."""

_TO_THE_GOODS = (
    pb.DELIVERY_STATUS_DISPATCHED,
    pb.DELIVERY_STATUS_DRIVER_ASSIGNED,
    pb.DELIVERY_STATUS_PICKED_UP,
)
_TO_THE_DOOR = (*_TO_THE_GOODS, pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE)

_GOODS_CAME_BACK = frozenset(
    (
        pb.DELIVERY_STATUS_UNDELIVERABLE,
        pb.DELIVERY_STATUS_RETURNING,
        pb.DELIVERY_STATUS_RETURN_ARRIVED,
        pb.DELIVERY_STATUS_RETURNED,
        pb.DELIVERY_STATUS_DISPOSED,
    )
)
_NEVER_UNDER_WAY = frozenset((pb.DELIVERY_STATUS_CANCELLED, pb.DELIVERY_STATUS_FAILED))


def _implied(status: Status, rank: int) -> tuple[Status, ...]:
    if status in _NEVER_UNDER_WAY:
        return ()
    chain = _TO_THE_GOODS if status in _GOODS_CAME_BACK else _TO_THE_DOOR
    return tuple(step for step in chain if RANKS[step] < rank)


IMPLIED: dict[Status, tuple[Status, ...]] = {status: _implied(status, rank) for status, rank in RANKS.items()}
"""What must have happened before a status, whether it was reported or not.

Goods that never reached the door can come back, so a return implies the pickup only; a cancellation or a
failure implies nothing."""


def is_closed(status: Status) -> bool:
    """Whether the delivery is over, as far as anybody knows."""
    return status in CLOSED


def is_picked_up(status: Status) -> bool:
    """Whether the carrier holds the goods: from the pickup on, until the delivery is closed."""
    return PICKED_UP_RANK <= RANKS[status] < CLOSED_RANK
