"""Statements that go to the driver itself keep to SQLAlchemy's transactions and raise its errors."""

from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.db.statements import Statement, Writes
from services.db.violations import constraint_of
from services.faults import problem_of
from services.server import Server

INSERT = Statement("INSERT INTO probes (probe, write_time) VALUES (CAST(:probe AS int), now())")
COUNT = Statement("SELECT count(*) FROM probes WHERE probe = CAST(:probe AS int)", only_reads=True)
XACT = Statement("SELECT pg_advisory_xact_lock(CAST(:number AS bigint))")


async def stored(server: Server, probe: int) -> int:
    async with server.hub.engine.connect() as connection:
        return int((await COUNT.fetch(connection, {"probe": probe}))[0][0])


async def insert(server: Server, *numbers: int, then: Exception | None = None) -> None:
    """Writes in one transaction, and fails at its end on request."""
    async with server.hub.transaction() as connection:
        for probe in numbers:
            await INSERT.fetch(connection, {"probe": probe})
        if then is not None:
            raise then


async def insert_on_a_cut_connection(server: Server, probe: int) -> None:
    async with server.hub.transaction() as connection, server.hub.transaction() as other:
        pid = await connection.scalar(sa.text("SELECT pg_backend_pid()"))
        await other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        await INSERT.fetch(connection, {"probe": probe})


def test_names_become_places_and_casts_stay() -> None:
    assert Statement("SELECT :b::text, :a, :b, CAST(:a AS int)").text == "SELECT $1::text, $2, $1, CAST($2 AS int)"


async def test_a_write_that_comes_first_is_part_of_the_transaction(server: Server) -> None:
    with pytest.raises(LookupError):
        await insert(server, 901, then=LookupError())

    assert await stored(server, 901) == 0


async def test_a_write_is_committed_with_its_transaction(server: Server) -> None:
    await insert(server, 902)

    assert await stored(server, 902) == 1


async def test_a_lock_that_comes_first_is_held_until_the_end(server: Server) -> None:
    number = uuid4().int >> 65
    free = sa.text("SELECT pg_try_advisory_xact_lock(CAST(:number AS bigint))")
    async with server.hub.transaction() as connection:
        await XACT.fetch(connection, {"number": number})

        async with server.hub.transaction() as other:
            assert not await other.scalar(free, {"number": number})
    async with server.hub.transaction() as other:
        assert await other.scalar(free, {"number": number})


async def test_a_broken_key_is_told_as_sqlalchemy_tells_it(server: Server) -> None:
    with pytest.raises(IntegrityError) as caught:
        await insert(server, 904, 904)

    assert constraint_of(caught.value) == "probes_pkey"
    assert await stored(server, 904) == 0


async def test_another_error_keeps_its_state(server: Server) -> None:
    divide = Statement("SELECT 1 / CAST(:by AS int)")
    async with server.hub.engine.connect() as connection:
        with pytest.raises(DBAPIError) as caught:
            await divide.fetch(connection, {"by": 0})

    assert getattr(caught.value.orig, "sqlstate", None) == "22012"


async def test_a_lost_connection_is_unavailable_whenever_it_is_cut_and_the_pool_goes_on(server: Server) -> None:
    for number in range(40):
        with pytest.raises(DBAPIError) as caught:
            await insert_on_a_cut_connection(server, 1000 + number)
        assert problem_of(caught.value, "method", "request").reason == "UNAVAILABLE"

    for number in range(40):
        assert await stored(server, 1000 + number) == 0


INSERT_MANY = Statement(
    "INSERT INTO probes (probe, write_time) SELECT n, now() FROM unnest(CAST(:numbers AS int[])) AS n"
)


async def test_collected_writes_take_effect_together_each_with_its_own_values(server: Server) -> None:
    writes = Writes()
    for probe in range(100, 112):  # more places than have one digit
        writes.add(INSERT, {"probe": probe})
    writes.add(INSERT_MANY, {"numbers": [112, 113]})

    async with server.hub.transaction() as connection:
        await writes.run(connection)
        await writes.run(connection)  # nothing is collected any more

    assert [await stored(server, probe) for probe in range(99, 115)] == [0, *[1] * 14, 0]


async def test_of_collected_writes_none_takes_effect_when_one_fails(server: Server) -> None:
    await insert(server, 121)
    writes = Writes()
    writes.add(INSERT, {"probe": 120})
    writes.add(INSERT, {"probe": 121})

    with pytest.raises(IntegrityError):
        async with server.hub.transaction() as connection:
            await writes.run(connection)

    assert await stored(server, 120) == 0
