"""Deliveries and their events as rows: set-based reads and writes; knows no rule about them.

Who changes deliveries first takes a transaction-long advisory lock on each, before it writes anything. A row lock
would not do: PostgreSQL numbers a transaction at its first write, and the event log is read in the order of those
numbers. Locked this way, two transactions that touch one delivery are numbered in the order in which they hold it,
so that the log never shows a delivery's events out of order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from crossdock.v1.delivery_pb2 import Delivery, DeliveryKind
from crossdock.v1.event_pb2 import Event
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import times
from services.db.statements import Statement, Writes
from services.deliveries import inputs, statuses
from services.deliveries.inputs import Input

Key = tuple[UUID, UUID]
"""Tenant and delivery."""

CREATED_KEY = b""
"""Stands where an order key does on the event that begins a delivery: before all reports."""


@dataclass
class Stored:
    """A delivery with what is kept beside it. ``new`` until its row is inserted."""

    tenant_id: UUID
    delivery_id: UUID
    delivery: Delivery
    last_ping: bytes | None = None
    last_key: bytes | None = None
    new: bool = False
    live: bool = True
    """Whether the row takes its order's place for a delivery; true also of one that is about to take it."""

    @property
    def key(self) -> Key:
        """What names the row."""
        return self.tenant_id, self.delivery_id


@dataclass(frozen=True)
class EventRow:
    """An event about to be stored, with the order key of the report behind it; None when it is synthetic."""

    tenant_id: UUID
    delivery_id: UUID
    event: Event
    input_key: bytes | None


_READ = Statement(
    """
SELECT d.tenant_id, d.delivery_id, d.document, d.last_ping, d.last_key, d.live
FROM deliveries d
JOIN unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[])) AS wanted (tenant_id, delivery_id)
  USING (tenant_id, delivery_id)
""",
    only_reads=True,
)
_LOCK = Statement("SELECT pg_advisory_xact_lock(n) FROM unnest(CAST(:numbers AS bigint[])) AS n")

_INSERT = Statement("""
INSERT INTO deliveries (tenant_id, delivery_id, location_id, order_id, shipment_id, carrier_ref, status, live,
                        needs_attention, document, last_ping, last_key, create_time, update_time)
SELECT * FROM unnest(
  CAST(:tenant_id AS uuid[]), CAST(:delivery_id AS uuid[]), CAST(:location_id AS uuid[]), CAST(:order_id AS uuid[]),
  CAST(:shipment_id AS uuid[]), CAST(:carrier_ref AS text[]), CAST(:status AS smallint[]), CAST(:live AS boolean[]),
  CAST(:needs_attention AS boolean[]), CAST(:document AS bytea[]), CAST(:last_ping AS bytea[]),
  CAST(:last_key AS bytea[]), CAST(:create_time AS timestamptz[]), CAST(:update_time AS timestamptz[]))
""")

_UPDATE = Statement("""
UPDATE deliveries d
SET location_id = n.location_id, order_id = n.order_id, shipment_id = n.shipment_id, carrier_ref = n.carrier_ref,
    status = n.status, live = n.live, needs_attention = n.needs_attention, document = n.document,
    last_ping = n.last_ping, last_key = n.last_key, update_time = n.update_time
FROM unnest(
  CAST(:tenant_id AS uuid[]), CAST(:delivery_id AS uuid[]), CAST(:location_id AS uuid[]), CAST(:order_id AS uuid[]),
  CAST(:shipment_id AS uuid[]), CAST(:carrier_ref AS text[]), CAST(:status AS smallint[]), CAST(:live AS boolean[]),
  CAST(:needs_attention AS boolean[]), CAST(:document AS bytea[]), CAST(:last_ping AS bytea[]),
  CAST(:last_key AS bytea[]), CAST(:update_time AS timestamptz[]))
  AS n (tenant_id, delivery_id, location_id, order_id, shipment_id, carrier_ref, status, live, needs_attention,
        document, last_ping, last_key, update_time)
WHERE d.tenant_id = n.tenant_id AND d.delivery_id = n.delivery_id
""")

_APPEND = Statement("""
INSERT INTO events (tenant_id, event_id, delivery_id, number, location_id, document, input_key)
SELECT * FROM unnest(
  CAST(:tenant_id AS uuid[]), CAST(:event_id AS uuid[]), CAST(:delivery_id AS uuid[]), CAST(:number AS bigint[]),
  CAST(:location_id AS uuid[]), CAST(:document AS bytea[]), CAST(:input_key AS bytea[]))
""")

_HISTORY = Statement("""
SELECT e.tenant_id, e.delivery_id, e.document
FROM events e
JOIN unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[])) AS wanted (tenant_id, delivery_id)
  USING (tenant_id, delivery_id)
WHERE e.input_key IS NOT NULL
ORDER BY e.tenant_id, e.delivery_id, e.number
""")

_TRAIL = Statement("""
INSERT INTO positions (tenant_id, delivery_id, record_time, position_time, latitude, longitude)
SELECT * FROM unnest(CAST(:tenant_id AS uuid[]), CAST(:delivery_id AS uuid[]), CAST(:record_time AS timestamptz[]),
  CAST(:position_time AS timestamptz[]), CAST(:latitude AS text[]), CAST(:longitude AS text[]))
ON CONFLICT DO NOTHING
""")
TRAIL_SECONDS = 30
"""The trail keeps at most one position per delivery in each span of this many seconds."""


