"""Promise 29: a token can call what its scopes and level are for, and nothing else, over the wire."""

import grpc
import pytest
from crossdock.v1.access_pb2 import AccessLevel, Scope

from services.permissions import PERMISSIONS
from services.registry import SERVICERS
from tests.services.accounts import (
    ALL_SCOPES,
    LOCATION_SCOPES,
    Account,
    Metadata,
    bearer,
    make_token,
    refusal_of,
    refused,
)
from tests.services.contract import every_method

ACCOUNT, LOCATION = AccessLevel.ACCESS_LEVEL_ACCOUNT, AccessLevel.ACCESS_LEVEL_LOCATION
SERVED = {each.name for each in SERVICERS}
METHODS = [each for each in every_method() if each.descriptor.containing_service.full_name in SERVED]


async def callable_methods(channel: grpc.aio.Channel, metadata: Metadata) -> set[str]:
    """The methods that an empty request gets further with than the check of scope and level."""
    found = set()
    for method in METHODS:
        try:
            await method.call(channel, method.request_class(), metadata)
        except grpc.aio.AioRpcError as error:
            if refusal_of(error).reason == "SCOPE_MISSING":
                continue
        found.add(method.path)
    return found


@pytest.mark.parametrize("level", [ACCOUNT, LOCATION], ids=["account", "location"])
async def test_a_token_can_call_what_its_one_scope_is_for(
    channel: grpc.aio.Channel, account: Account, level: "AccessLevel.ValueType"
) -> None:
    scopes = ALL_SCOPES if level == ACCOUNT else LOCATION_SCOPES
    location_id = account.location_id if level == LOCATION else ""
    outcomes, expected = {}, {}

    for scope in scopes:
        _, metadata = await make_token(channel, account.metadata, level=level, location_id=location_id, scopes=[scope])
        outcomes[Scope.Name(scope)] = await callable_methods(channel, metadata)
        expected[Scope.Name(scope)] = {
            method.path
            for method in METHODS
            if PERMISSIONS[method.path].level <= level and PERMISSIONS[method.path].scope in (None, scope)
        }

    assert outcomes == expected
    assert len(outcomes) == len(scopes)


async def test_without_a_token_nothing_can_be_called(channel: grpc.aio.Channel) -> None:
    for metadata in ((), bearer("xd_junk"), (("authorization", "Basic eDp5"),)):
        for method in METHODS:
            with refused("TOKEN_INVALID") as refusal:
                await method.call(channel, method.request_class(), metadata)
            assert refusal.code == grpc.StatusCode.UNAUTHENTICATED
