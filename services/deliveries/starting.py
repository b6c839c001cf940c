"""Starts deliveries that the hub only tracks: an order's first, or the next after one that failed; stores nothing."""

from uuid import UUID

from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.event_pb2 import Event
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids
from services.deliveries import lifecycle, statuses
from services.deliveries.matching import Incoming, live_of_orders
from services.deliveries.places import BESIDE
from services.deliveries.rows import Stored


def start(incoming: Incoming, order: tuple[UUID, UUID] | None, now: Timestamp) -> tuple[Stored, Event]:
    """A delivery from the first that is heard of it, on an order, given with its location, if there is one for it."""
    wanted = Delivery()
    if order is not None:
        wanted.order_id, wanted.location_id = typeid.encode("ord", order[0]), typeid.encode("loc", order[1])
    elif incoming.location_id is not None:
        wanted.location_id = typeid.encode("loc", incoming.location_id)
    return _start(incoming, wanted, 1, now)


async def start_next(
    connection: AsyncConnection, incoming: Incoming, last: Stored, now: Timestamp
) -> tuple[Stored, Event]:
    """The delivery after one that failed, which gives up its order's place, and must be stored before the new one."""
    wanted = Delivery(order_id=last.delivery.order_id, location_id=last.delivery.location_id)
    stored, created = _start(incoming, wanted, last.delivery.attempt + 1, now)
    if wanted.order_id:
        order = (last.tenant_id, ids.read("order", wanted.order_id))
        taken = (await live_of_orders(connection, [order])).get(order)
        # Somebody may have booked another meanwhile: then this one stays beside.
        stored.live = taken in (None, last.key)
    last.live = False
    known = {each.reason for each in last.delivery.attention}
    if statuses.is_picked_up(last.delivery.status) and BESIDE not in known:
        last.delivery.attention.add(reason=BESIDE, message=stored.delivery.id, time=now)
    return stored, created


def _start(incoming: Incoming, wanted: Delivery, attempt: int, now: Timestamp) -> tuple[Stored, Event]:
    identifier = typeid.new_uuid7()
    wanted.id = typeid.encode("dlv", identifier)
    delivery, created = lifecycle.start(
        wanted, now=now, actor=incoming.report.actor, source_id=incoming.source_id, attempt=attempt
    )
    return Stored(incoming.tenant_id, identifier, delivery, new=True), created
