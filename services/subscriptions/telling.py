"""Puts together what a writer of messages needs to know of events: the delivery, order, shipment and place of each."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.event_pb2 import Disposition, Event, EventKind
from crossdock.v1.location_pb2 import Location
from crossdock.v1.order_pb2 import Order
from crossdock.v1.shipment_pb2 import Shipment
from crossdock.v1.subscription_pb2 import OutboundEvent, SendCause
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids, times
from services.db.dispatch_tables import shipments
from services.db.tables import deliveries, events, locations, orders
from services.subscriptions.journal import HUB
from services.subscriptions.sends import Send

_NOUNS: dict[str, tuple[str, sa.Table, Callable[[bytes], Any]]] = {
    "delivery_id": ("delivery", deliveries, Delivery.FromString),
    "order_id": ("order", orders, Order.FromString),
    "shipment_id": ("shipment", shipments, Shipment.FromString),
    "location_id": ("location", locations, Location.FromString),
}
"""The members of an event that name something: what it is, its table, whose key is called alike, and how it is read."""


async def tell(
    connection: AsyncConnection, tenant_id: UUID, sends: Sequence[Send], now: datetime
) -> list[OutboundEvent]:
    """The sends of a tenant with all that belongs to them; one whose event is no longer kept is left out."""
    named = [send.cursor.event_id for send in sends if send.cause != SendCause.SEND_CAUSE_TEST]
    documents = await _read(connection, events, "event_id", tenant_id, named)
    found = {identifier: Event.FromString(document) for identifier, document in documents.items()}
    found |= {
        send.cursor.event_id: made_up(send.cursor.event_id, now)
        for send in sends
        if send.cause == SendCause.SEND_CAUSE_TEST
    }
    told = [
        OutboundEvent(
            event=found[send.cursor.event_id],
            cursor=send.cursor.encode(),
            attempt_number=send.tries + 1,
            cause=send.cause,
            message_id=found[send.cursor.event_id].id,
        )
        for send in sends
        if send.cursor.event_id in found
    ]
    await join(connection, tenant_id, told)
    return told


async def join(connection: AsyncConnection, tenant_id: UUID, told: Iterable[OutboundEvent]) -> None:
    """Adds to events what they are about, as it is now."""
    listed = list(told)
    for member, (noun, table, parse) in _NOUNS.items():
        named = {identifier for each in listed if (identifier := getattr(each.event, member))}
        documents = await _read(connection, table, member, tenant_id, [ids.read(noun, each) for each in named])
        parsed = {ids.write(noun, identifier): parse(document) for identifier, document in documents.items()}
        for each in listed:
            if (thing := parsed.get(getattr(each.event, member))) is not None:
                getattr(each, noun).CopyFrom(thing)


def made_up(event_id: UUID, now: datetime) -> Event:
    """An event to try an endpoint with: a delivery that nobody has."""
    return Event(
        id=ids.write("event", event_id),
        number=1,
        kind=EventKind.EVENT_KIND_STATUS_CHANGED,
        kinds=[EventKind.EVENT_KIND_STATUS_CHANGED],
        disposition=Disposition.DISPOSITION_APPLIED,
        previous_status=DeliveryStatus.DELIVERY_STATUS_DISPATCHED,
        status=DeliveryStatus.DELIVERY_STATUS_DRIVER_ASSIGNED,
        carrier="Test carrier",
        event_time=times.to_timestamp(now),
        record_time=times.to_timestamp(now),
        actor=HUB,
        explanation="a test of this subscription; no such delivery exists",
    )


async def _read(
    connection: AsyncConnection, table: sa.Table, key: str, tenant_id: UUID, wanted: Sequence[UUID]
) -> dict[UUID, bytes]:
    if not wanted:
        return {}
    query = sa.select(table.c[key], table.c.document).where(
        table.c.tenant_id == tenant_id, table.c[key] == sa.any_(sa.literal(list(wanted), sa.ARRAY(sa.Uuid)))
    )
    return {row[0]: row[1] for row in await connection.execute(query)}
