"""What is written down beside a shipment, as rows: its events, its history, the decisions; knows no rule about them."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from crossdock.v1.event_pb2 import Event
from crossdock.v1.shipment_pb2 import DispatchDecision, ShipmentHistoryEntry
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services.db.statements import Statement

Key = tuple[UUID, UUID]
"""Tenant and shipment."""


class Step(NamedTuple):
    """An entry of a shipment's history with its number."""

    key: Key
    number: int
    entry: ShipmentHistoryEntry


_APPEND = Statement("""
INSERT INTO events (tenant_id, event_id, shipment_id, number, location_id, document)
SELECT * FROM unnest(
  CAST(:tenant_id AS uuid[]), CAST(:event_id AS uuid[]), CAST(:shipment_id AS uuid[]), CAST(:number AS bigint[]),
  CAST(:location_id AS uuid[]), CAST(:document AS bytea[]))
""")
_REMEMBER = Statement("""
INSERT INTO shipment_history (tenant_id, shipment_id, number, synthetic, document)
SELECT * FROM unnest(
  CAST(:tenant_id AS uuid[]), CAST(:shipment_id AS uuid[]), CAST(:number AS bigint[]),
  CAST(:synthetic AS boolean[]), CAST(:document AS bytea[]))
""")
_DECIDE = Statement("""
INSERT INTO dispatch_decisions (tenant_id, shipment_id, number, document)
SELECT * FROM unnest(
  CAST(:tenant_id AS uuid[]), CAST(:shipment_id AS uuid[]), CAST(:number AS integer[]), CAST(:document AS bytea[]))
ON CONFLICT (tenant_id, shipment_id, number) DO UPDATE SET document = excluded.document
""")
_DECISIONS = Statement(
    """
SELECT document FROM dispatch_decisions WHERE tenant_id = :tenant AND shipment_id = :shipment
ORDER BY number DESC LIMIT :limit
""",
    only_reads=True,
)


async def append(connection: AsyncConnection, events: Sequence[tuple[Key, Event]]) -> None:
    """Appends numbered events to the log; gives them their ids."""
    if not events:
        return
    for _, event in events:
        event.id = typeid.encode("evt", typeid.new_uuid7())
    columns = {
        "tenant_id": [tenant for (tenant, _), _ in events],
        "event_id": [typeid.decode("evt", event.id) for _, event in events],
        "shipment_id": [shipment for (_, shipment), _ in events],
        "number": [event.number for _, event in events],
        "location_id": [typeid.decode("loc", event.location_id) for _, event in events],
        "document": [event.SerializeToString() for _, event in events],
    }
    await _APPEND.fetch(connection, columns)


async def remember(connection: AsyncConnection, steps: Sequence[Step]) -> None:
    """Adds steps to the histories of shipments."""
    if not steps:
        return
    columns = {
        "tenant_id": [step.key[0] for step in steps],
        "shipment_id": [step.key[1] for step in steps],
        "number": [step.number for step in steps],
        "synthetic": [step.entry.synthetic for step in steps],
        "document": [step.entry.SerializeToString() for step in steps],
    }
    await _REMEMBER.fetch(connection, columns)


async def decide(connection: AsyncConnection, told: Sequence[tuple[Key, DispatchDecision]]) -> None:
    """Stores decisions under their numbers, in place of what stood there."""
    if not told:
        return
    columns = {
        "tenant_id": [tenant for (tenant, _), _ in told],
        "shipment_id": [shipment for (_, shipment), _ in told],
        "number": [decision.number for _, decision in told],
        "document": [decision.SerializeToString() for _, decision in told],
    }
    await _DECIDE.fetch(connection, columns)


async def decisions(connection: AsyncConnection, key: Key, limit: int = 1) -> list[DispatchDecision]:
    """The last decisions about a shipment, the youngest first."""
    rows = await _DECISIONS.fetch(connection, {"tenant": key[0], "shipment": key[1], "limit": limit})
    return [DispatchDecision.FromString(document) for (document,) in rows]
