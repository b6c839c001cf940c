import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from crossdock.v1 import access_service_pb2 as contract
from crossdock.v1.access_pb2 import AccessLevel, Scope, Tenant, Token
from crossdock.v1.access_service_pb2_grpc import AccessServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from tests.services.accounts import ALL_SCOPES, Account, Metadata, bearer, make_token, refusal_of, refused

ACCOUNT, LOCATION, SYSTEM = (
    AccessLevel.ACCESS_LEVEL_ACCOUNT,
    AccessLevel.ACCESS_LEVEL_LOCATION,
    AccessLevel.ACCESS_LEVEL_SYSTEM,
)
READ = Scope.SCOPE_ORDERS_READ


@pytest.fixture
def access(channel: grpc.aio.Channel) -> AccessServiceStub:
    return AccessServiceStub(channel)


async def test_a_tenant_is_made_once_per_external_id(
    access: AccessServiceStub, account: Account, system: Metadata
) -> None:
    request = contract.CreateTenantRequest(tenant=Tenant(external_id="dummyaccount1"))

    with refused("DUPLICATE_ID") as refusal:
        await access.CreateTenant(request, metadata=system)

    assert refusal.code == grpc.StatusCode.ALREADY_EXISTS
    assert refusal.metadata == {"resource": "tenant", "field": "external_id", "value": "dummyaccount1"}


async def test_making_a_tenant_can_be_repeated(access: AccessServiceStub, system: Metadata) -> None:
    request = contract.CreateTenantRequest(tenant=Tenant(external_id="one"), request_id="r1")

    answers = await asyncio.gather(*(access.CreateTenant(request, metadata=system) for _ in range(8)))

    assert len({answer.tenant.id for answer in answers}) == 1
    listed = await access.ListTenants(contract.ListTenantsRequest(), metadata=system)
    assert [tenant.external_id for tenant in listed.tenants] == ["one"]


async def test_a_tenant_needs_an_external_id(access: AccessServiceStub, system: Metadata) -> None:
    with refused("INVALID_REQUEST") as refusal:
        await access.CreateTenant(contract.CreateTenantRequest(tenant=Tenant()), metadata=system)

    assert refusal.fields == ["tenant.external_id"]


async def test_a_caller_reads_its_own_tenant_and_no_other(
    access: AccessServiceStub, account: Account, other_account: Account, system: Metadata
) -> None:
    own = contract.GetTenantRequest(tenant_id=account.tenant_id)
    other = contract.GetTenantRequest(tenant_id=other_account.tenant_id)

    assert (await access.GetTenant(own, metadata=account.metadata)).tenant.external_id == "dummyaccount1"
    assert (await access.GetTenant(other, metadata=system)).tenant.external_id == "dummyaccount2"
    with refused("NOT_FOUND"):
        await access.GetTenant(other, metadata=account.metadata)


async def test_get_caller_tells_who_calls(access: AccessServiceStub, account: Account, system: Metadata) -> None:
    request = contract.GetCallerRequest()

    ours = await access.GetCaller(request, metadata=account.metadata)
    deployment = await access.GetCaller(request, metadata=system)
    acting = await access.GetCaller(request, metadata=account.system)

    assert (ours.tenant.id, ours.token.id, ours.level) == (account.tenant_id, account.token_id, ACCOUNT)
    assert not deployment.HasField("tenant")
    assert not deployment.HasField("token")
    assert deployment.level == SYSTEM
    assert (acting.tenant.id, acting.level) == (account.tenant_id, SYSTEM)


async def test_a_tokens_value_is_told_once_and_shown_by_its_prefix(access: AccessServiceStub, account: Account) -> None:
    wanted = Token(level=ACCOUNT, scopes=[READ], display_name="a till")

    made = await access.CreateToken(contract.CreateTokenRequest(token=wanted), metadata=account.metadata)
    listed = await access.ListTokens(contract.ListTokensRequest(), metadata=account.metadata)

    assert made.value.startswith(made.token.prefix)
    assert listed.tokens[0] == made.token
    assert made.value not in str(listed)
    caller = await access.GetCaller(contract.GetCallerRequest(), metadata=bearer(made.value))
    assert caller.token == made.token