async def lock(connection: AsyncConnection, keys: Iterable[Key]) -> dict[Key, Stored]:
    """Holds deliveries until the transaction ends, and reads them; unknown keys are left out."""
    wanted = set(keys)
    if numbers := sorted({_lock_number(key) for key in wanted}):
        await _LOCK.fetch(connection, {"numbers": numbers})
    return await read(connection, wanted)


def _lock_number(key: Key) -> int:
    """The random half of the id: two deliveries that share it only wait for each other."""
    return int.from_bytes(key[1].bytes[8:], "big", signed=True)


async def read(connection: AsyncConnection, keys: Iterable[Key]) -> dict[Key, Stored]:
    """Reads deliveries without holding them; unknown keys are left out."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    tenants, ids = zip(*wanted, strict=True)
    rows = await _READ.fetch(connection, {"tenants": list(tenants), "ids": list(ids)})
    return {
        (tenant, identifier): Stored(tenant, identifier, Delivery.FromString(document), ping, key, live=live)
        for tenant, identifier, document, ping, key, live in rows
    }


async def write(connection: AsyncConnection, writes: Writes, stored: Sequence[Stored]) -> None:
    """Inserts the new ones and updates the others: collected, unless a new one may take an old one's place."""
    new = [each for each in stored if each.new]
    old = [each for each in stored if not each.new]
    if old:
        writes.add(_UPDATE, _columns(old, with_create_time=False))
    if any(each.delivery.order_id or each.delivery.shipment_id for each in new):
        await writes.run(connection)
    if new:
        writes.add(_INSERT, _columns(new, with_create_time=True))
        for each in new:
            each.new = False


def _columns(stored: Sequence[Stored], *, with_create_time: bool) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {
        "tenant_id": [each.tenant_id for each in stored],
        "delivery_id": [each.delivery_id for each in stored],
        "location_id": [_optional("loc", each.delivery.location_id) for each in stored],
        "order_id": [_optional("ord", each.delivery.order_id) for each in stored],
        "shipment_id": [_optional("shp", each.delivery.shipment_id) for each in stored],
        "carrier_ref": [each.delivery.carrier_ref for each in stored],
        "status": [each.delivery.status for each in stored],
        "live": [each.live and may_be_live(each.delivery) for each in stored],
        "needs_attention": [bool(each.delivery.attention) for each in stored],
        "document": [each.delivery.SerializeToString() for each in stored],
        "last_ping": [each.last_ping for each in stored],
        "last_key": [each.last_key for each in stored],
        "update_time": [times.to_datetime(each.delivery.update_time) for each in stored],
    }
    if with_create_time:
        columns["create_time"] = [times.to_datetime(each.delivery.create_time) for each in stored]
    return columns


def may_be_live(delivery: Delivery) -> bool:
    """Whether it takes its order's place for a delivery on the way out; a return does not."""
    return delivery.kind != DeliveryKind.DELIVERY_KIND_RETURN and not statuses.is_closed(delivery.status)


def _optional(prefix: str, identifier: str) -> UUID | None:
    return typeid.decode(prefix, identifier) if identifier else None


def append(writes: Writes, events: Sequence[EventRow]) -> None:
    """Appends events to the log; their ids must have been made in this order."""
    if not events:
        return
    columns = {
        "tenant_id": [row.tenant_id for row in events],
        "event_id": [typeid.decode("evt", row.event.id) for row in events],
        "delivery_id": [row.delivery_id for row in events],
        "number": [row.event.number for row in events],
        "location_id": [_optional("loc", row.event.location_id) for row in events],
        "document": [row.event.SerializeToString() for row in events],
        "input_key": [row.input_key for row in events],
    }
    writes.add(_APPEND, columns)


async def history(connection: AsyncConnection, keys: Iterable[Key]) -> dict[Key, list[Event]]:
    """Reads every event of some deliveries that has a report behind it, in order of recording, CREATED first."""
    wanted = sorted(set(keys))
    found: dict[Key, list[Event]] = {key: [] for key in wanted}
    if not wanted:
        return found
    tenants, ids = zip(*wanted, strict=True)
    rows = await _HISTORY.fetch(connection, {"tenants": list(tenants), "ids": list(ids)})
    for tenant, identifier, document in rows:
        found[tenant, identifier].append(Event.FromString(document))
    return found


def write_ping(ping: Input) -> bytes:
    """A ping that left no event, as it is kept beside its delivery: in an event's clothes."""
    event = Event(
        report=ping.report,
        event_time=ping.time,
        record_time=ping.receive_time,
        webhook_id=ping.webhook_id,
        source_id=ping.source_id,
    )
    return event.SerializeToString()


def parse_ping(stored: bytes) -> Input:
    """The ping that is kept beside a delivery."""
    return inputs.replay(Event.FromString(stored))


def sample_positions(writes: Writes, stored: Iterable[Stored], now: datetime) -> None:
    """Adds the present positions to the trail, thinned to one per delivery and span."""
    span = datetime.fromtimestamp(now.timestamp() // TRAIL_SECONDS * TRAIL_SECONDS, UTC)
    points = [each for each in stored if each.delivery.position.latitude and each.delivery.position.HasField("time")]
    if not points:
        return
    columns = {
        "tenant_id": [each.tenant_id for each in points],
        "delivery_id": [each.delivery_id for each in points],
        "record_time": [span for _ in points],
        "position_time": [times.to_datetime(each.delivery.position.time) for each in points],
        "latitude": [each.delivery.position.latitude for each in points],
        "longitude": [each.delivery.position.longitude for each in points],
    }
    writes.add(_TRAIL, columns)
