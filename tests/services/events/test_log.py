"""Promise 5: a cursor never skips, however late a transaction commits."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from crossdock.v1 import event_pb2
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services.db.statements import Writes
from services.deliveries import rows
from services.errors import Problem
from services.events import log
from services.events.log import BEGINNING, Cursor
from services.hub import Hub

WRITERS = 8
TRANSACTIONS = 60
TENANT = typeid.new_uuid7()
MOMENT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)
NAIVE = sa.text("SELECT event_id FROM events WHERE event_id > :last ORDER BY event_id LIMIT 500")
"""What the log must not do: the sabotage that has to be caught."""


async def append(connection: AsyncConnection, count: int) -> None:
    """Writes so many events."""
    await insert(connection, *(typeid.new_uuid7() for _ in range(count)))


async def insert(connection: AsyncConnection, *ids: UUID) -> None:
    """Writes events with these ids."""
    events = [rows.EventRow(TENANT, TENANT, event_pb2.Event(id=typeid.encode("evt", each)), b"k") for each in ids]
    writes = Writes()
    rows.append(writes, events)
    await writes.run(connection)


async def write(hub: Hub, seed: int, transactions: int = TRANSACTIONS) -> None:
    """Appends events in transactions that stay open for different times between making ids and committing."""
    chance = random.Random(seed)
    for _ in range(transactions):
        async with hub.transaction() as connection:
            await append(connection, chance.randint(1, 8))
            await asyncio.sleep(chance.random() * 0.01)


async def total(hub: Hub) -> int:
    async with hub.engine.connect() as connection:
        return await connection.scalar(sa.text("SELECT count(*) FROM events")) or 0


async def follow(hub: Hub, done: asyncio.Event) -> list[str]:
    """Reads on from the last cursor until all writers have finished and nothing more comes."""
    seen: list[str] = []
    cursor = BEGINNING
    while True:
        finished = done.is_set()
        async with hub.engine.connect() as connection:
            entries = await log.read(connection, cursor, 500)
        seen += [entry.parse().id for entry in entries]
        cursor = log.cursor_of(entries, cursor)
        if finished and not entries:
            return seen
        await asyncio.sleep(0)


async def follow_naively(hub: Hub, done: asyncio.Event, begun: asyncio.Event) -> int:
    seen, last = 0, UUID(int=0)
    while True:
        finished = done.is_set()
        async with hub.engine.connect() as connection:
            ids = (await connection.scalars(NAIVE, {"last": last})).all()
        seen += len(ids)
        last = max([last, *ids])
        if ids:
            begun.set()
        if finished and not ids:
            return seen
        await asyncio.sleep(0)


async def test_no_reader_misses_an_event_and_the_naive_one_does(hub: Hub) -> None:
    done = asyncio.Event()
    readers = [asyncio.create_task(follow(hub, done)) for _ in range(2)]
    begun = asyncio.Event()
    naive = asyncio.create_task(follow_naively(hub, done, begun))

    async with hub.transaction() as connection:  # one that is certainly late, on the slowest machine too
        await append(connection, 1)
        await write(hub, WRITERS, transactions=1)
        await begun.wait()
    await asyncio.gather(*(write(hub, seed) for seed in range(WRITERS)))
    done.set()

    expected = await total(hub)
    for reader in readers:
        seen = await reader
        assert len(seen) == expected
        assert len(set(seen)) == expected
    assert await naive < expected, "the sabotaged reader missed nothing, so this test could not have failed"


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "still open"])
async def test_from_a_moment_on_nothing_is_missing_that_got_its_number_before(hub: Hub, committed: bool) -> None:
    early, late = (typeid.first_of(MOMENT + timedelta(seconds=seconds)) for seconds in (-1, 1))
    async with hub.transaction() as slow:
        await slow.execute(sa.text("SELECT pg_current_xact_id()"))
        async with hub.transaction() as quick:
            await insert(quick, early)
        cursor = await log.before(slow, TENANT, MOMENT)
        await insert(slow, late)

    async with hub.engine.connect() as connection:
        if committed:
            cursor = await log.before(connection, TENANT, MOMENT)
        found = [entry.cursor.event_id for entry in await log.read(connection, cursor, 500)]
    assert late in found


async def test_a_moment_leads_behind_what_was_recorded_before_it(hub: Hub) -> None:
    ids = [typeid.first_of(MOMENT + timedelta(hours=hours)) for hours in (-1, 1, 2)]
    for event_id in ids:
        async with hub.transaction() as connection:
            await insert(connection, event_id)

    async with hub.engine.connect() as connection:
        for hours, left in ((-2, ids), (-1, ids), (0, ids[1:]), (1, ids[1:]), (1.5, ids[2:]), (3, [])):
            cursor = await log.before(connection, TENANT, MOMENT + timedelta(hours=hours))
            assert [entry.cursor.event_id for entry in await log.read(connection, cursor, 500)] == left


async def test_a_cursor_survives_its_way_through_text() -> None:
    cursor = Cursor(2**63 - 1, typeid.new_uuid7())

    assert Cursor.decode(cursor.encode()) == cursor


@pytest.mark.parametrize("text", ["", "?", "AAAA", "é", "A" * 200, Cursor(1, UUID(int=7)).encode() + "A"])
def test_a_cursor_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refusal:
        Cursor.decode(text)

    assert refusal.value.reason == "INVALID_PAGE_TOKEN"
