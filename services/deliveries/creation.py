"""Makes a delivery that a caller asks for: what it stands on, who may, and the first that is told of it."""

from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.order_pb2 import Order, ServiceType
from crossdock.v1.report_pb2 import DeliveryReport
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids, times
from services.callers import Caller
from services.db.tables import deliveries, locations, orders
from services.db.violations import constraint_of
from services.deliveries import lifecycle, reports
from services.deliveries.rows import Stored
from services.errors import Problem, has_delivery, invalid, not_found
from services.hub import Hub
from services.webhooks.parking import Parking


async def create(hub: Hub, connection: AsyncConnection, caller: Caller, wanted: Delivery) -> Stored:
    """Stores a new delivery and applies what was parked for it.

    Raises NOT_FOUND for an order or location out of the caller's reach, SERVICE_TYPE_NOT_DELIVERY and
    DELIVERY_ALREADY_EXISTS as the contract says, DUPLICATE_ID when another delivery bears an exclusive reference.
    """
    identifier = typeid.new_uuid7()
    begun = Delivery()
    begun.CopyFrom(wanted)
    begun.id = typeid.encode("dlv", identifier)
    batch = reports.Batch(connection, hub, Parking(hub))
    key = (caller.tenant, identifier)
    await batch.hold(key, wanted.references)  # names before rows: see deliveries.names
    location = await _place(connection, caller, wanted)
    begun.location_id = typeid.encode("loc", location) if location else ""
    batch.require_free(wanted.references, key)
    batch.keep_pictures(caller.tenant, begun)

    now = times.to_timestamp(hub.now())
    delivery, created = lifecycle.start(begun, now=now, actor=caller.actor)
    stored = Stored(caller.tenant, identifier, delivery, new=True)
    try:
        await batch.begin(stored, created, _first_report(wanted, caller, hub))
    except IntegrityError as error:
        # A webhook put its delivery on the order since we looked.
        if constraint_of(error) != "deliveries_live_order_key":
            raise
        raise has_delivery(wanted.order_id, "") from None
    return stored


async def _place(connection: AsyncConnection, caller: Caller, wanted: Delivery) -> UUID | None:
    """The location from which it is sent: its order's, or the one that is named, or the caller's own."""
    if wanted.shipment_id:
        # Nobody else may take a shipment's one place while a dispatch books somebody for it.
        raise invalid("delivery.shipment_id", "is given by the hub: shipments are dispatched, not delivered by hand")
    named = ids.read("location", wanted.location_id) if wanted.location_id else None
    if wanted.order_id:
        at = await _require_order(connection, caller, wanted.order_id)
        if named is not None and named != at:
            raise invalid("delivery.location_id", "is not the location of the order")
        return at
    location = named or caller.location_id
    if location is None:
        return None
    caller.require_location(location, "location", wanted.location_id)
    query = sa.select(locations.c.location_id).where(
        locations.c.tenant_id == caller.tenant, locations.c.location_id == location
    )
    if await connection.scalar(query) is None:
        raise not_found("location", wanted.location_id)
    return location


async def _require_order(connection: AsyncConnection, caller: Caller, order_id: str) -> UUID:
    """Holds the order and returns its location; two deliveries cannot be put on it at once."""
    identifier = ids.read("order", order_id)
    query = (
        sa.select(orders.c.location_id, orders.c.document)
        .where(orders.c.tenant_id == caller.tenant, orders.c.order_id == identifier)
        .with_for_update(key_share=True)
    )
    row = (await connection.execute(query)).first()
    if row is None:
        raise not_found("order", order_id)
    caller.require_location(row.location_id, "order", order_id)
    service_type = Order.FromString(row.document).service_type
    if service_type != ServiceType.SERVICE_TYPE_DELIVERY:
        name = ServiceType.Name(service_type)
        raise Problem(
            "SERVICE_TYPE_NOT_DELIVERY",
            f"the order's service type is {name}, not a delivery",
            {"order_id": order_id, "service_type": name},
        )
    live = sa.select(deliveries.c.delivery_id).where(
        deliveries.c.tenant_id == caller.tenant, deliveries.c.order_id == identifier, deliveries.c.live
    )
    if (delivery := await connection.scalar(live)) is not None:
        raise has_delivery(order_id, typeid.encode("dlv", delivery))
    return row.location_id  # type: ignore[no-any-return]


def _first_report(wanted: Delivery, caller: Caller, hub: Hub) -> DeliveryReport | None:
    """What the caller tells of the status; None when it tells nothing beyond that the delivery exists."""
    told = wanted.status not in (
        DeliveryStatus.DELIVERY_STATUS_UNSPECIFIED,
        DeliveryStatus.DELIVERY_STATUS_CREATED,
    )
    if not told and not wanted.milestones:
        return None
    report = DeliveryReport(
        status=wanted.status if told else DeliveryStatus.DELIVERY_STATUS_UNSPECIFIED,
        substatus=wanted.substatus,
        event_time=times.to_timestamp(hub.now()),
        milestones=wanted.milestones,
        actor=caller.actor,
    )
    if wanted.HasField("status_reason"):
        report.reason.CopyFrom(wanted.status_reason)
    return report
