"""Subscriptions as rows, their secrets sealed; knows no rule about them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.subscription_pb2 import Subscription
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids, times
from services.db.outbound_tables import subscriptions as table
from services.db.statements import Statement
from services.errors import not_found
from services.events.log import Cursor

Key = tuple[UUID, UUID]
"""Tenant and subscription."""


@dataclass
class Stored:
    """A subscription with what is kept beside it. ``subscription`` has neither secret values nor secret headers."""

    tenant_id: UUID
    subscription_id: UUID
    subscription: Subscription
    sealed: bytes
    cursor: Cursor
    changes: int = 1
    events: int = 0
    lease_id: UUID | None = None
    lease_until: datetime | None = None
    lease_changes: int | None = None
    slow_until: datetime | None = None

    @property
    def key(self) -> Key:
        """What names the row."""
        return self.tenant_id, self.subscription_id


_COLUMNS = (
    table.c.tenant_id,
    table.c.subscription_id,
    table.c.document,
    table.c.sealed,
    table.c.changes,
    table.c.events,
    sa.cast(sa.cast(table.c.cursor_xid, sa.Text), sa.BigInteger).label("cursor_xid"),
    table.c.cursor_event_id,
    table.c.lease_id,
    table.c.lease_until,
    table.c.lease_changes,
    table.c.slow_until,
)


async def find(connection: AsyncConnection, tenant_id: UUID, identifier: str, *, hold: bool = False) -> Stored:
    """The tenant's subscription with this id, held until the transaction ends on request. Raises NOT_FOUND."""
    key = (tenant_id, ids.read("subscription", identifier))
    found = await read(connection, [key], hold=hold)
    if not found:
        raise not_found("subscription", identifier)
    return found[0]


async def read(connection: AsyncConnection, keys: Collection[Key], *, hold: bool = False) -> list[Stored]:
    """The subscriptions that there are of these, in the order of their keys."""
    query = sa.select(*_COLUMNS).where(sa.tuple_(table.c.tenant_id, table.c.subscription_id).in_(keys))
    query = query.order_by(table.c.tenant_id, table.c.subscription_id)
    if hold:
        query = query.with_for_update()
    return [stored(row) for row in await connection.execute(query)]


def select_all() -> sa.Select[Any]:
    """All subscriptions of all tenants, in no order."""
    return sa.select(*_COLUMNS)


def select(tenant_id: UUID) -> sa.Select[Any]:
    """All subscriptions of the tenant, in no order."""
    return select_all().where(table.c.tenant_id == tenant_id)


def stored(row: Any) -> Stored:
    """A row of `select`."""
    return Stored(
        row.tenant_id,
        row.subscription_id,
        Subscription.FromString(row.document),
        row.sealed,
        Cursor(row.cursor_xid, row.cursor_event_id),
        row.changes,
        row.events,
        row.lease_id,
        row.lease_until,
        row.lease_changes,
        row.slow_until,
    )


async def insert(connection: AsyncConnection, new: Stored) -> None:
    """Stores a new subscription."""
    await connection.execute(
        sa.insert(table).values(
            tenant_id=new.tenant_id,
            subscription_id=new.subscription_id,
            create_time=times.to_datetime(new.subscription.create_time),
            cursor_xid=_xid(new.cursor),
            cursor_event_id=new.cursor.event_id,
            **_columns(new),
        )
    )


async def update(connection: AsyncConnection, changed: Stored) -> None:
    """Stores a changed subscription, all but its cursor and lease, and counts the change."""
    changed.changes += 1
    await connection.execute(sa.update(table).where(_is(changed.key)).values(**_columns(changed)))


async def delete(connection: AsyncConnection, key: Key) -> None:
    """Removes a subscription with what it still waited to send."""
    await connection.execute(sa.delete(table).where(_is(key)))


_MOVE = Statement("""
UPDATE subscriptions s SET cursor_xid = n.xid, cursor_event_id = n.event_id
FROM unnest(
  CAST(:tenants AS uuid[]), CAST(:ids AS uuid[]), CAST(CAST(:xids AS text[]) AS xid8[]), CAST(:events AS uuid[])
) AS n (tenant_id, subscription_id, xid, event_id)
WHERE s.tenant_id = n.tenant_id AND s.subscription_id = n.subscription_id
  AND (s.cursor_xid, s.cursor_event_id) < (n.xid, n.event_id)
""")


async def move(connection: AsyncConnection, cursors: Sequence[tuple[Key, Cursor]]) -> None:
    """Moves cursors forward; one that is further already stays."""
    if not cursors:
        return
    await _MOVE.fetch(
        connection,
        {
            "tenants": [tenant for (tenant, _), _ in cursors],
            "ids": [identifier for (_, identifier), _ in cursors],
            "xids": [str(cursor.xid) for _, cursor in cursors],
            "events": [cursor.event_id for _, cursor in cursors],
        },
    )


def _is(key: Key) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.tenant_id == key[0], table.c.subscription_id == key[1])


def _xid(cursor: Cursor) -> sa.ColumnElement[Any]:
    return sa.cast(sa.cast(str(cursor.xid), sa.Text), table.c.cursor_xid.type)


def _columns(kept: Stored) -> dict[str, Any]:
    subscription = kept.subscription
    return {
        "dialect": subscription.dialect,
        "shipment_id": ids.read("shipment", subscription.shipment_id) if subscription.shipment_id else None,
        "state": subscription.state,
        "passive": subscription.passive,
        "document": subscription.SerializeToString(),
        "sealed": kept.sealed,
        "version": int(subscription.etag),
        "changes": kept.changes,
        "lease_changes": kept.lease_changes,
        "events": kept.events,
    }
