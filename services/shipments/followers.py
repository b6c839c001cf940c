"""Lets the shipments of a batch's deliveries follow them, in its transaction, set-based; the rules are `following`'s.

Costs nothing where no delivery has a shipment, and nothing for pings.
"""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from crossdock.v1.delivery_pb2 import DELIVERY_KIND_RETURN
from crossdock.v1.event_pb2 import EVENT_KIND_CREATED, Event
from crossdock.v1.shipment_pb2 import SHIPMENT_PHASE_CLOSED, SHIPMENT_PHASE_RECEIVED
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids, times
from services.carriers import outcomes
from services.db.statements import Statement
from services.deliveries.rows import EventRow, may_be_live
from services.deliveries.rows import Stored as StoredDelivery
from services.shipments import following, history, journal, rows
from services.shipments.journal import Key
from services.shipments.rows import Change, Stored

Held = dict[Key, Stored]
"""The shipments that a transaction holds, one object each, whoever changes them."""


async def hold(connection: AsyncConnection, deliveries: Iterable[StoredDelivery], held: Held) -> None:
    """Locks the shipments of held deliveries that are not held yet; before the first write, after all other locks."""
    await hold_keys(connection, {shipment_of(each) for each in deliveries if each.delivery.shipment_id}, held)


async def hold_keys(connection: AsyncConnection, wanted: set[Key], held: Held) -> None:
    """Likewise by their keys."""
    if wanted := wanted - held.keys():
        held |= await rows.lock(connection, wanted)


_LIVE = Statement(
    """
SELECT d.tenant_id, d.shipment_id, d.delivery_id FROM deliveries d
JOIN unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[])) AS wanted (tenant_id, shipment_id)
  USING (tenant_id, shipment_id)
WHERE d.live
""",
    only_reads=True,
)


async def live_of_shipments(connection: AsyncConnection, keys: Collection[Key]) -> dict[Key, tuple[UUID, UUID]]:
    """The keys of the deliveries that take the places of some shipments."""
    if not keys:
        return {}
    tenants, shipments = zip(*keys, strict=True)
    found = await _LIVE.fetch(connection, {"tenants": list(tenants), "ids": list(shipments)})
    return {(tenant, shipment): (tenant, delivery) for tenant, shipment, delivery in found}


def shipment_of(stored: StoredDelivery) -> Key:
    """The key of the shipment that a delivery carries out."""
    return stored.tenant_id, ids.read("shipment", stored.delivery.shipment_id)


async def follow(
    connection: AsyncConnection,
    held: Held,
    touched: Sequence[StoredDelivery],
    events: Sequence[EventRow],
    now: Timestamp,
) -> None:
    """Stores what becomes of held shipments by what just happened to their deliveries."""
    followed = [each for each in touched if each.delivery.shipment_id and shipment_of(each) in held]
    if not followed:
        return
    happened: dict[object, list[Event]] = {}
    for row in events:
        happened.setdefault((row.tenant_id, row.delivery_id), []).append(row.event)
    await outcomes.remember(connection, [each for each in followed if each.key in happened])
    changes = []
    for each in followed:
        change = await _change(connection, held[shipment_of(each)], each, happened.get(each.key, ()), now)
        changes += [change] if change is not None else []
    if changes:
        await rows.write(connection, changes, now)


async def _change(
    connection: AsyncConnection, stored: Stored, delivery: StoredDelivery, events: Sequence[Event], now: Timestamp
) -> Change | None:
    if not events:
        return None  # a ping
    shipment = stored.shipment
    phase = shipment.phase
    begun = any(event.kind == EVENT_KIND_CREATED for event in events)
    live = begun or (delivery.live and may_be_live(delivery.delivery))
    explanation = following.follow(shipment, delivery.delivery, live=live, now=now)
    if not explanation:
        return None
    steps = list(history.steps_of(shipment, delivery.delivery, events))
    decision = None
    if shipment.phase == SHIPMENT_PHASE_CLOSED:
        stored.due_time = None
    elif shipment.phase == SHIPMENT_PHASE_RECEIVED and phase != SHIPMENT_PHASE_RECEIVED:
        stored.due_time = times.to_datetime(now)
        steps.append(history.step(shipment, now, note=explanation))
        for last in await journal.decisions(connection, stored.key):
            decision = last if following.end_candidate(last, delivery.delivery.id) else None
    elif following.is_return_moot(shipment) and delivery.delivery.kind != DELIVERY_KIND_RETURN:
        stored.due_time = times.to_datetime(now)  # the dispatch calls the return off
    told = [event.actor for event in events if event.HasField("actor")]
    return Change(stored, explanation, told[-1] if told else None, steps, decision)
