"""Shipments as rows: set-based reads and writes, with all that is written down beside them; knows no rule about them.

Who changes shipments first takes a transaction-long advisory lock on each, before it writes anything and after the
locks on names and deliveries: see `deliveries.rows` for why. A batch of reports locks the shipments of the deliveries
that it holds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.actor_pb2 import Actor
from crossdock.v1.shipment_pb2 import DispatchDecision, Shipment, ShipmentHistoryEntry
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids, times
from services.callers import Caller
from services.db.dispatch_tables import shipments
from services.db.statements import Statement
from services.errors import not_found
from services.etags import etag_of
from services.shipments import journal, records
from services.shipments.journal import Key, Step
from services.shipments.windows import asked


@dataclass
class Stored:
    """A shipment, without its decision, and what is kept beside it. ``new`` until its row is inserted."""

    tenant_id: UUID
    shipment_id: UUID
    shipment: Shipment
    due_time: datetime | None = None
    """From when on a worker goes on with it; None when nothing is to be done without somebody's word."""
    version: int = 0
    """The number of its last event."""
    steps: int = 0
    """The number of its last history entry."""
    before: Shipment = field(default_factory=Shipment)
    """As it was read or last written."""
    new: bool = False

    @property
    def key(self) -> Key:
        """What names the row."""
        return self.tenant_id, self.shipment_id


@dataclass(frozen=True)
class Change:
    """A shipment about to be stored. It gets one event when it differs from what is stored, and none otherwise."""

    stored: Stored
    explanation: str
    """What happened, in a sentence for people."""
    actor: Actor | None = None
    """Who did it; None for the hub."""
    history: Sequence[ShipmentHistoryEntry] = ()
    """The steps that it went through, the oldest first."""
    decision: DispatchDecision | None = None
    """Stored under its number, in place of what stood there."""


_LOCK = Statement("SELECT pg_advisory_xact_lock(n) FROM unnest(CAST(:numbers AS bigint[])) AS n")
_READ = Statement(
    """
SELECT s.tenant_id, s.shipment_id, s.document, s.due_time, s.version, s.steps
FROM shipments s
JOIN unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[])) AS wanted (tenant_id, shipment_id)
  USING (tenant_id, shipment_id)
""",
    only_reads=True,
)
_TYPES = {
    "tenant_id": "uuid",
    "shipment_id": "uuid",
    "external_id": "text",
    "location_id": "uuid",
    "order_id": "uuid",
    "group_id": "text",
    "carrier_ref": "text",
    "status": "smallint",
    "phase": "smallint",
    "needs_attention": "boolean",
    "pickup_time": "timestamptz",
    "dropoff_time": "timestamptz",
    "document": "bytea",
    "version": "bigint",
    "steps": "bigint",
    "create_time": "timestamptz",
    "update_time": "timestamptz",
    "due_time": "timestamptz",
}
_FIXED = frozenset({"tenant_id", "shipment_id", "create_time"})
_NAMES = ", ".join(_TYPES)
_ARRAYS = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _TYPES.items())
_INSERT = Statement(f"INSERT INTO shipments ({_NAMES}) SELECT * FROM unnest({_ARRAYS})")  # noqa: S608  the names above
_UPDATE = Statement(f"""
UPDATE shipments s SET {", ".join(f"{name} = n.{name}" for name in _TYPES if name not in _FIXED)}
FROM unnest({_ARRAYS}) AS n ({_NAMES})
WHERE s.tenant_id = n.tenant_id AND s.shipment_id = n.shipment_id
""")  # noqa: S608  the names above


async def lock(connection: AsyncConnection, keys: Iterable[Key]) -> dict[Key, Stored]:
    """Holds shipments until the transaction ends, and reads them; unknown keys are left out."""
    wanted = set(keys)
    if numbers := sorted({_lock_number(key) for key in wanted}):
        await _LOCK.fetch(connection, {"numbers": numbers})
    return await read(connection, wanted)


def _lock_number(key: Key) -> int:
    """The random half of the id: two shipments that share it only wait for each other."""
    return int.from_bytes(key[1].bytes[8:], "big", signed=True)


