"""Bookings as rows, and who is at work on what: claims that end by themselves; knows no rule about either.

A booking's row changes only while its shipment is held (`shipments.rows.lock`), and a shipment only after the names and
deliveries of the same transaction. Claims are apart from that: a lease says who goes on with a shipment or a booking,
so that any number of processes share the work. It saves work and protects nothing: what keeps a shipment from being
booked twice are the states of its bookings and their unique key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from crossdock.v1.delivery_pb2 import DeliveryKind, StatusReason
from sqlalchemy.ext.asyncio import AsyncConnection

from services.db.statements import Statement
from services.dispatching.steps import OCCUPIES, BookingState

Key = tuple[UUID, UUID]
"""Tenant and delivery, or tenant and shipment."""


@dataclass
class Booking:
    """What is kept about one booking beside its delivery."""

    tenant_id: UUID
    delivery_id: UUID
    shipment_id: UUID
    kind: "DeliveryKind.ValueType"
    carrier_ref: str
    state: BookingState
    decision: int
    """The number of the dispatch that made it."""
    create_time: datetime
    book_before: datetime | None = None
    cancellation: StatusReason | None = None
    """Why it is to be called off, as long as the carrier did not decide."""
    tries: int = 0
    """How often it was looked up since its state last changed."""
    due_time: datetime | None = None
    """When it is looked at next; None for never."""

    @property
    def key(self) -> Key:
        """What names the row."""
        return self.tenant_id, self.delivery_id

    @property
    def is_return(self) -> bool:
        """Whether the goods travel back."""
        return self.kind == DeliveryKind.DELIVERY_KIND_RETURN


_COLUMNS = (
    "tenant_id, delivery_id, shipment_id, kind, carrier_ref, state, decision, create_time, book_before, cancellation, "
    "tries, due_time"
)
_INSERT = Statement(f"""
INSERT INTO bookings ({_COLUMNS}, occupies)
VALUES (:tenant_id, :delivery_id, :shipment_id, :kind, :carrier_ref, :state, :decision, :create_time, :book_before,
        :cancellation, :tries, :due_time, :occupies)
""")  # noqa: S608  the names above
_UPDATE = Statement("""
UPDATE bookings
SET carrier_ref = :carrier_ref, state = :state, decision = :decision, book_before = :book_before,
    cancellation = :cancellation, tries = :tries, due_time = :due_time, occupies = :occupies,
    lease_until = NULL, lease_owner = NULL
WHERE tenant_id = :tenant_id AND delivery_id = :delivery_id
""")
_FIND = Statement(
    f"SELECT {_COLUMNS} FROM bookings WHERE tenant_id = :tenant_id AND delivery_id = :delivery_id",  # noqa: S608
    only_reads=True,
)
_OF_SHIPMENT = Statement(
    f"SELECT {_COLUMNS} FROM bookings WHERE tenant_id = :tenant_id AND shipment_id = :shipment_id "  # noqa: S608
    "ORDER BY create_time DESC, delivery_id DESC",
    only_reads=True,
)
_CLAIM_BOOKINGS = Statement("""
UPDATE bookings b SET lease_until = :until, lease_owner = :owner
FROM (
  SELECT tenant_id, delivery_id FROM bookings
  WHERE due_time <= :now AND (lease_until IS NULL OR lease_until <= :now)
  ORDER BY due_time LIMIT :limit FOR UPDATE SKIP LOCKED
) AS due
WHERE b.tenant_id = due.tenant_id AND b.delivery_id = due.delivery_id
RETURNING b.tenant_id, b.delivery_id
""")
_CLAIM_SHIPMENTS = Statement("""
UPDATE shipments s SET lease_until = :until, lease_owner = :owner
FROM (
  SELECT tenant_id, shipment_id FROM shipments
  WHERE due_time <= :now AND (lease_until IS NULL OR lease_until <= :now)
  ORDER BY due_time LIMIT :limit FOR UPDATE SKIP LOCKED
) AS due
WHERE s.tenant_id = due.tenant_id AND s.shipment_id = due.shipment_id
RETURNING s.tenant_id, s.shipment_id
""")
_CLAIM_SHIPMENT = Statement("""
UPDATE shipments SET lease_until = :until, lease_owner = :owner
WHERE tenant_id = :tenant_id AND shipment_id = :shipment_id
  AND (lease_until IS NULL OR lease_until <= :now)
