"""Ages out small keys, in batches that hold no lock for long; knows how old each table's keys may grow."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

BATCH = 5_000

# Tenant by tenant, as the indexes are; the nil one holds the keys of calls that belong to no tenant.
_DELETE = """
WITH late AS (
  SELECT k.ctid FROM (
    SELECT tenant_id FROM tenants UNION ALL SELECT CAST('00000000-0000-0000-0000-000000000000' AS uuid)
  ) t
  CROSS JOIN LATERAL (
    SELECT ctid FROM {table} WHERE tenant_id = t.tenant_id AND {moment} < :limit
    ORDER BY {moment} LIMIT :batch FOR UPDATE SKIP LOCKED
  ) k
  LIMIT :batch
)
DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM late)
"""


async def age_out(engine: AsyncEngine, table: str, moment: str, age: timedelta, now: datetime | None = None) -> int:
    """Deletes the rows of ``table`` whose column ``moment`` is longer ago than ``age``; returns how many."""
    statement = sa.text(_DELETE.format(table=table, moment=moment))
    limit = (now or datetime.now(UTC)) - age
    total = 0
    while True:
        async with engine.begin() as connection:
            deleted = (await connection.execute(statement, {"limit": limit, "batch": BATCH})).rowcount
        total += deleted
        if deleted < BATCH:
            return total
