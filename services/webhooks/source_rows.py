"""Webhook sources as rows, their secrets sealed; knows no rule about them."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.webhook_pb2 import UnknownTargetPolicy, WebhookSource
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids, times
from services.db.tables import webhook_sources as table
from services.errors import not_found

REMEMBERED_SECONDS = 1.0
MAX_REMEMBERED = 10_000

_COLUMNS = (table.c.tenant_id, table.c.source_id, table.c.document, table.c.secrets)


@dataclass
class Stored:
    """A source with what is kept beside it. ``source`` lists its secrets without their values."""

    tenant_id: UUID
    source_id: UUID
    source: WebhookSource
    sealed: bytes

    @property
    def dialect(self) -> str:
        """The format that it sends."""
        return self.source.dialect

    @property
    def creates_unknown(self) -> bool:
        """Whether a message about an unknown delivery starts one."""
        return self.source.unknown_target_policy == UnknownTargetPolicy.UNKNOWN_TARGET_POLICY_CREATE

    @property
    def location_id(self) -> UUID | None:
        """The location that it sends about."""
        return ids.read("location", self.source.location_id) if self.source.location_id else None


async def find(connection: AsyncConnection, tenant_id: UUID, identifier: str, *, lock: bool = False) -> Stored:
    """The tenant's source with this id, held until the transaction ends on request. Raises NOT_FOUND."""
    query = sa.select(*_COLUMNS).where(
        table.c.tenant_id == tenant_id, table.c.source_id == ids.read("webhook source", identifier)
    )
    if lock:
        query = query.with_for_update()
    row = (await connection.execute(query)).first()
    if row is None:
        raise not_found("webhook source", identifier)
    return _stored(row)


async def find_anywhere(connection: AsyncConnection, identifiers: Collection[str]) -> dict[str, Stored]:
    """Sources of any tenants, for our own processes, by their ids. Raises NOT_FOUND when one is missing."""
    wanted = {ids.read("webhook source", identifier): identifier for identifier in identifiers}
    rows = await connection.execute(sa.select(*_COLUMNS).where(table.c.source_id.in_(wanted)))
    found = {wanted[row.source_id]: _stored(row) for row in rows}
    for identifier in identifiers:
        if identifier not in found:
            raise not_found("webhook source", identifier)
    return found


class RememberedSources:
    """Sources for the way in, which asks for them with every batch: as they were a second ago at most.

    The gateway remembers them for longer. `forget` one when this process changes it. Its finds are only to be read.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Stored]] = OrderedDict()

    async def find(self, connection: AsyncConnection, identifiers: Collection[str]) -> dict[str, Stored]:
        """As `find_anywhere`. What is not known is not remembered."""
        # Counted from before the statement: what it misses must not be believed any longer than that.
        now = self._clock()
        found = {name: known[1] for name in identifiers if (known := self._known.get(name)) and known[0] > now}
        missing = [name for name in identifiers if name not in found]
        if missing:
            found |= await find_anywhere(connection, missing)
        for name in missing:
            self._known[name] = (now + REMEMBERED_SECONDS, found[name])
            self._known.move_to_end(name)
        while len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return found

    def forget(self, identifier: str) -> None:
        """Let the next `find` read a source anew."""
        self._known.pop(identifier, None)


def select(tenant_id: UUID, dialect: str) -> sa.Select[Any]:
    """All sources of the tenant, of one dialect unless that is empty, in no order."""
    query = sa.select(table.c.source_id, table.c.document).where(table.c.tenant_id == tenant_id)
    return query.where(table.c.dialect == dialect) if dialect else query


async def insert(connection: AsyncConnection, stored: Stored) -> None:
    """Stores a new source."""
    await connection.execute(
        sa.insert(table).values(
            tenant_id=stored.tenant_id,
            source_id=stored.source_id,
            create_time=times.to_datetime(stored.source.create_time),
            **_columns(stored),
        )
    )


async def update(connection: AsyncConnection, stored: Stored) -> None:
    """Stores a changed source."""
    await connection.execute(
        sa.update(table)
        .where(table.c.tenant_id == stored.tenant_id, table.c.source_id == stored.source_id)
        .values(**_columns(stored))
    )


def _stored(row: Any) -> Stored:
    return Stored(row.tenant_id, row.source_id, WebhookSource.FromString(row.document), row.secrets)


def _columns(stored: Stored) -> dict[str, object]:
    return {
        "dialect": stored.source.dialect,
        "document": stored.source.SerializeToString(),
        "secrets": stored.sealed,
        "version": int(stored.source.etag),
    }
