"""Locations as rows: reads them within a caller's reach; knows no rule about them."""

from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.location_pb2 import Location
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids, times
from services.callers import Caller
from services.db.tables import locations
from services.errors import not_found


async def find(connection: AsyncConnection, caller: Caller, identifier: str, *, lock: bool = False) -> Location:
    """The location with this id, held until the transaction ends on request. Raises NOT_FOUND."""
    location_id = ids.read("location", identifier)
    caller.require_location(location_id, "location", identifier)
    query = sa.select(locations.c.document).where(
        locations.c.tenant_id == caller.tenant, locations.c.location_id == location_id
    )
    if lock:
        query = query.with_for_update()
    document = (await connection.execute(query)).scalar_one_or_none()
    if document is None:
        raise not_found("location", identifier)
    return Location.FromString(document)


async def require(connection: AsyncConnection, caller: Caller, identifier: str) -> UUID:
    """The UUID of a location that exists and is within the caller's reach. Raises NOT_FOUND."""
    location_id = ids.read("location", identifier)
    caller.require_location(location_id, "location", identifier)
    query = sa.select(locations.c.location_id).where(
        locations.c.tenant_id == caller.tenant, locations.c.location_id == location_id
    )
    if (await connection.execute(query)).first() is None:
        raise not_found("location", identifier)
    return location_id


async def insert(connection: AsyncConnection, tenant_id: UUID, location: Location, version: int) -> None:
    """Stores a new location."""
    await connection.execute(
        sa.insert(locations).values(
            tenant_id=tenant_id,
            location_id=ids.read("location", location.id),
            create_time=times.to_datetime(location.create_time),
            **_columns(location, version),
        )
    )


async def update(connection: AsyncConnection, tenant_id: UUID, location: Location, version: int) -> None:
    """Stores a changed location."""
    await connection.execute(
        sa.update(locations)
        .where(
            locations.c.tenant_id == tenant_id,
            locations.c.location_id == ids.read("location", location.id),
        )
        .values(**_columns(location, version))
    )


def _columns(location: Location, version: int) -> dict[str, object]:
    return {
        "external_id": location.external_id or None,
        "version": version,
        "document": location.SerializeToString(),
    }
