"""How the methods of the carriers' directory are tried on things of another tenant, and cancelled at every step."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from crossdock.v1 import carrier_directory_service_pb2 as contract
from crossdock.v1.carrier_pb2 import Carrier
from google.protobuf.message import Message

NOWHERE = "127.0.0.1:9"
"""Nobody listens there."""


class Theirs(Protocol):
    """What a foreign caller may try to reach."""

    carrier_ref: str
    location_id: str
    source_id: str


def new_carrier(ref: str, **members: Any) -> Carrier:
    """A carrier that does not answer."""
    return Carrier(ref=ref, name=ref, address=NOWHERE, plaintext=True, **members)


def _create(theirs: Theirs, _: Any) -> Sequence[Message]:
    wanted = new_carrier("another", dialect="skipcart", source_id=theirs.source_id)
    return [contract.CreateCarrierRequest(carrier=wanted)]


HIDING: dict[str, Callable[[Any, Any], Sequence[Message]]] = {
    "CarrierDirectoryService.ListCarriers": lambda theirs, _: [
        contract.ListCarriersRequest(),
        contract.ListCarriersRequest(location_id=theirs.location_id),
    ],
}
NAMING: dict[str, Callable[[Any, Any], Sequence[Message]]] = {
    "CarrierDirectoryService.CreateCarrier": _create,
    "CarrierDirectoryService.GetCarrier": lambda theirs, _: [
        contract.GetCarrierRequest(carrier_ref=theirs.carrier_ref)
    ],
    "CarrierDirectoryService.UpdateCarrier": lambda theirs, _: [
        contract.UpdateCarrierRequest(carrier=Carrier(ref=theirs.carrier_ref, name="x"))
    ],
    "CarrierDirectoryService.DeleteCarrier": lambda theirs, _: [
        contract.DeleteCarrierRequest(carrier_ref=theirs.carrier_ref, etag="0")
    ],
}
"""Requests that name a thing of theirs wherever a request can."""


def _ref(things: Any) -> str:
    return f"sim-{things.reference().value}"


async def _new(things: Any) -> str:
    request = contract.CreateCarrierRequest(carrier=new_carrier(_ref(things)))
    return str((await things.call("CarrierDirectoryService.CreateCarrier", request)).carrier.ref)


async def _to_create(things: Any) -> Message:
    ref = _ref(things)
    carrier = new_carrier(ref, authorization="secret", dialect="skipcart", source_id=things.source)
    return contract.CreateCarrierRequest(carrier=carrier, request_id=ref)


async def _to_update(things: Any) -> Message:
    ref = await _new(things)
    return contract.UpdateCarrierRequest(carrier=Carrier(ref=ref, name="x", authorization="y"), request_id=ref)


async def _to_delete(things: Any) -> Message:
    return contract.DeleteCarrierRequest(carrier_ref=await _new(things))


MUTATING: dict[str, Callable[[Any], Awaitable[Message]]] = {
    "CarrierDirectoryService.CreateCarrier": _to_create,
    "CarrierDirectoryService.UpdateCarrier": _to_update,
    "CarrierDirectoryService.DeleteCarrier": _to_delete,
}
"""A request that would change something."""
