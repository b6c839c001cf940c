"""Tenants to test with: an account with tokens of every level, a location and a way to call."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
import pytest
from crossdock.v1.access_pb2 import AccessLevel, Scope, Tenant, Token
from crossdock.v1.access_service_pb2 import CreateTenantRequest, CreateTokenRequest
from crossdock.v1.access_service_pb2_grpc import AccessServiceStub
from crossdock.v1.location_pb2 import Location
from crossdock.v1.location_service_pb2 import CreateLocationRequest
from crossdock.v1.location_service_pb2_grpc import LocationServiceStub
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.access.grants import ACCOUNT_ONLY

Metadata = tuple[tuple[str, str], ...]
ALL_SCOPES = tuple(value for value in Scope.values() if value)
LOCATION_SCOPES = tuple(value for value in ALL_SCOPES if value not in ACCOUNT_ONLY)


@dataclass
class Refusal:
    """How a call was refused."""

    code: grpc.StatusCode
    reason: str
    metadata: dict[str, str]
    fields: list[str]


@dataclass
class Account:
    """A tenant with one location, and the metadata of an account token and of a token of that location."""

    tenant_id: str
    location_id: str
    metadata: Metadata
    at_location: Metadata
    token_id: str
    system: Metadata


def bearer(value: str) -> Metadata:
    """The metadata of a call with this token."""
    return (("authorization", f"Bearer {value}"),)


async def make_token(channel: grpc.aio.Channel, metadata: Metadata, **members: object) -> tuple[str, Metadata]:
    """A token made by the caller: its id, and the metadata of calls with it."""
    request = CreateTokenRequest(token=Token(**members))  # type: ignore[arg-type]
    made = await AccessServiceStub(channel).CreateToken(request, metadata=metadata)
    return made.token.id, bearer(made.value)


async def open_account(channel: grpc.aio.Channel, system: Metadata, external_id: str) -> Account:
    """A new tenant."""
    tenant = Tenant(external_id=external_id, display_name=external_id)
    made = await AccessServiceStub(channel).CreateTenant(CreateTenantRequest(tenant=tenant), metadata=system)
    for_tenant = (*system, ("x-crossdock-tenant", made.tenant.id))
    token_id, metadata = await make_token(
        channel, for_tenant, level=AccessLevel.ACCESS_LEVEL_ACCOUNT, scopes=ALL_SCOPES
    )
    location = await make_location(channel, metadata, external_id="7709")
    _, at_location = await make_token(
        channel,
        metadata,
        level=AccessLevel.ACCESS_LEVEL_LOCATION,
        location_id=location.id,
        scopes=LOCATION_SCOPES,
    )
    return Account(made.tenant.id, location.id, metadata, at_location, token_id, for_tenant)


async def make_location(channel: grpc.aio.Channel, metadata: Metadata, **members: object) -> Location:
    """A location of the caller's tenant."""
    defaults = {"name": "Chicago", "time_zone": "America/Chicago", "currency_code": "USD"}
    request = CreateLocationRequest(location=Location(**{**defaults, **members}))  # type: ignore[arg-type]
    return (await LocationServiceStub(channel).CreateLocation(request, metadata=metadata)).location


@contextmanager
def refused(reason: str) -> Iterator[Refusal]:
    """Expects the one call inside to be refused for this reason; tells how, after the block."""
    refusal = Refusal(grpc.StatusCode.OK, "", {}, [])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield refusal
    told = refusal_of(caught.value)
    refusal.__dict__.update(told.__dict__)
    assert refusal.reason == reason, caught.value.details()


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    """What an error tells to programs."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    assert status is not None, f"no details: {error.details()}"
    infos, fields = [], []
    for detail in status.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            infos.append(info)
        if detail.Unpack(bad):
            fields += [violation.field for violation in bad.field_violations]
    assert len(infos) == 1
    assert infos[0].domain == "crossdock"
    return Refusal(error.code(), infos[0].reason, dict(infos[0].metadata), fields)
