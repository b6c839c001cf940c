"""Which carrier simulator a command talks to, and by which name it knows a shipment; knows no command."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import grpc
import typer
from crossdock.v1 import shipment_service_pb2 as shipments

from cli.connection import as_caller, call
from cli.hub.folders import Folder, default_data_dir, read_document
from cli.output import complain
from cli.refusals import Refusal
from cli.simulator_client import SimulatorClient

T = TypeVar("T")

DEFAULT_ADDRESS = "127.0.0.1:7410"

Simulator = Annotated[
    str,
    typer.Option(
        "--simulator",
        envvar="CROSSDOCK_SIMULATOR",
        metavar="HOST:PORT",
        help=f"The simulator's gRPC. By default that of the hub on this machine, or {DEFAULT_ADDRESS}.",
        show_default=False,
    ),
]
Key = Annotated[
    str,
    typer.Option(
        "--key", envvar="CROSSDOCK_SIMULATOR_KEY", metavar="KEY", help="The simulator's key.", show_default=False
    ),
]


def call_simulator(address: str, key: str, action: Callable[[SimulatorClient], Awaitable[T]]) -> T:
    """What `action` makes of an open channel. A refused call ends the command with a line and its exit code."""
    found = _running()
    if not address or address == found.get("grpc"):
        key = key or str(found.get("key", ""))
    address = address or str(found.get("grpc", "")) or DEFAULT_ADDRESS

    async def acting() -> T:
        async with SimulatorClient(address, key) as client:
            return await action(client)

    try:
        return asyncio.run(acting())
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            complain(f"no simulator answers at {address}: `crossdock up` runs one")
            raise typer.Exit(5) from None
        refusal = Refusal.of(error)
        for line in refusal.lines(address):
            complain(line)
        raise typer.Exit(refusal.exit_code) from None


def find_delivery(name: str, server: str, token: str, tls: bool) -> str:
    """The delivery of a shipment, by which carriers know it; any other name as it is."""
    if not name.startswith("shp_"):
        return name
    request = shipments.GetShipmentRequest(shipment_id=name)
    found = call(as_caller(server, token, tls), lambda hub: hub.call(hub.shipments.GetShipment, request))
    if not found.shipment.delivery_id:
        complain(f"{name} is booked with nobody yet")
        raise typer.Exit(6)
    return found.shipment.delivery_id


def _running() -> dict[str, object]:
    told = (read_document(Folder(default_data_dir()).running) or {}).get("simulator")
    return told if isinstance(told, dict) else {}
