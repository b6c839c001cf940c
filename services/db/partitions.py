"""Partitions by week of the tables that grow with time: makes the next ones, drops those past their retention.

Weeks, because a look-up that names no time visits every partition: fifty a year are cheap to visit, and a week is
fine enough for a retention. Behind them each table has a default partition, so that an insert never fails because
this came late. Rows found there move into their partition as it is made; what stays there is counted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.db.schema import PARTITIONED, metadata

log = structlog.get_logger()

SPAN = timedelta(days=7)
AHEAD = timedelta(days=14)
LOCK = 0x63726F7373646F02
"""The advisory lock under which partitions are made and dropped."""
_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
_COUNTED_ROWS = 1000
_UUID_TIME_SHIFT = 80
"""How far the 48 bits of milliseconds stand above the rest of a UUIDv7."""

_STRAYS = Gauge(
    "crossdock_default_partition_rows",
    "Rows outside of every partition by time, counted up to 1000: maintenance is late, or a clock is wrong",
    ["table"],
)


@dataclass(frozen=True)
class Partition:
    """The rows of a table from one Monday, 00:00 UTC, to the next."""

    table: str
    start: datetime

    @property
    def name(self) -> str:
        """As PostgreSQL knows it."""
        return f"{self.table}_p{self.start:%Y%m%d}"

    @property
    def bounds(self) -> tuple[str, str]:
        """The lowest key within and the lowest beyond, as SQL literals of the partition column's type."""
        low, high = self.start, self.start + SPAN
        if isinstance(metadata.tables[self.table].c[PARTITIONED[self.table]].type, sa.Uuid):
            return f"'{_lowest_uuid(low)}'", f"'{_lowest_uuid(high)}'"
        return f"'{low.isoformat()}'", f"'{high.isoformat()}'"


def week_of(moment: datetime) -> datetime:
    """The start of the week in which a moment lies."""
    return _MONDAY + (moment - _MONDAY) // SPAN * SPAN


async def make_ahead(engine: AsyncEngine, now: datetime | None = None) -> list[str]:
    """Makes this week's partitions and those of the two weeks ahead; returns the names of the new ones."""
    made = []
    for table in PARTITIONED:
        wanted = set(_weeks(now or datetime.now(UTC)))
        async with engine.connect() as connection:
            missing = wanted - await _existing(connection, table)
        for start in sorted(missing):
            # Each in its own transaction: it locks little, and not for long.
            async with engine.begin() as connection:
                await _begin_change(connection)
                if start not in await _existing(connection, table):  # nobody was faster
                    await _make(connection, Partition(table, start))
                    made.append(Partition(table, start).name)
    if made:
        log.info("partitions made", partitions=made)
    return made


async def drop_old(
    engine: AsyncEngine, retention_days: Mapping[str, int | None], now: datetime | None = None
) -> list[str]:
    """Drops the partitions all of whose rows are older than the table's retention; None keeps everything."""
    dropped = []
    for table, days in retention_days.items():
        if days is None:
            continue
        limit = (now or datetime.now(UTC)) - timedelta(days=days)
        async with engine.begin() as connection:
            await _begin_change(connection)
            for start in sorted(await _existing(connection, table)):
                if start + SPAN <= limit:
                    name = Partition(table, start).name
                    await connection.exec_driver_sql(f'DROP TABLE "{name}"')
                    dropped.append(name)
    if dropped:
        log.info("partitions dropped", partitions=dropped)
    return dropped


async def count_strays(engine: AsyncEngine) -> dict[str, int]:
    """How many rows each default partition holds, at most 1000, for the metric that should be zero."""
    found = {}
    async with engine.connect() as connection:
        for table in PARTITIONED:
            query = sa.text(f"SELECT count(*) FROM (SELECT FROM {_rest(table)} LIMIT {_COUNTED_ROWS}) AS stray")  # noqa: S608  names of ours
            found[table] = int(await connection.scalar(query) or 0)
            _STRAYS.labels(table).set(found[table])
    return found


async def _begin_change(connection: AsyncConnection) -> None:
    # Who waits for a table's lock makes everybody after him wait too: rather give up and come back.
    await connection.execute(sa.text("SET LOCAL lock_timeout = '3s'"))
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


async def _existing(connection: AsyncConnection, table: str) -> set[datetime]:
    query = sa.text(
        "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
        " WHERE inhparent = CAST(:table AS regclass)"
    )
    names = (row[0] for row in await connection.execute(query, {"table": table}))
    return {
        datetime.strptime(name.removeprefix(f"{table}_p"), "%Y%m%d").replace(tzinfo=UTC)
        for name in names
        if name != _rest(table)
    }


async def _make(connection: AsyncConnection, partition: Partition) -> None:
    """Attaching, unlike CREATE … PARTITION OF, lets reads and writes of the parent go on.

    Only the default partition is locked, which hardly anybody uses: its rows of this week must move first, and
    none may come in between.
    """
    table, name, rest = partition.table, partition.name, _rest(partition.table)
    key, (low, high) = PARTITIONED[table], partition.bounds
    for statement in (
        f'CREATE TABLE "{name}" (LIKE {table} INCLUDING ALL)',
        f"LOCK TABLE {rest} IN ACCESS EXCLUSIVE MODE",
        (
            f"WITH strays AS (DELETE FROM {rest} WHERE {key} >= {low} AND {key} < {high} RETURNING *)"  # noqa: S608
            f' INSERT INTO "{name}" SELECT * FROM strays'
        ),
        f'ALTER TABLE {table} ATTACH PARTITION "{name}" FOR VALUES FROM ({low}) TO ({high})',
    ):
        await connection.exec_driver_sql(statement)


def _weeks(now: datetime) -> Iterator[datetime]:
    start = week_of(now)
    while start <= now + AHEAD:
        yield start
        start += SPAN


def _rest(table: str) -> str:
    return f"{table}_p_rest"


def _lowest_uuid(moment: datetime) -> UUID:
    return UUID(int=int(moment.timestamp() * 1000) << _UUID_TIME_SHIFT)
