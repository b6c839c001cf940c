"""Partitions are there before they are needed, go when they are too old, and late ones cost no row."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from runtime import typeid
from services.db import partitions
from services.db.aging import age_out
from services.db.partitions import SPAN, Partition, week_of
from services.db.schema import PARTITIONED

TENANT = uuid.UUID(int=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAR = datetime(2031, 5, 7, 13, 30, tzinfo=UTC)


async def put(connection: AsyncConnection, table: str, moment: datetime) -> str:
    """Inserts a row of that moment; returns the partition it went to."""
    key = typeid.new_uuid7(int(moment.timestamp() * 1000))
    values: dict[str, dict[str, Any]] = {
        "events": {"event_id": key, "delivery_id": TENANT, "number": 1, "document": b""},
        "webhooks": {
            "webhook_id": key,
            "receive_time": moment,
            "source_id": TENANT,
            "disposition": 1,
            "mapping_version": "",
            "dedupe_key": "",
            "document": b"",
            "body": b"",
        },
        "positions": {
            "delivery_id": TENANT,
            "record_time": moment,
            "position_time": moment,
            "latitude": "",
            "longitude": "",
        },
        "attempts": {
            "attempt_id": key,
            "subscription_id": TENANT,
            "event_id": TENANT,
            "outcome": 1,
            "given_up": False,
            "start_time": moment,
            "latency_ms": 1,
            "document": b"",
        },
    }
    row = {"tenant_id": TENANT, **values[table]}
    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"
    return str(await connection.scalar(sa.text(f"{statement} RETURNING tableoid::regclass::text"), row))


@pytest.mark.parametrize("table", PARTITIONED)
async def test_every_moment_of_the_next_two_weeks_has_its_partition(engine: AsyncEngine, table: str) -> None:
    made = await partitions.make_ahead(engine, FAR)

    async with engine.begin() as connection:
        for hours in range(0, 14 * 24, 7):
            moment = FAR + timedelta(hours=hours)
            assert await put(connection, table, moment) == Partition(table, week_of(moment)).name
        monday = week_of(FAR)
        assert await put(connection, table, monday) == f"{table}_p{monday:%Y%m%d}"
        assert await put(connection, table, monday + SPAN - timedelta(milliseconds=1)) == f"{table}_p20310505"
    assert len(made) == 3 * len(PARTITIONED)
    assert await partitions.make_ahead(engine, FAR) == []


@pytest.mark.parametrize("table", PARTITIONED)
async def test_a_late_maintenance_costs_no_row_and_sorts_them_in(engine: AsyncEngine, table: str) -> None:
    async with engine.begin() as connection:
        assert await put(connection, table, FAR) == f"{table}_p_rest"
        assert await put(connection, table, FAR + timedelta(days=8)) == f"{table}_p_rest"
        assert await put(connection, table, FAR + timedelta(days=300)) == f"{table}_p_rest"
    assert (await partitions.count_strays(engine))[table] == 3

    await partitions.make_ahead(engine, FAR)

    assert (await partitions.count_strays(engine))[table] == 1
    async with engine.connect() as connection:
        query = sa.text(f"SELECT tableoid::regclass::text FROM {table} ORDER BY 1")
        assert list(await connection.scalars(query)) == [
            f"{table}_p20310505",
            f"{table}_p20310512",
            f"{table}_p_rest",
        ]


async def test_only_what_is_wholly_past_its_retention_is_dropped(engine: AsyncEngine) -> None:
    for weeks in range(8):
        await partitions.make_ahead(engine, FAR + weeks * SPAN)
    now = week_of(FAR) + 7 * SPAN + timedelta(days=2)

    dropped = await partitions.drop_old(engine, {"events": 14, "webhooks": None}, now)

    # Fourteen days before is in the middle of a week: that one stays, the five before it go.
    this_week = partitions.week_of(datetime.now(UTC))
    old = [name for name in dropped if name > f"events_p{this_week + 10 * SPAN:%Y%m%d}"]
    assert old == [f"events_p{week_of(FAR) + week * SPAN:%Y%m%d}" for week in range(5)]
    assert all(name.startswith("events_p2") for name in dropped)
    async with engine.begin() as connection:
        assert await put(connection, "events", FAR) == "events_p_rest"
        assert await put(connection, "webhooks", FAR) == "webhooks_p20310505"


async def test_processes_that_maintain_at_once_do_not_disturb_each_other(engine: AsyncEngine) -> None:
    made = await asyncio.gather(*(partitions.make_ahead(engine, FAR) for _ in range(8)))

    assert sorted(name for names in made for name in names) == sorted(set().union(*made))
    assert len(set().union(*made)) == 3 * len(PARTITIONED)


async def test_reading_and_writing_goes_on_while_a_partition_is_made(engine: AsyncEngine) -> None:
    async with engine.begin() as writing:
        await put(writing, "events", datetime.now(UTC))
        await asyncio.wait_for(partitions.make_ahead(engine, FAR), 10)
        async with engine.begin() as other:
            assert await put(other, "events", FAR) == "events_p20310505"


@given(st.integers(1_600_000_000_000_000, 4_100_000_000_000_000).map(lambda n: EPOCH + timedelta(microseconds=n)))
def test_a_week_begins_on_monday_at_midnight_and_holds_its_moments(moment: datetime) -> None:
    start = week_of(moment)

    assert start <= moment < start + SPAN
    assert (start.weekday(), start.hour, start.minute, start.second, start.microsecond) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("rows", [0, 3, 12_000])
async def test_old_keys_go_in_batches_and_young_ones_stay(engine: AsyncEngine, rows: int) -> None:
    now = datetime.now(UTC)
    insert = sa.text(
        "INSERT INTO idempotency_keys SELECT CAST(:tenant AS uuid), 'm', 'c', :prefix || n, '', '',"
        " CAST(:moment AS timestamptz) FROM generate_series(1, CAST(:rows AS int)) n"
    )
    async with engine.begin() as connection:
        for tenant in (uuid.UUID(int=0), TENANT):
            if tenant == TENANT:
                await connection.execute(
                    sa.text("INSERT INTO tenants VALUES (CAST(:tenant AS uuid), 'x', '', now())"), {"tenant": tenant}
                )
            old = {"tenant": tenant, "prefix": "old", "moment": now - timedelta(hours=73), "rows": rows}
            young = {"tenant": tenant, "prefix": "new", "moment": now - timedelta(hours=71), "rows": 5}
            await connection.execute(insert, old)
            await connection.execute(insert, young)

    assert await age_out(engine, "idempotency_keys", "create_time", timedelta(hours=72), now) == 2 * rows

    async with engine.connect() as connection:
        left = await connection.scalars(sa.text("SELECT request_id FROM idempotency_keys"))
        assert {each[:3] for each in left} == {"new"}
