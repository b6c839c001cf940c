"""Gives the demo location its three simulated carriers: webhooks to its sources, a place in the directory; knows no
process.

Each start tells the simulator and the directory the addresses of this run. Carriers are assigned to the location
once, when they are registered: who takes one off keeps it off.
"""

from typing import Any

import grpc
import structlog
from crossdock.simulator.v1 import simulator_service_pb2 as driving
from crossdock.simulator.v1.simulator_pb2 import Endpoint, SimulatedCarrier
from crossdock.v1 import carrier_directory_service_pb2 as directory
from crossdock.v1 import location_service_pb2 as locations
from crossdock.v1.carrier_pb2 import Carrier
from google.protobuf.field_mask_pb2 import FieldMask

from cli.hub.problems import HubNotStarted
from cli.hub_client import HubClient
from cli.simulator_client import SimulatorClient

ADDRESS = ("address", "plaintext", "authorization")

log = structlog.get_logger()


async def connect(ready: dict[str, Any]) -> None:
    """Connects the simulator and the hub of which `ready` tells, as the ready file does. Raises HubNotStarted."""
    try:
        carriers = await _tell_simulator(ready)
        async with HubClient(ready["grpc"], ready["account_token"]) as hub:
            made = [each.name for each in carriers if await _register(hub, each, ready)]
            if made:
                await _assign(hub, ready["location_id"], made)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
            raise HubNotStarted(f"the simulated carriers could not be registered: {error.details()}") from error
        log.warning("carriers are not registered", reason=error.details())


async def _tell_simulator(ready: dict[str, Any]) -> list[SimulatedCarrier]:
    """Where each carrier posts its webhooks; the carriers."""
    async with SimulatorClient(ready["simulator"]["grpc"], ready["simulator"]["key"]) as simulator:
        carriers = (await simulator.call(simulator.stub.ListCarriers, driving.ListCarriersRequest())).carriers
        for each in carriers:
            source = ready["sources"][each.dialect]
            secret = source.get("secret") or source.get("authorization") or ""
            request = driving.ConfigureCarrierRequest(
                carrier=each.name, endpoint=Endpoint(url=source["url"], secret=secret)
            )
            await simulator.call(simulator.stub.ConfigureCarrier, request)
        return list(carriers)


async def _register(hub: HubClient, carrier: SimulatedCarrier, ready: dict[str, Any]) -> bool:
    """Whether the directory did not know it before."""
    wanted = Carrier(
        ref=carrier.name,
        name=carrier.display_name,
        address=ready["simulator"]["grpc"],
        plaintext=True,
        authorization=carrier.authorization,
        dialect=carrier.dialect,
        source_id=ready["sources"][carrier.dialect]["id"],
    )
    try:
        known = await hub.call(hub.carriers.GetCarrier, directory.GetCarrierRequest(carrier_ref=carrier.name))
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        await hub.call(hub.carriers.CreateCarrier, directory.CreateCarrierRequest(carrier=wanted))
        return True
    if known.carrier.address != wanted.address:
        change = directory.UpdateCarrierRequest(carrier=wanted, update_mask=FieldMask(paths=ADDRESS))
        await hub.call(hub.carriers.UpdateCarrier, change)
    return False


async def _assign(hub: HubClient, location_id: str, refs: list[str]) -> None:
    request = locations.GetLocationRequest(location_id=location_id)
    location = (await hub.call(hub.locations.GetLocation, request)).location
    location.carrier_refs.extend(each for each in refs if each not in location.carrier_refs)
    change = locations.UpdateLocationRequest(location=location, update_mask=FieldMask(paths=["carrier_refs"]))
    await hub.call(hub.locations.UpdateLocation, change)
