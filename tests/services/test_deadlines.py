"""Calls that are given up at any moment: nothing is half done, no connection is lost, the pool has its end."""

import asyncio
import random
from collections.abc import Generator
from contextlib import suppress
from typing import Any, cast

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import location_service_pb2 as pb
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from services.hub import Hub
from services.server import Server
from tests.services.accounts import Account
from tests.services.answers import failure_of
from tests.services.conftest import Serve
from tests.services.stand_ins import LocationServiceStub, get_location
from tests.services.waiting import until

REQUEST = pb.GetLocationRequest(location_id="loc_x")
Metadata = tuple[tuple[str, str], ...]


def checked_out(engine: AsyncEngine) -> int:
    """How many connections of a pool somebody has."""
    return cast("AsyncAdaptedQueuePool", engine.pool).checkedout()


async def until_none_is_checked_out(engine: AsyncEngine) -> None:
    """Connections of cancelled calls are closed in the background: waits for that."""
    await until(lambda: not checked_out(engine))


class CancelledAt:
    """Drives a coroutine and cancels its task when it waits for the n-th time."""

    def __init__(self, coroutine: Any, wait: int) -> None:
        self._coroutine = coroutine
        self._wait = wait
        self.reached = False

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._coroutine.__await__()
        task = asyncio.current_task()
        assert task is not None
        value: Any = None
        raised: BaseException | None = None
        while True:
            try:
                waits_for = steps.send(value) if raised is None else steps.throw(raised)
            except StopIteration as end:
                return end.value
            self._wait -= 1
            if self._wait == 0:
                self.reached = True
                task.get_loop().call_soon(task.cancel)
            raised = value = None
            try:
                value = yield waits_for
            except BaseException as error:  # noqa: BLE001  passed on to where it was going
                raised = error


async def test_a_transaction_that_is_cancelled_anywhere_is_done_wholly_or_not_at_all(hub: Hub) -> None:
    async def write_twice(number: int) -> None:
        async with hub.transaction() as connection:
            for half in (0, 1):
                await connection.execute(
                    sa.text("INSERT INTO probes (probe, write_time) VALUES (:probe, now())"),
                    {"probe": 2 * number + half + 10},
                )

    wait = outcomes = 0
    while True:
        wait += 1
        driven = CancelledAt(write_twice(wait), wait)
        task = asyncio.ensure_future(_run(driven))
        with suppress(asyncio.CancelledError):
            await task
        async with hub.engine.connect() as connection:
            query = sa.text("SELECT count(*) FROM probes WHERE probe IN (:low, :high)")
            found = await connection.scalar(query, {"low": 2 * wait + 10, "high": 2 * wait + 11})
        assert found in (0, 2)
        assert found == 2 or task.cancelled()
        outcomes |= 1 << int(found)
        await until_none_is_checked_out(hub.engine)
        if not driven.reached:
            break

    assert wait > 5
    assert outcomes == 0b101, "some were undone and some done"


async def _run(driven: CancelledAt) -> None:
    await driven


async def test_a_commit_that_has_begun_is_not_cut_short(hub: Hub) -> None:
    """With a cut the answer would be unknown; so whoever is cancelled then is told after the commit."""
    committing = asyncio.Event()

    async def write() -> None:
        async with hub.transaction() as connection:
            await connection.execute(sa.text("CREATE TABLE slow (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)"))
            await connection.execute(
                sa.text(
                    "CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS"
                    " 'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END'"
                )
            )
            await connection.execute(
                sa.text(
                    "CREATE CONSTRAINT TRIGGER doze AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED"
                    " FOR EACH ROW EXECUTE FUNCTION doze()"
                )
            )
            await connection.execute(sa.text("INSERT INTO slow VALUES (1)"))
            committing.set()

    async with hub.engine.connect() as holder:
        await holder.execute(sa.text("SELECT pg_advisory_lock(4711)"))
        task = asyncio.ensure_future(write())
        await committing.wait()
        waiting = sa.text("SELECT count(*) FROM pg_locks WHERE objid = 4711 AND NOT granted")
        while not await holder.scalar(waiting):  # noqa: ASYNC110  the database sets no events
            await asyncio.sleep(0.005)
        task.cancel()
        task.cancel()
        await holder.execute(sa.text("SELECT pg_advisory_unlock(4711)"))
    with pytest.raises(asyncio.CancelledError):
        await task

    async with hub.engine.connect() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM slow")) == 1
    assert checked_out(hub.engine) == 0


