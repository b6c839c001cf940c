"""Which carriers serve which locations: kept as rows beside the locations' documents, so that none is missing."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.location_pb2 import Location
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids, times
from services.db.dispatch_tables import carriers, location_carriers
from services.db.tables import locations
from services.errors import Problem, Violation
from services.etags import etag_of
from services.locations import rows


async def assign(connection: AsyncConnection, tenant_id: UUID, location: Location, before: Sequence[str]) -> None:
    """Makes the rows of a stored location what its document says; ``before`` is what that said until now.

    Raises INVALID_REQUEST for carriers that are added and do not exist. Those that there are cannot be removed before
    the transaction ends.
    """
    if list(before) == list(location.carrier_refs):
        return
    known = sa.select(carriers.c.carrier_ref).where(
        carriers.c.tenant_id == tenant_id, carriers.c.carrier_ref.in_(list(location.carrier_refs))
    )
    found = set(await connection.scalars(known.with_for_update(key_share=True, read=True)))
    _require_known(location, found | set(before))
    location_id = ids.read("location", location.id)
    mine = sa.and_(location_carriers.c.tenant_id == tenant_id, location_carriers.c.location_id == location_id)
    await connection.execute(sa.delete(location_carriers).where(mine, location_carriers.c.carrier_ref.not_in(found)))
    if found:
        wanted = [{"tenant_id": tenant_id, "location_id": location_id, "carrier_ref": ref} for ref in sorted(found)]
        await connection.execute(insert(location_carriers).values(wanted).on_conflict_do_nothing())


def _require_known(location: Location, known: set[str]) -> None:
    violations = tuple(
        Violation(f"location.carrier_refs[{position}]", f"no carrier has the ref {ref!r}", "carrier.known")
        for position, ref in enumerate(location.carrier_refs)
        if ref not in known
    )
    if violations:
        told = "; ".join(f"{each.field}: {each.description}" for each in violations)
        raise Problem("INVALID_REQUEST", told, violations=violations)


async def take_off(connection: AsyncConnection, tenant_id: UUID, ref: str, now: datetime) -> None:
    """Takes a carrier off every location."""
    mine = sa.and_(location_carriers.c.tenant_id == tenant_id, location_carriers.c.carrier_ref == ref)
    serving = sa.select(location_carriers.c.location_id).where(mine)
    query = (
        sa.select(locations.c.document)
        .where(locations.c.tenant_id == tenant_id, locations.c.location_id.in_(serving))
        .order_by(locations.c.location_id)
        .with_for_update()
    )
    for document in (await connection.scalars(query)).all():
        location = Location.FromString(document)
        left = [each for each in location.carrier_refs if each != ref]
        del location.carrier_refs[:]
        location.carrier_refs.extend(left)
        version = int(location.etag) + 1
        location.etag = etag_of(version)
        times.set_timestamp(location.update_time, now)
        await rows.update(connection, tenant_id, location, version)
    await connection.execute(sa.delete(location_carriers).where(mine))