async def read(connection: AsyncConnection, keys: Iterable[Key]) -> dict[Key, Stored]:
    """Reads shipments without holding them; unknown keys are left out."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    tenants, identifiers = zip(*wanted, strict=True)
    found = {}
    for tenant, identifier, document, due_time, version, steps in await _READ.fetch(
        connection, {"tenants": list(tenants), "ids": list(identifiers)}
    ):
        shipment, before = Shipment.FromString(document), Shipment.FromString(document)
        found[tenant, identifier] = Stored(tenant, identifier, shipment, due_time, version, steps, before)
    return found


async def find(connection: AsyncConnection, caller: Caller, identifier: str, *, hold: bool = False) -> Stored:
    """The shipment with this id within the caller's reach, held on request. Raises NOT_FOUND."""
    key = (caller.tenant, ids.read("shipment", identifier))
    stored = (await (lock if hold else read)(connection, [key])).get(key)
    if stored is None:
        raise not_found("shipment", identifier)
    caller.require_location(ids.read("location", stored.shipment.location_id), "shipment", identifier)
    return stored


async def find_by_external_id(connection: AsyncConnection, caller: Caller, external_id: str) -> Stored:
    """The shipment that bears an identifier of the sender's own now. Raises NOT_FOUND."""
    query = sa.select(shipments.c.shipment_id).where(
        shipments.c.tenant_id == caller.tenant, shipments.c.external_id == external_id
    )
    identifier = await connection.scalar(query)
    if identifier is None:
        raise not_found("shipment", external_id)
    stored = (await read(connection, [(caller.tenant, identifier)]))[caller.tenant, identifier]
    caller.require_location(ids.read("location", stored.shipment.location_id), "shipment", external_id)
    return stored


async def write(connection: AsyncConnection, changes: Sequence[Change], now: Timestamp) -> None:
    """Stores held or new shipments with what happened to them: one statement for each kind of row.

    Gives each that changed its event, its ``update_time`` and its ``etag``. Wake the log's readers after the commit
    (`Hub.events_appended`). Breaks ``shipments_tenant_id_external_id_key`` when an external id is taken.
    """
    events = []
    steps = []
    for change in changes:
        stored = change.stored
        stored.shipment.ClearField("decision")
        event = records.record(
            stored.before, stored.shipment, now=now, actor=change.actor, explanation=change.explanation
        )
        if event is not None:
            stored.version += 1
            event.number = stored.version
            stored.shipment.update_time.CopyFrom(now)
            stored.shipment.etag = etag_of(stored.version)
            stored.before.CopyFrom(stored.shipment)
            events.append((stored.key, event))
        for entry in change.history:
            stored.steps += 1
            steps.append(Step(stored.key, stored.steps, entry))
    touched = {change.stored.key: change.stored for change in changes}.values()
    if new := [stored for stored in touched if stored.new]:
        await _INSERT.fetch(connection, _columns(new))
    if old := [stored for stored in touched if not stored.new]:
        await _UPDATE.fetch(connection, _columns(old))
    await journal.append(connection, events)
    await journal.remember(connection, steps)
    await journal.decide(connection, [(each.stored.key, each.decision) for each in changes if each.decision])
    for stored in touched:
        stored.new = False


def _columns(stored: Sequence[Stored]) -> dict[str, list[object]]:
    told = [each.shipment for each in stored]
    return {
        "tenant_id": [each.tenant_id for each in stored],
        "shipment_id": [each.shipment_id for each in stored],
        "external_id": [each.external_id or None for each in told],
        "location_id": [typeid.decode("loc", each.location_id) for each in told],
        "order_id": [typeid.decode("ord", each.order_id) if each.order_id else None for each in told],
        "group_id": [each.group_id or None for each in told],
        "carrier_ref": [each.carrier.ref for each in told],
        "status": [each.status for each in told],
        "phase": [each.phase for each in told],
        "needs_attention": [bool(each.attention) for each in told],
        "pickup_time": [asked(each.consignment.pickup, "start_time") for each in told],
        "dropoff_time": [asked(each.consignment.dropoff, "end_time") for each in told],
        "document": [each.SerializeToString() for each in told],
        "version": [each.version for each in stored],
        "steps": [each.steps for each in stored],
        "create_time": [times.to_datetime(each.create_time) for each in told],
        "update_time": [times.to_datetime(each.update_time) for each in told],
        "due_time": [each.due_time for each in stored],
    }
