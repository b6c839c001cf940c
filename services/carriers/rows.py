"""Carriers as rows, their authorization sealed beside them; knows no rule about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.carrier_pb2 import Carrier
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids, times
from services.db.dispatch_tables import bookings, carrier_days, carrier_outcomes, location_carriers
from services.db.dispatch_tables import carriers as table
from services.db.statements import Statement
from services.db.tables import deliveries
from services.deliveries.statuses import CLOSED
from services.dispatching.steps import OCCUPIES, BookingState
from services.errors import not_found
from services.sealing import Sealer

_COLUMNS = (table.c.tenant_id, table.c.carrier_ref, table.c.create_time, table.c.document, table.c.sealed_authorization)


@dataclass
class Stored:
    """A carrier with what is kept beside it: ``carrier`` has no authorization, ``sealed`` is None without one."""

    tenant_id: UUID
    carrier: Carrier
    sealed: bytes | None = None


def seal(sealer: Sealer, tenant_id: UUID, ref: str, authorization: str) -> bytes | None:
    """An authorization as it is stored."""
    return sealer.seal(authorization.encode(), _context(tenant_id, ref)) if authorization else None


def open_authorization(sealer: Sealer, stored: Stored) -> str:
    """What our calls to a carrier carry; empty when it is nothing."""
    if stored.sealed is None:
        return ""
    return sealer.open(stored.sealed, _context(stored.tenant_id, stored.carrier.ref)).decode()


async def find(connection: AsyncConnection, tenant_id: UUID, ref: str, *, lock: bool = False) -> Stored:
    """The tenant's carrier with this ref, held until the transaction ends on request. Raises NOT_FOUND."""
    query = select(tenant_id).where(table.c.carrier_ref == ref)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise not_found("carrier", ref)
    return stored_of(row)


async def keep(connection: AsyncConnection, tenant_id: UUID, ref: str) -> None:
    """Lets nobody remove a carrier before the transaction ends; nothing happens when it is gone already."""
    await _KEEP.fetch(connection, {"tenant_id": tenant_id, "ref": ref})


_KEEP = Statement("SELECT 1 FROM carriers WHERE tenant_id = :tenant_id AND carrier_ref = :ref FOR KEY SHARE")


async def find_all(connection: AsyncConnection, tenant_id: UUID, refs: Sequence[str]) -> dict[str, Stored]:
    """Those of some carriers that there are, by ref."""
    query = select(tenant_id).where(table.c.carrier_ref.in_(refs))
    return {row.carrier_ref: stored_of(row) for row in await connection.execute(query)}


def select(tenant_id: UUID, location_id: UUID | None = None) -> sa.Select[Any]:
    """All carriers of the tenant, or those that serve one location, in no order."""
    query = sa.select(*_COLUMNS).where(table.c.tenant_id == tenant_id)
    if location_id is None:
        return query
    serving = sa.select(location_carriers.c.carrier_ref).where(
        location_carriers.c.tenant_id == tenant_id, location_carriers.c.location_id == location_id
    )
    return query.where(table.c.carrier_ref.in_(serving))


def stored_of(row: Any) -> Stored:
    """What a row of `select` holds."""
    return Stored(row.tenant_id, Carrier.FromString(row.document), row.sealed_authorization)


async def insert(connection: AsyncConnection, stored: Stored) -> None:
    """Stores a new carrier."""
    create_time = times.to_datetime(stored.carrier.create_time)
    key = {"tenant_id": stored.tenant_id, "carrier_ref": stored.carrier.ref}
    await connection.execute(sa.insert(table).values(**key, create_time=create_time, **_values(stored)))


async def update(connection: AsyncConnection, stored: Stored) -> None:
    """Stores a changed carrier."""
    await connection.execute(sa.update(table).where(*_key(table, stored)).values(**_values(stored)))


async def delete(connection: AsyncConnection, stored: Stored) -> None:
    """Removes a carrier that no location has any more, and what is remembered of it."""
    for each in (carrier_days, carrier_outcomes, table):
        await connection.execute(sa.delete(each).where(*_key(each, stored)))


async def live_booking(connection: AsyncConnection, stored: Stored) -> str | None:
    """The id of a delivery for which the carrier may be under way; None when there is none."""
    # What moves deliveries does not know of bookings: one that is live may belong to a delivery that is over.
    over = sa.and_(bookings.c.state == BookingState.LIVE, deliveries.c.status.in_(sorted(CLOSED)))
    query = (
        sa.select(bookings.c.delivery_id)
        .join(deliveries, sa.and_(*(bookings.c[name] == deliveries.c[name] for name in ("tenant_id", "delivery_id"))))
        .where(*_key(bookings, stored), bookings.c.state.in_(_MAY_BE_UNDER_WAY), sa.not_(over))
        .limit(1)
    )
    found = await connection.scalar(query)
    return ids.write("delivery", found) if found is not None else None


_MAY_BE_UNDER_WAY = [*OCCUPIES, BookingState.ORPHAN]


def _key(table: sa.Table, stored: Stored) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.tenant_id == stored.tenant_id, table.c.carrier_ref == stored.carrier.ref


def _values(stored: Stored) -> dict[str, object]:
    return {
        "document": stored.carrier.SerializeToString(),
        "sealed_authorization": stored.sealed,
        "version": int(stored.carrier.etag),
    }


def _context(tenant_id: UUID, ref: str) -> bytes:
    return b"carrier" + tenant_id.bytes + ref.encode()
