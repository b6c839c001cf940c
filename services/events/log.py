"""The event log as a sequence: cursors, and reading past them without ever skipping an event that commits late.

Ids are handed out before transactions commit, so "greater than the last id seen" skips what commits later with a
smaller id. The log is therefore ordered by (transaction number, event id) and read only below the oldest
transaction that is still running: everything down there is final. A transaction that stays open for long holds
the log back for as long, and loses nothing.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.event_pb2 import Event
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services.db.statements import Statement
from services.errors import Problem

_LAST_UUID = UUID(int=2**128 - 1)
_FIRST_UUID = UUID(int=0)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


class Cursor(NamedTuple):
    """A place in the log: just behind this transaction's event."""

    xid: int
    event_id: UUID

    def encode(self) -> str:
        """The cursor as callers see it, opaque."""
        raw = self.xid.to_bytes(8, "big") + self.event_id.bytes
        return base64.urlsafe_b64encode(raw).decode()

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Reads a caller's cursor. Raises INVALID_PAGE_TOKEN when it is not one of ours."""
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 24:
            raise Problem("INVALID_PAGE_TOKEN", "cursor is not one of this log's", {"field": "cursor"})
        return cls(int.from_bytes(raw[:8], "big"), UUID(bytes=raw[8:]))


BEGINNING = Cursor(0, _FIRST_UUID)


class Entry(NamedTuple):
    """An event in its place. ``document`` is the serialised `Event`."""

    cursor: Cursor
    tenant_id: UUID
    document: bytes

    def parse(self) -> Event:
        """The event as a message."""
        return Event.FromString(self.document)


_FINAL = "xid < pg_snapshot_xmin(pg_current_snapshot())"
_COLUMNS = "SELECT CAST(CAST(xid AS text) AS bigint) AS xid, event_id, tenant_id, document FROM events"
_PAST = "(xid, event_id) > (CAST(CAST(:xid AS text) AS xid8), CAST(:event_id AS uuid))"
_ORDER = "ORDER BY events.xid, event_id LIMIT :limit"
_READ_ALL = Statement(f"{_COLUMNS} WHERE {_PAST} AND {_FINAL} {_ORDER}", only_reads=True)
_READ_TENANT = Statement(f"{_COLUMNS} WHERE tenant_id = :tenant AND {_PAST} AND {_FINAL} {_ORDER}", only_reads=True)
_END = sa.text("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)")
_NEAR = timedelta(minutes=1)
"""Longer than a transaction may last between making an id and getting its number, in either order."""
# Materialised, or the planner walks the log to its end where it should look at a minute of it.
_FIRST = sa.text("""
WITH near AS MATERIALIZED (
  SELECT CAST(CAST(xid AS text) AS bigint) AS number, event_id FROM events
  WHERE tenant_id = :tenant AND event_id >= :first AND event_id < :later
)
SELECT number, event_id FROM near ORDER BY number, event_id LIMIT 1
""")
_BEFORE = sa.text("""
SELECT CAST(CAST(xid AS text) AS bigint), event_id FROM events
WHERE tenant_id = :tenant AND event_id < :first
ORDER BY events.xid DESC, event_id DESC LIMIT 1
""")


async def read(connection: AsyncConnection, after: Cursor, limit: int, tenant: UUID | None = None) -> list[Entry]:
    """Reads at most ``limit`` final events past a cursor, of one tenant or of all."""
    parameters: dict[str, Any] = {"xid": str(after.xid), "event_id": after.event_id, "limit": limit}
    if tenant is not None:
        parameters["tenant"] = tenant
    rows = await (_READ_ALL if tenant is None else _READ_TENANT).fetch(connection, parameters)
    return [Entry(Cursor(xid, event_id), owner, document) for xid, event_id, owner, document in rows]


async def end(connection: AsyncConnection) -> Cursor:
    """The cursor behind everything that is final now."""
    xmin = await connection.scalar(_END)
    assert xmin is not None
    return Cursor(xmin - 1, _LAST_UUID)


async def before(connection: AsyncConnection, tenant: UUID, moment: datetime) -> Cursor:
    """The cursor behind which are all events of a tenant that were recorded since a moment, and those to come.

    Ids and transaction numbers are handed out at different times: a few from just before it may be there too.
    """
    final = await end(connection)  # first: what commits from here on is behind it or seen below
    first = typeid.first_of(moment)
    near = {"tenant": tenant, "first": first, "later": typeid.first_of(min(moment, _LATEST) + _NEAR)}
    row = (await connection.execute(_FIRST, near)).first()
    if row is not None:
        return min(final, Cursor(row[0], UUID(int=row[1].int - 1)))
    row = (await connection.execute(_BEFORE, {"tenant": tenant, "first": first})).first()
    return BEGINNING if row is None else min(final, Cursor(*row))


def cursor_of(entries: Sequence[Entry], otherwise: Cursor) -> Cursor:
    """The cursor behind the last of some entries."""
    return entries[-1].cursor if entries else otherwise
