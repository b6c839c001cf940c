"""Promise 10: partner writes are idempotent."""

import asyncio

import pytest
import sqlalchemy as sa
from crossdock.v1.access_pb2 import AccessLevel
from crossdock.v1.order_pb2 import Order
from crossdock.v1.order_service_pb2 import CreateOrderRequest, CreateOrderResponse
from crossdock.v1.webhook_pb2 import SourceSecret, WebhookSource
from crossdock.v1.webhook_service_pb2 import CreateWebhookSourceRequest, CreateWebhookSourceResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services.callers import Caller
from services.db.tables import idempotency_keys, probes
from services.errors import Problem
from services.hub import Hub
from services.idempotency import once

METHOD = "/crossdock.v1.OrderService/CreateOrder"


def new_caller() -> Caller:
    return Caller(typeid.new_uuid7(), AccessLevel.ACCESS_LEVEL_ACCOUNT, token_id=typeid.new_uuid7())


CALLER = new_caller()
REQUEST = CreateOrderRequest(order=Order(private_ref="A-17"), request_id="a1")


class Work:
    """Writes one row each time it is really done."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.done = 0
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self, request: CreateOrderRequest = REQUEST, caller: Caller = CALLER) -> CreateOrderResponse:
        async with self.hub.transaction() as connection:
            return await once(connection, caller, METHOD, request, lambda: self._produce(connection))

    async def _produce(self, connection: AsyncConnection) -> CreateOrderResponse:
        self.done += 1
        number = self.done
        await connection.execute(sa.insert(probes).values(probe=1000 + number, write_time=sa.func.now()))
        self.begun.set()
        await self.may_end.wait()
        return CreateOrderResponse(order=Order(id=f"answer {number}"))

    async def rows(self) -> int:
        async with self.hub.transaction() as connection:
            query = sa.select(sa.func.count()).select_from(probes).where(probes.c.probe > 1000)
            return (await connection.execute(query)).scalar_one()


@pytest.fixture
def work(hub: Hub) -> Work:
    return Work(hub)


async def test_sixteen_copies_at_once_make_one_row_and_get_one_answer(work: Work) -> None:
    answers = await asyncio.gather(*(work() for _ in range(16)))

    assert {answer.order.id for answer in answers} == {"answer 1"}
    assert await work.rows() == 1
    assert (await work()).order.id == "answer 1"


async def test_another_request_under_the_same_id_is_refused_also_at_once(work: Work) -> None:
    others = [CreateOrderRequest(order=Order(private_ref=f"B-{n}"), request_id="a1") for n in range(15)]

    outcomes = await asyncio.gather(*(work(each) for each in [REQUEST, *others]), return_exceptions=True)

    refused = [each for each in outcomes if isinstance(each, Problem)]
    assert len(refused) == 15
    assert {each.reason for each in refused} == {"REQUEST_ID_REUSED"}
    assert refused[0].metadata == {"request_id": "a1"}
    assert await work.rows() == 1


async def test_when_the_first_fails_the_next_takes_over(hub: Hub, work: Work) -> None:
    async def fail() -> CreateOrderResponse:
        raise Problem("NOT_FOUND", "no location here")

    with pytest.raises(Problem):
        async with hub.transaction() as connection:
            await once(connection, CALLER, METHOD, REQUEST, fail)

    assert (await work()).order.id == "answer 1"
    assert await work.rows() == 1


async def test_when_the_first_is_cancelled_those_who_wait_take_over(work: Work) -> None:
    work.may_end.clear()
    first = asyncio.create_task(work())
    await work.begun.wait()
    others = [asyncio.create_task(work()) for _ in range(5)]

    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.may_end.set()
    answers = await asyncio.gather(*others)

    assert {answer.order.id for answer in answers} == {"answer 2"}
    assert await work.rows() == 1


async def test_when_the_connection_of_the_first_dies_those_who_wait_take_over(hub: Hub, work: Work) -> None:
    work.may_end.clear()
    first = asyncio.create_task(work())
    await work.begun.wait()
    other = asyncio.create_task(work())
    killed = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
    )

    # Not before the other one waits for the first: until then it looks like the one that is killed.
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(60), hub.transaction() as connection:
        while not await connection.scalar(waiting):
            await asyncio.sleep(0.005)
            # A transaction goes on seeing what it saw of others' activity at first.
            await connection.execute(sa.text("SELECT pg_stat_clear_snapshot()"))
        assert (await connection.execute(killed)).first() is not None
    work.may_end.set()

    with pytest.raises(DBAPIError):
        await first
    assert (await other).order.id == "answer 2"
    assert await work.rows() == 1


async def test_a_request_without_id_is_done_each_time(work: Work) -> None:
    request = CreateOrderRequest(order=Order(private_ref="A-17"))

    await work(request)
    await work(request)

    assert await work.rows() == 2


async def test_request_ids_of_other_callers_and_tenants_are_other_ids(work: Work) -> None:
    colleague = Caller(CALLER.tenant_id, CALLER.level, token_id=typeid.new_uuid7())
    elsewhere = Caller(typeid.new_uuid7(), CALLER.level, token_id=CALLER.token_id)
    system = Caller(None, AccessLevel.ACCESS_LEVEL_SYSTEM)

    for caller in (CALLER, colleague, elsewhere, system):
        await work(caller=caller)

    assert await work.rows() == 4


async def test_what_is_told_once_is_not_kept(hub: Hub) -> None:
    def forget(response: CreateWebhookSourceResponse) -> None:
        for secret in response.source.secrets:
            secret.ClearField("value")

    async def produce() -> CreateWebhookSourceResponse:
        source = WebhookSource(id="src_1", secrets=[SourceSecret(id="sec_1", value="canary")])
        return CreateWebhookSourceResponse(source=source)

    async def call() -> CreateWebhookSourceResponse:
        method = "/crossdock.v1.WebhookService/CreateWebhookSource"
        request = CreateWebhookSourceRequest(request_id="a1")
        async with hub.transaction() as connection:
            return await once(connection, CALLER, method, request, produce, scrub=forget)

    first, second = await call(), await call()

    assert [secret.value for secret in first.source.secrets] == ["canary"]
    assert [(secret.id, secret.value) for secret in second.source.secrets] == [("sec_1", "")]
    async with hub.transaction() as connection:
        stored = (await connection.execute(sa.select(idempotency_keys.c.response))).scalar_one()
    assert b"canary" not in stored
