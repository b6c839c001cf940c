"""Finds the locations and the order that a shipment names, within its caller's reach; decides nothing else."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.location_pb2 import Location
from crossdock.v1.order_pb2 import Order
from crossdock.v1.shipment_pb2 import Shipment
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids
from services.callers import Caller
from services.db.tables import locations, orders
from services.errors import Problem, invalid, not_found
from services.locations import rows


async def find_location(connection: AsyncConnection, caller: Caller, shipment: Shipment) -> Location:
    """The location from which it is sent: the one that is named, or the only one of a LOCATION token.

    Raises INVALID_REQUEST when none is named or two are, NOT_FOUND, LOCATION_UNKNOWN for an unknown external id.
    """
    if not shipment.location_id and not shipment.location_external_id and caller.location_id is not None:
        return await rows.find(connection, caller, ids.write("location", caller.location_id))
    if shipment.location_id:
        location = await rows.find(connection, caller, shipment.location_id)
        if shipment.location_external_id not in ("", location.external_id):
            raise invalid("shipment.location_external_id", "is not the location that location_id names")
        return location
    if not shipment.location_external_id:
        raise invalid("shipment.location_id", "is required, or location_external_id", "required")
    return await find_by_external_id(connection, caller, shipment.location_external_id, "shipment.location_external_id")


async def find_return_location(
    connection: AsyncConnection, caller: Caller, shipment: Shipment, before: Shipment | None = None
) -> Location | None:
    """The location to which undeliverable goods go, where it is named. Raises LOCATION_UNKNOWN.

    The one that a stored shipment has already, ``before``, is the choice of somebody who could see it.
    """
    external_id = shipment.return_location_external_id
    if not external_id:
        return None
    if before is not None and before.return_location_external_id == external_id:
        caller = Caller(caller.tenant, caller.level)
    return await find_by_external_id(connection, caller, external_id, "shipment.return_location_external_id")


async def find_by_external_id(connection: AsyncConnection, caller: Caller, external_id: str, field: str) -> Location:
    """The location within reach that bears an identifier of the tenant's own.

    Raises LOCATION_UNKNOWN with the path of ``field``, which does not tell what is out of reach from what is not there.
    """
    query = sa.select(locations.c.document).where(
        locations.c.tenant_id == caller.tenant, locations.c.external_id == external_id
    )
    if caller.location_id is not None:
        query = query.where(locations.c.location_id == caller.location_id)
    document = await connection.scalar(query)
    if document is None:
        raise unknown(field, external_id)
    return Location.FromString(document)


async def known_ids(connection: AsyncConnection, tenant_id: UUID, external_ids: Collection[str]) -> list[UUID]:
    """The locations that bear these identifiers of the tenant's own; unknown ones are left out."""
    query = sa.select(locations.c.location_id).where(
        locations.c.tenant_id == tenant_id, locations.c.external_id.in_(external_ids)
    )
    return list((await connection.scalars(query)).all())


async def require_order(connection: AsyncConnection, caller: Caller, shipment: Shipment) -> None:
    """Raises NOT_FOUND for an order out of reach, INVALID_REQUEST for one of another location."""
    if not shipment.order_id:
        return
    query = sa.select(orders.c.location_id, orders.c.document).where(
        orders.c.tenant_id == caller.tenant, orders.c.order_id == ids.read("order", shipment.order_id)
    )
    row = (await connection.execute(query)).first()
    if row is None:
        raise not_found("order", shipment.order_id)
    caller.require_location(row.location_id, "order", shipment.order_id)
    if Order.FromString(row.document).location_id != shipment.location_id:
        raise invalid("shipment.order_id", "is an order of another location")


def unknown(field: str, value: str) -> Problem:
    """A location that is named by an external id which no location bears."""
    return Problem("LOCATION_UNKNOWN", f"{field}: no location is called {value!r}", {"field": field, "value": value})