async def test_a_thousand_cancelled_calls_leave_no_connection_checked_out_and_nothing_half_done(
    server: Server, channel: grpc.aio.Channel, account: Account
) -> None:
    stub = LocationServiceStub(channel)
    chance = random.Random(7)
    outcomes = {"done": 0, "given up": 0}
    done: set[str] = set()

    async def call(number: int) -> None:
        request = pb.CreateLocationRequest(request_id=f"r{number}")
        request.location.name = f"store {number}"
        request.location.external_id = f"x{number}"
        request.location.time_zone = "Europe/Paris"
        request.location.currency_code = "EUR"
        running = stub.CreateLocation(request, metadata=account.metadata)
        # On a machine that is slow, or quick, beyond measure, some are done and some are given up all the same.
        if number % 10:
            seconds = chance.uniform(0, 0.05) if number % 10 > 1 else 0
            asyncio.get_running_loop().call_later(seconds, running.cancel)
        try:
            await running
        except (grpc.aio.AioRpcError, asyncio.CancelledError):
            outcomes["given up"] += 1
        else:
            outcomes["done"] += 1
            done.add(f"x{number}")

    for start in range(0, 1000, 20):
        await asyncio.gather(*(call(number) for number in range(start, start + 20)))

    await until(lambda: not server.calls.taken)
    await until_none_is_checked_out(server.hub.engine)
    async with server.hub.engine.connect() as connection:
        places = set(await connection.scalars(sa.text("SELECT external_id FROM locations WHERE external_id LIKE 'x%'")))
        keys = set(
            await connection.scalars(sa.text("SELECT request_id FROM idempotency_keys WHERE length(response) > 0"))
        )
    assert min(outcomes.values()) > 50, outcomes
    assert done <= places
    assert {f"r{place[1:]}" for place in places} == keys & {f"r{number}" for number in range(1000)}


async def test_our_cap_holds_for_calls_without_a_deadline(serve: Serve, system: Metadata) -> None:
    async def never(_: pb.GetLocationRequest) -> pb.GetLocationResponse:
        await asyncio.Event().wait()
        raise AssertionError

    server, channel = await serve(get_location(never), deadline_seconds=0.2)

    failure = await failure_of(LocationServiceStub(channel).GetLocation(REQUEST, metadata=system))

    assert failure.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert failure.reason == "DEADLINE_EXCEEDED"
    assert len(failure.retries) == 1
    await until(lambda: not server.calls.taken)


async def test_the_callers_own_deadline_frees_the_place_and_the_connection(serve: Serve, system: Metadata) -> None:
    running: list[Server] = []

    async def sleep_in_the_database(_: pb.GetLocationRequest) -> pb.GetLocationResponse:
        async with running[0].hub.transaction() as connection:
            await connection.execute(sa.text("SELECT pg_sleep(600)"))
        raise AssertionError

    server, channel = await serve(get_location(sleep_in_the_database))
    running.append(server)

    failure = await failure_of(LocationServiceStub(channel).GetLocation(REQUEST, metadata=system, timeout=0.2))

    assert failure.code is grpc.StatusCode.DEADLINE_EXCEEDED
    await until(lambda: not server.calls.taken)
    await until_none_is_checked_out(server.hub.engine)


async def test_who_finds_no_free_connection_is_told_soon(serve: Serve, system: Metadata) -> None:
    running: list[Server] = []
    gate = asyncio.Event()

    async def hold(_: pb.GetLocationRequest) -> pb.GetLocationResponse:
        async with running[0].hub.engine.connect():
            await gate.wait()
        return pb.GetLocationResponse()

    server, channel = await serve(get_location(hold), pool_size=2, pool_wait_seconds=0.2)
    running.append(server)
    stub = LocationServiceStub(channel)
    held = [asyncio.ensure_future(stub.GetLocation(REQUEST, metadata=system)) for _ in range(2)]
    await until(lambda: server.calls.taken == 2)

    failure = await failure_of(stub.GetLocation(REQUEST, metadata=system))

    assert failure.reason == "UNAVAILABLE"
    assert len(failure.retries) == 1
    gate.set()
    await asyncio.gather(*held)
