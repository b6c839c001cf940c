"""What a closed delivery says of its carrier: in time or not, called off or not, at what price; stores it as a row."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from crossdock.v1.actor_pb2 import ACTOR_KIND_CARRIER
from crossdock.v1.contact_pb2 import Address
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.window_pb2 import WindowKind
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.ext.asyncio import AsyncConnection

from services import times
from services.currencies import minor_units
from services.db.statements import Statement
from services.deliveries.rows import Stored
from services.deliveries.statuses import is_closed

EARTH_METERS = 6_371_000
PROMISES = (
    WindowKind.WINDOW_KIND_COMMITTED,
    WindowKind.WINDOW_KIND_COMMUNICATED,
    WindowKind.WINDOW_KIND_SCHEDULED,
    WindowKind.WINDOW_KIND_ESTIMATED,
)
"""What counts as the promised window: the first of these that the drop-off has."""


class Outcome(NamedTuple):
    """How a booking ended. ``on_time`` is None when that says nothing of the carrier."""

    on_time: bool | None
    called_off: bool
    price: int | None
    currency_code: str | None
    meters: int | None


def outcome_of(delivery: Delivery) -> Outcome | None:
    """How a booking ended; None for one that is not over, or never was one."""
    if not is_closed(delivery.status) or delivery.status == DeliveryStatus.DELIVERY_STATUS_FAILED:
        return None
    cancelled = delivery.status == DeliveryStatus.DELIVERY_STATUS_CANCELLED
    called_off = cancelled and delivery.status_reason.actor.kind == ACTOR_KIND_CARRIER
    price = minor_units(delivery.fee) if delivery.HasField("fee") else None
    return Outcome(
        on_time=None if cancelled and not called_off else _on_time(delivery),
        called_off=called_off,
        price=price,
        currency_code=delivery.fee.currency_code if price is not None else None,
        meters=_meters(delivery.consignment.pickup.address, delivery.consignment.dropoff.address),
    )


def _on_time(delivery: Delivery) -> bool | None:
    ends = {each.kind: each.end_time for each in delivery.consignment.dropoff.windows if each.HasField("end_time")}
    promised = next((ends[kind] for kind in PROMISES if kind in ends), None)
    if promised is None:
        return None
    arrived = next(
        (each.time for each in delivery.milestones if each.status == DeliveryStatus.DELIVERY_STATUS_DELIVERED), None
    )
    return arrived is not None and _nanoseconds(arrived) <= _nanoseconds(promised)


def _meters(here: Address, there: Address) -> int | None:
    """As the crow flies; None when a position is missing or both are one."""
    if not (here.HasField("position") and there.HasField("position")):
        return None
    north, south = math.radians(here.position.latitude), math.radians(there.position.latitude)
    east = math.radians(there.position.longitude - here.position.longitude)
    chord = math.sin((south - north) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(east / 2) ** 2
    return round(2 * EARTH_METERS * math.asin(math.sqrt(min(1.0, chord)))) or None


def _nanoseconds(time: Timestamp) -> int:
    return time.seconds * 1_000_000_000 + time.nanos


_REMEMBER = Statement("""
INSERT INTO carrier_outcomes
  (tenant_id, delivery_id, carrier_ref, on_time, called_off, price, currency_code, meters, close_time)
SELECT * FROM unnest(
  CAST(:tenant_id AS uuid[]), CAST(:delivery_id AS uuid[]), CAST(:carrier_ref AS text[]), CAST(:on_time AS boolean[]),
  CAST(:called_off AS boolean[]), CAST(:price AS bigint[]), CAST(:currency_code AS text[]), CAST(:meters AS integer[]),
  CAST(:close_time AS timestamptz[]))
ON CONFLICT (tenant_id, delivery_id) DO UPDATE
SET on_time = excluded.on_time, called_off = excluded.called_off, price = excluded.price,
    currency_code = excluded.currency_code, meters = excluded.meters, close_time = excluded.close_time
""")


async def remember(connection: AsyncConnection, changed: Iterable[Stored]) -> None:
    """Stores what changed deliveries say of their carriers, as far as they are over; costs nothing where none is."""
    told = [
        (each, outcome)
        for each in changed
        if each.delivery.carrier_ref and (outcome := outcome_of(each.delivery)) is not None
    ]
    if not told:
        return
    columns: dict[str, list[object]] = {
        "tenant_id": [each.tenant_id for each, _ in told],
        "delivery_id": [each.delivery_id for each, _ in told],
        "carrier_ref": [each.delivery.carrier_ref for each, _ in told],
        "close_time": [times.to_datetime(each.delivery.status_time) for each, _ in told],
    }
    for name in Outcome._fields:
        columns[name] = [getattr(outcome, name) for _, outcome in told]
    await _REMEMBER.fetch(connection, columns)
