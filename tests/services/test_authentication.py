import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from crossdock.v1.access_pb2 import AccessLevel, Scope, Tenant, Token
from crossdock.v1.access_service_pb2 import CreateTenantRequest
from sqlalchemy import event

from runtime import typeid
from services import ids, tokens
from services.access import bearers, tenants
from services.authentication import Authenticator
from services.errors import Problem
from services.hub import Hub
from tests.conftest import SYSTEM_TOKEN

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Clock:
    """Stands until it is told to go on."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time


class Statements:
    """Counts what is asked of the database."""

    def __init__(self, hub: Hub) -> None:
        self.count = 0
        event.listen(hub.engine.sync_engine, "before_cursor_execute", self._counted)

    def _counted(self, *_: object) -> None:
        self.count += 1


@pytest.fixture
async def clock(hub: Hub) -> Clock:
    hub.now = Clock()
    return hub.now


@pytest.fixture
async def tenant_id(hub: Hub) -> str:
    async with hub.transaction() as connection:
        request = CreateTenantRequest(tenant=Tenant(external_id="one"))
        return (await tenants.create(connection, hub, request)).tenant.id


@pytest.fixture
async def authenticator(hub: Hub, clock: Clock) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(hub)
    yield authenticator
    await authenticator.close()


async def make_token(hub: Hub, tenant_id: str, **members: object) -> tuple[Token, str]:
    wanted = Token(
        level=AccessLevel.ACCESS_LEVEL_ACCOUNT,
        scopes=[Scope.SCOPE_ORDERS_READ],
        display_name="a till",
        **members,  # type: ignore[arg-type]
    )
    async with hub.transaction() as connection:
        made = await bearers.create(connection, ids.read("tenant", tenant_id), wanted, None, NOW)
    return made.token, made.value


async def reason(authenticator: Authenticator, bearer: str | None, hint: str | None = None) -> str:
    try:
        await authenticator.authenticate(bearer, hint)
    except Problem as problem:
        return problem.reason
    return "recognised"


async def test_a_token_makes_its_caller(hub: Hub, authenticator: Authenticator, tenant_id: str) -> None:
    token, value = await make_token(hub, tenant_id)

    caller = await authenticator.authenticate(value, None)

    assert ids.write("tenant", caller.tenant) == tenant_id
    assert caller.level == AccessLevel.ACCESS_LEVEL_ACCOUNT
    assert caller.scopes == {Scope.SCOPE_ORDERS_READ}
    assert caller.actor.id == token.id
    assert caller.actor.display_name == "a till"
    assert value.startswith(token.prefix)


@pytest.mark.parametrize("junk", [None, "", "x", "xd_", "xd_" + "a" * 49, "Bearer x", "é" * 52, "\udc80"])
async def test_junk_is_refused_without_asking_the_database(
    hub: Hub, authenticator: Authenticator, junk: str | None
) -> None:
    statements = Statements(hub)

    assert await reason(authenticator, junk) == "TOKEN_INVALID"
    assert statements.count == 0


async def test_a_token_that_nobody_made_is_refused(authenticator: Authenticator) -> None:
    assert await reason(authenticator, tokens.new_value()) == "TOKEN_INVALID"


async def test_many_calls_at_once_ask_the_database_a_few_times(
    hub: Hub, authenticator: Authenticator, tenant_id: str
) -> None:
    values = [(await make_token(hub, tenant_id))[1] for _ in range(8)]
    statements = Statements(hub)

    callers = await asyncio.gather(*(authenticator.authenticate(values[n % 8], None) for n in range(200)))

    assert len({caller.token_id for caller in callers}) == 8
    assert statements.count <= 3
    await authenticator.authenticate(values[0], None)
    assert statements.count <= 3


async def test_a_revoked_token_is_refused_within_two_seconds(
    hub: Hub, authenticator: Authenticator, tenant_id: str
) -> None:
    token, value = await make_token(hub, tenant_id)
    assert await reason(authenticator, value) == "recognised"
    async with hub.transaction() as connection:
        await bearers.revoke(connection, ids.read("tenant", tenant_id), token.id, NOW)

    async with asyncio.timeout(60):
        while True:
            outcome = await reason(authenticator, value)
            if outcome != "recognised":
                break
            await asyncio.sleep(0.01)

    assert outcome == "TOKEN_ENDED"


async def test_a_token_ends_on_the_dot_though_it_is_remembered(
    hub: Hub, authenticator: Authenticator, tenant_id: str, clock: Clock
) -> None:
    end = NOW + timedelta(seconds=30)
    _, value = await make_token(hub, tenant_id, expire_time=end)
    assert await reason(authenticator, value) == "recognised"

    clock.time = end

    assert await reason(authenticator, value) == "TOKEN_ENDED"


async def test_a_token_acts_for_its_own_tenant_alone(hub: Hub, authenticator: Authenticator, tenant_id: str) -> None:
    _, value = await make_token(hub, tenant_id)

    assert await reason(authenticator, value, tenant_id) == "recognised"
    for other in (ids.write("tenant", typeid.new_uuid7()), "ten_x", "x"):
        assert await reason(authenticator, value, other) == "NOT_FOUND"


async def test_the_deployments_own_key_chooses_its_tenant(authenticator: Authenticator, tenant_id: str) -> None:
    nobody = await authenticator.authenticate(SYSTEM_TOKEN, None)
    somebody = await authenticator.authenticate(SYSTEM_TOKEN, tenant_id)

    assert nobody.level == somebody.level == AccessLevel.ACCESS_LEVEL_SYSTEM
    assert nobody.tenant_id is None
    assert somebody.tenant_id == ids.read("tenant", tenant_id)
    for unknown in (ids.write("tenant", typeid.new_uuid7()), "ten_x", "x"):
        assert await reason(authenticator, SYSTEM_TOKEN, unknown) == "NOT_FOUND"


async def test_without_a_key_of_its_own_a_deployment_has_no_system_level(hub: Hub) -> None:
    settings = hub.settings.model_copy(update={"system_token": type(hub.settings.system_token)("")})
    keyless = Authenticator(replace(hub, settings=settings))

    assert await reason(keyless, SYSTEM_TOKEN) == "TOKEN_INVALID"
    assert await reason(keyless, "") == "TOKEN_INVALID"


async def test_what_is_remembered_is_bounded(hub: Hub, clock: Clock, tenant_id: str) -> None:
    authenticator = Authenticator(hub, max_remembered=4)
    values = [(await make_token(hub, tenant_id))[1] for _ in range(8)]
    for value in values:
        await authenticator.authenticate(value, None)
    statements = Statements(hub)

    await authenticator.authenticate(values[-1], None)
    assert statements.count == 0
    await authenticator.authenticate(values[0], None)
    assert statements.count == 1


async def test_only_hashes_of_tokens_are_stored(hub: Hub, tenant_id: str) -> None:
    _, value = await make_token(hub, tenant_id)

    async with hub.transaction() as connection:
        rows = (await connection.execute(sa.text("SELECT t::text FROM tokens t"))).scalars().all()

    assert len(rows) == 1
    assert value not in rows[0]
    assert value[10:30].encode().hex() not in rows[0]