RETURNING shipment_id
""")
_RELEASE = Statement("""
UPDATE shipments SET lease_until = NULL, lease_owner = NULL
WHERE tenant_id = :tenant_id AND shipment_id = :shipment_id
""")
_PROLONG = Statement("""
UPDATE shipments SET lease_until = :until WHERE tenant_id = :tenant_id AND shipment_id = :shipment_id
""")


async def insert(connection: AsyncConnection, booking: Booking) -> None:
    """Stores a new booking. Breaks ``bookings_occupying_key`` when another one may exist that way."""
    await _INSERT.fetch(connection, _values(booking))


async def update(connection: AsyncConnection, booking: Booking) -> None:
    """Stores a booking whose shipment is held; whoever had a lease on it has done with it."""
    await _UPDATE.fetch(connection, _values(booking))


async def find(connection: AsyncConnection, key: Key) -> Booking | None:
    """One booking; it holds as long as its shipment is held."""
    rows = await _FIND.fetch(connection, {"tenant_id": key[0], "delivery_id": key[1]})
    return _booking(rows[0]) if rows else None


async def of_shipment(connection: AsyncConnection, key: Key) -> list[Booking]:
    """All bookings of a shipment, the youngest first."""
    rows = await _OF_SHIPMENT.fetch(connection, {"tenant_id": key[0], "shipment_id": key[1]})
    return [_booking(row) for row in rows]


async def claim_due_bookings(
    connection: AsyncConnection, owner: str, now: datetime, lease: timedelta, limit: int
) -> list[Key]:
    """Takes bookings that are due and that nobody is at work on: (tenant, delivery)."""
    values = {"owner": owner, "now": now, "until": now + lease, "limit": limit}
    return [(row[0], row[1]) for row in await _CLAIM_BOOKINGS.fetch(connection, values)]


async def claim_due_shipments(
    connection: AsyncConnection, owner: str, now: datetime, lease: timedelta, limit: int
) -> list[Key]:
    """Takes shipments that are due and that nobody is at work on: (tenant, shipment)."""
    values = {"owner": owner, "now": now, "until": now + lease, "limit": limit}
    return [(row[0], row[1]) for row in await _CLAIM_SHIPMENTS.fetch(connection, values)]


async def claim_shipment(connection: AsyncConnection, key: Key, owner: str, now: datetime, lease: timedelta) -> bool:
    """Takes one shipment; False while somebody else is at work on it."""
    values = {"tenant_id": key[0], "shipment_id": key[1], "owner": owner, "now": now, "until": now + lease}
    return bool(await _CLAIM_SHIPMENT.fetch(connection, values))


async def prolong_shipment(connection: AsyncConnection, key: Key, until: datetime) -> None:
    """Keeps a shipment that was taken for longer."""
    await _PROLONG.fetch(connection, {"tenant_id": key[0], "shipment_id": key[1], "until": until})


async def release_shipment(connection: AsyncConnection, key: Key) -> None:
    """Lets others go on with a shipment."""
    await _RELEASE.fetch(connection, {"tenant_id": key[0], "shipment_id": key[1]})


def _values(booking: Booking) -> dict[str, object]:
    cancellation = booking.cancellation
    return {
        "tenant_id": booking.tenant_id,
        "delivery_id": booking.delivery_id,
        "shipment_id": booking.shipment_id,
        "kind": int(booking.kind),
        "carrier_ref": booking.carrier_ref,
        "state": int(booking.state),
        "decision": booking.decision,
        "create_time": booking.create_time,
        "book_before": booking.book_before,
        "cancellation": None if cancellation is None else cancellation.SerializeToString(),
        "tries": booking.tries,
        "due_time": booking.due_time,
        "occupies": booking.state in OCCUPIES,
    }


def _booking(row: Sequence[Any]) -> Booking:
    values: dict[str, Any] = dict(zip(_COLUMNS.split(", "), row, strict=True))
    if values["cancellation"] is not None:
        values["cancellation"] = StatusReason.FromString(values["cancellation"])
    values["state"] = BookingState(values["state"])
    return Booking(**values)
