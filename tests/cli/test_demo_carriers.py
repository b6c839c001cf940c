"""How the simulated carriers reach the demo location, with a directory that stands in for the hub's."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from crossdock.v1 import carrier_directory_service_pb2 as directory
from crossdock.v1 import location_service_pb2 as locations
from crossdock.v1.carrier_directory_service_pb2_grpc import (
    CarrierDirectoryServiceServicer,
    add_CarrierDirectoryServiceServicer_to_server,
)
from crossdock.v1.carrier_pb2 import Carrier
from crossdock.v1.location_pb2 import Location
from crossdock.v1.location_service_pb2_grpc import LocationServiceServicer, add_LocationServiceServicer_to_server

from cli.hub import demo_carriers
from tests.carriers.worlds import KEY, World, running_simulator

Context = grpc.aio.ServicerContext[Any, Any]
SOURCES = {
    "skipcart": {"id": "src_1", "url": "http://127.0.0.1:8080/webhooks/skipcart/src_1/s3cret", "path_secret": "s3cret"},
    "evermile": {"id": "src_2", "url": "http://127.0.0.1:8080/webhooks/evermile/src_2", "secret": "whsec_MTIz"},
    "ordatic": {"id": "src_3", "url": "http://127.0.0.1:8080/webhooks/ordatic/src_3", "authorization": "abc"},
}


class StandIn(CarrierDirectoryServiceServicer, LocationServiceServicer):
    """Keeps carriers and one location, as the hub does."""

    def __init__(self) -> None:
        self.carriers: dict[str, Carrier] = {}
        self.location = Location(id="loc_1", carrier_refs=["ours"])

    async def GetCarrier(self, request: directory.GetCarrierRequest, context: Context) -> directory.GetCarrierResponse:
        if request.carrier_ref not in self.carriers:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such carrier")
        return directory.GetCarrierResponse(carrier=self.carriers[request.carrier_ref])

    async def CreateCarrier(
        self, request: directory.CreateCarrierRequest, context: Context
    ) -> directory.CreateCarrierResponse:
        self.carriers[request.carrier.ref] = request.carrier
        return directory.CreateCarrierResponse(carrier=request.carrier)

    async def UpdateCarrier(
        self, request: directory.UpdateCarrierRequest, context: Context
    ) -> directory.UpdateCarrierResponse:
        kept = self.carriers[request.carrier.ref]
        for path in request.update_mask.paths:
            setattr(kept, path, getattr(request.carrier, path))
        return directory.UpdateCarrierResponse(carrier=kept)

    async def GetLocation(
        self, request: locations.GetLocationRequest, context: Context
    ) -> locations.GetLocationResponse:
        return locations.GetLocationResponse(location=self.location)

    async def UpdateLocation(
        self, request: locations.UpdateLocationRequest, context: Context
    ) -> locations.UpdateLocationResponse:
        assert list(request.update_mask.paths) == ["carrier_refs"]
        self.location.CopyFrom(request.location)
        return locations.UpdateLocationResponse(location=self.location)


@pytest.fixture
async def simulator() -> AsyncIterator[World]:
    async with running_simulator() as world:
        yield world


@pytest.fixture
def hub() -> StandIn:
    return StandIn()  # type: ignore[abstract]  # methods that no test calls are not there


@pytest.fixture
async def ready(simulator: World, hub: StandIn) -> AsyncIterator[dict[str, Any]]:
    server = grpc.aio.server()
    add_CarrierDirectoryServiceServicer_to_server(hub, server)
    add_LocationServiceServicer_to_server(hub, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield {
        "grpc": f"127.0.0.1:{port}",
        "account_token": "xd_1",
        "location_id": "loc_1",
        "sources": SOURCES,
        "simulator": {"grpc": simulator.address, "key": KEY},
    }
    await server.stop(0)


async def test_every_carrier_is_registered_with_what_it_takes_to_call_it(
    ready: dict[str, Any], hub: StandIn, simulator: World
) -> None:
    await demo_carriers.connect(ready)

    assert list(hub.location.carrier_refs) == ["ours", "swift", "evergreen", "pronto"]
    for name, carrier in hub.carriers.items():
        assert (carrier.address, carrier.plaintext) == (simulator.address, True)
        assert carrier.source_id == SOURCES[carrier.dialect]["id"]
        simulator.carrier(name).metadata = (("authorization", carrier.authorization),)
        assert (await simulator.carrier(name).describe()).name == carrier.name


async def test_every_carrier_knows_where_to_post(ready: dict[str, Any], simulator: World) -> None:
    await demo_carriers.connect(ready)

    told = {each.dialect: each.endpoint.url for each in await simulator.carriers()}
    assert told == {dialect: source["url"] for dialect, source in SOURCES.items()}


async def test_a_simulator_that_is_elsewhere_now_is_found_and_nobody_is_assigned_again(
    ready: dict[str, Any], hub: StandIn, simulator: World
) -> None:
    await demo_carriers.connect(ready)
    hub.location.carrier_refs.remove("pronto")
    hub.carriers["swift"].address = "127.0.0.1:1"
    hub.carriers["swift"].display_name = "Our own word for it"

    await demo_carriers.connect(ready)

    assert list(hub.location.carrier_refs) == ["ours", "swift", "evergreen"]
    swift = hub.carriers["swift"]
    assert (swift.address, swift.display_name) == (simulator.address, "Our own word for it")
