"""Orders as rows: read within a caller's reach, completed with their delivery; knows no rule about them."""

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.order_pb2 import Order
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids, times
from services.callers import Caller
from services.db.tables import deliveries, order_references, orders
from services.deliveries.names import ORDER_SCOPE, Name
from services.errors import not_found


async def find(connection: AsyncConnection, caller: Caller, identifier: str, *, lock: bool = False) -> Order:
    """The order with this id, held until the transaction ends on request. Raises NOT_FOUND."""
    order_id = ids.read("order", identifier)
    query = sa.select(orders.c.document, orders.c.location_id).where(
        orders.c.tenant_id == caller.tenant, orders.c.order_id == order_id
    )
    if lock:
        query = query.with_for_update()
    row = (await connection.execute(query)).first()
    if row is None:
        raise not_found("order", identifier)
    caller.require_location(row.location_id, "order", identifier)
    order = Order.FromString(row.document)
    await complete(connection, caller.tenant, [order])
    return order


async def complete(connection: AsyncConnection, tenant_id: UUID, found: Iterable[Order]) -> None:
    """Fills in ``delivery_id``: the live delivery, or the last. It is not stored with the order."""
    by_id = {ids.read("order", order.id): order for order in found}
    d = deliveries
    query = (
        sa.select(d.c.order_id, d.c.delivery_id)
        .ext(distinct_on(d.c.order_id))
        .where(d.c.tenant_id == tenant_id, d.c.order_id.in_(by_id))
        .order_by(d.c.order_id, d.c.live.desc(), d.c.delivery_id.desc())
    )
    for order_id, delivery_id in await connection.execute(query):
        by_id[order_id].delivery_id = ids.write("delivery", delivery_id)


async def insert(connection: AsyncConnection, tenant_id: UUID, order: Order) -> None:
    """Stores a new order with its references."""
    order_id = ids.read("order", order.id)
    await connection.execute(
        sa.insert(orders).values(
            tenant_id=tenant_id,
            order_id=order_id,
            location_id=ids.read("location", order.location_id),
            create_time=times.to_datetime(order.create_time),
            **_columns(order),
        )
    )
    await _insert_references(connection, tenant_id, order_id, order)


async def update(connection: AsyncConnection, tenant_id: UUID, order: Order) -> None:
    """Stores a changed order with its references; its location never changes."""
    order_id = ids.read("order", order.id)
    await connection.execute(
        sa.update(orders)
        .where(orders.c.tenant_id == tenant_id, orders.c.order_id == order_id)
        .values(**_columns(order))
    )
    await connection.execute(
        sa.delete(order_references).where(
            order_references.c.tenant_id == tenant_id, order_references.c.order_id == order_id
        )
    )
    await _insert_references(connection, tenant_id, order_id, order)


def names_of(tenant_id: UUID, order: Order) -> list[Name]:
    """What messages may call the order."""
    named = [Name.of(tenant_id, reference) for reference in order.references]
    return named + ([Name(tenant_id, ORDER_SCOPE, order.private_ref)] if order.private_ref else [])


async def _insert_references(connection: AsyncConnection, tenant_id: UUID, order_id: UUID, order: Order) -> None:
    named = sorted({(reference.scope, reference.value) for reference in order.references})
    if named:
        await connection.execute(
            sa.insert(order_references),
            [{"tenant_id": tenant_id, "scope": scope, "value": value, "order_id": order_id} for scope, value in named],
        )


def _columns(order: Order) -> dict[str, object]:
    stored = Order()
    stored.CopyFrom(order)
    stored.ClearField("delivery_id")
    return {
        "private_ref": order.private_ref or None,
        "status": order.status,
        "version": int(order.etag),
        "document": stored.SerializeToString(),
    }