@pytest.mark.parametrize(
    ("token", "fields"),
    [
        (Token(), ["token.level", "token.scopes"]),
        (Token(level=SYSTEM, scopes=[READ]), ["token.level"]),
        (Token(level=LOCATION, scopes=[READ]), ["token.location_id"]),
        (Token(level=ACCOUNT, scopes=[READ], location_id="loc_x"), ["token.location_id"]),
        (
            Token(
                level=LOCATION,
                location_id="loc_x",
                scopes=[Scope.SCOPE_WEBHOOKS_READ, Scope.SCOPE_ACCESS_WRITE],
            ),
            ["token.scopes", "token.scopes"],
        ),
        (Token(level=ACCOUNT, scopes=[READ], expire_time=Timestamp(seconds=1)), ["token.expire_time"]),
        (Token(level=ACCOUNT, scopes=[READ, Scope.SCOPE_UNSPECIFIED]), ["token.scopes"]),
    ],
)
async def test_a_token_that_cannot_be_is_refused_with_its_fields(
    access: AccessServiceStub, account: Account, token: Token, fields: list[str]
) -> None:
    with refused("INVALID_REQUEST") as refusal:
        await access.CreateToken(contract.CreateTokenRequest(token=token), metadata=account.metadata)

    assert refusal.fields == fields


async def test_a_token_never_has_more_scopes_than_its_maker(
    channel: grpc.aio.Channel, access: AccessServiceStub, account: Account
) -> None:
    held = (Scope.SCOPE_ACCESS_WRITE, READ)
    _, maker = await make_token(channel, account.metadata, level=ACCOUNT, scopes=held)

    for scope in ALL_SCOPES:
        request = contract.CreateTokenRequest(token=Token(level=ACCOUNT, scopes=[scope]))
        if scope in held:
            await access.CreateToken(request, metadata=maker)
        else:
            with refused("SCOPE_MISSING") as refusal:
                await access.CreateToken(request, metadata=maker)
            assert refusal.metadata["scope"] == Scope.Name(scope)


async def test_a_token_is_for_a_location_of_the_tenant(
    access: AccessServiceStub, account: Account, other_account: Account
) -> None:
    for location_id in (other_account.location_id, "loc_x"):
        token = Token(level=LOCATION, location_id=location_id, scopes=[READ])
        with refused("NOT_FOUND") as refusal:
            await access.CreateToken(contract.CreateTokenRequest(token=token), metadata=account.metadata)
        assert refusal.metadata == {"resource": "location", "id": location_id}


async def test_a_revoked_token_is_refused_within_two_seconds_and_listed_on_request(
    channel: grpc.aio.Channel, access: AccessServiceStub, account: Account
) -> None:
    token_id, metadata = await make_token(channel, account.metadata, level=ACCOUNT, scopes=[READ])
    await access.GetCaller(contract.GetCallerRequest(), metadata=metadata)

    request = contract.RevokeTokenRequest(token_id=token_id)
    first = await access.RevokeToken(request, metadata=account.metadata)
    second = await access.RevokeToken(request, metadata=account.metadata)

    assert first == second
    async with asyncio.timeout(60):
        while True:
            try:
                await access.GetCaller(contract.GetCallerRequest(), metadata=metadata)
            except grpc.aio.AioRpcError as error:
                assert refusal_of(error).reason == "TOKEN_ENDED"  # noqa: PT017  it is polled for
                break
    live = await access.ListTokens(contract.ListTokensRequest(), metadata=account.metadata)
    every = await access.ListTokens(contract.ListTokensRequest(show_ended=True), metadata=account.metadata)
    assert token_id not in {token.id for token in live.tokens}
    assert token_id in {token.id for token in every.tokens}


async def test_a_token_with_an_end_works_until_then(channel: grpc.aio.Channel, account: Account) -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    _, metadata = await make_token(channel, account.metadata, level=ACCOUNT, scopes=[READ], expire_time=end)

    caller = await AccessServiceStub(channel).GetCaller(contract.GetCallerRequest(), metadata=metadata)

    assert caller.token.expire_time.ToDatetime(tzinfo=UTC) == end


async def test_pages_of_tokens_are_complete(
    channel: grpc.aio.Channel, access: AccessServiceStub, account: Account
) -> None:
    made = [(await make_token(channel, account.metadata, level=ACCOUNT, scopes=[READ]))[0] for _ in range(5)]
    seen, token = [], ""
    while True:
        request = contract.ListTokensRequest(page_size=2, page_token=token)
        page = await access.ListTokens(request, metadata=account.metadata)
        seen += [each.id for each in page.tokens]
        token = page.next_page_token
        if not token:
            break

    assert seen[:5] == made[::-1]
    assert len(seen) == 7
