"""Promise 29: a token can call what its scopes and level are for, and nothing else, over the wire."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from crossdock.v1.access_pb2 import AccessLevel, Scope
from crossdock.v1.shipment_pb2 import Shipment
from crossdock.v1.shipment_service_pb2 import (
    CreateReturnRequest,
    CreateShipmentRequest,
    QuoteShipmentRequest,
    UpdateShipmentRequest,
)
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceStub

from services.permissions import PERMISSIONS
from services.registry import SERVICERS
from tests.services.accounts import (
    ALL_SCOPES,
    LOCATION_SCOPES,
    Account,
    Metadata,
    bearer,
    make_location,
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


@pytest.mark.parametrize("elsewhere", ["warehouse", "nowhere"])
async def test_a_token_of_one_location_sends_no_goods_back_to_another(
    channel: grpc.aio.Channel, account: Account, elsewhere: str
) -> None:
    here = await make_location(channel, account.metadata, external_id="here")
    await make_location(channel, account.metadata, external_id="warehouse")
    _, local = await make_token(channel, account.metadata, level=LOCATION, location_id=here.id, scopes=LOCATION_SCOPES)
    stub = ShipmentServiceStub(channel)

    def wanted(back_to: str) -> Shipment:
        shipment = Shipment(location_id=here.id, hold=True, return_location_external_id=back_to)
        shipment.consignment.dropoff.address.postal_address.region_code = "US"
        return shipment

    made = (await stub.CreateShipment(CreateShipmentRequest(shipment=wanted("here")), metadata=local)).shipment
    moved = Shipment(id=made.id, return_location_external_id=elsewhere)
    calls: dict[str, list[Callable[[], Awaitable[Any]]]] = {
        "shipment.": [
            lambda: stub.CreateShipment(CreateShipmentRequest(shipment=wanted(elsewhere)), metadata=local),
            lambda: stub.QuoteShipment(QuoteShipmentRequest(shipment=wanted(elsewhere)), metadata=local),
            lambda: stub.UpdateShipment(UpdateShipmentRequest(shipment=moved), metadata=local),
        ],
        "": [
            lambda: stub.CreateReturn(
                CreateReturnRequest(shipment_id=made.id, return_location_external_id=elsewhere), metadata=local
            )
        ],
    }
    for prefix, some in calls.items():
        for call in some:
            with refused("LOCATION_UNKNOWN") as refusal:
                await call()
            assert refusal.metadata == {"field": f"{prefix}return_location_external_id", "value": elsewhere}


async def test_what_the_account_chose_stays_when_a_token_of_the_location_changes_something_else(
    channel: grpc.aio.Channel, account: Account
) -> None:
    here = await make_location(channel, account.metadata)
    await make_location(channel, account.metadata, external_id="warehouse")
    _, local = await make_token(channel, account.metadata, level=LOCATION, location_id=here.id, scopes=LOCATION_SCOPES)
    stub = ShipmentServiceStub(channel)
    shipment = Shipment(location_id=here.id, hold=True, return_location_external_id="warehouse")
    shipment.consignment.dropoff.address.postal_address.region_code = "US"
    created = await stub.CreateShipment(CreateShipmentRequest(shipment=shipment), metadata=account.metadata)
    change = Shipment(id=created.shipment.id)
    change.consignment.dropoff.instructions = "Ring twice"

    request = UpdateShipmentRequest(shipment=change)
    request.update_mask.paths.append("consignment.dropoff.instructions")
    changed = await stub.UpdateShipment(request, metadata=local)
    await stub.QuoteShipment(QuoteShipmentRequest(shipment=Shipment(id=change.id)), metadata=local)

    assert changed.shipment.consignment.dropoff.instructions == "Ring twice"
    assert changed.shipment.return_location_external_id == "warehouse"
