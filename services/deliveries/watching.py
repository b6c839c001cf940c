"""Streams one delivery: its state, what happened since a number, and then what happens."""

from collections.abc import AsyncIterator

import sqlalchemy as sa
from crossdock.v1.delivery_service_pb2 import WatchDeliveryRequest, WatchDeliveryResponse
from crossdock.v1.event_pb2 import Event

from services.db.tables import events
from services.deliveries import statuses
from services.deliveries.rows import Stored
from services.hub import Hub

MAX_MISSED = 1_000
"""How many earlier events a stream repeats at most; who missed more lists them first."""


async def watch(hub: Hub, stored: Stored, request: WatchDeliveryRequest) -> AsyncIterator[WatchDeliveryResponse]:
    """Yields the present state, then each event past the wanted number with the state after it, and heartbeats.

    Ends when the delivery is closed, unless the request keeps it open.
    """
    told = hub.tailer.follow(stored.tenant_id, None)
    await anext(told)  # joined: from here on nothing is missed
    current = await hub.deliveries.submit(stored.key) or stored
    number = current.delivery.last_event_number
    yield WatchDeliveryResponse(delivery=current.delivery)
    if request.after_event_number:
        for event in await _missed(hub, stored, request.after_event_number, number):
            yield WatchDeliveryResponse(delivery=current.delivery, event=event)
    if statuses.is_closed(current.delivery.status) and not request.keep_open:
        return
    async for each in told:
        if each.event is None:
            yield WatchDeliveryResponse(heartbeat=True)
        elif each.event.delivery_id == stored.delivery.id and each.event.number > number:
            number = each.event.number
            current = await hub.deliveries.submit(stored.key) or stored
            yield WatchDeliveryResponse(delivery=current.delivery, event=each.event)
            over = statuses.is_closed(current.delivery.status) and number >= current.delivery.last_event_number
            if over and not request.keep_open:
                return


async def _missed(hub: Hub, stored: Stored, after: int, until: int) -> list[Event]:
    query = (
        sa.select(events.c.document)
        .where(
            events.c.tenant_id == stored.tenant_id,
            events.c.delivery_id == stored.delivery_id,
            events.c.number > after,
            events.c.number <= until,
        )
        .order_by(events.c.number)
        .limit(MAX_MISSED)
    )
    async with hub.engine.connect() as connection:
        return [Event.FromString(document) for document in await connection.scalars(query)]
