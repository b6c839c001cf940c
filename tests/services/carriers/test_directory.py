"""The directory of carriers, through the wire."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import carrier_directory_service_pb2 as pb
from crossdock.v1 import location_service_pb2 as locations
from crossdock.v1.carrier_directory_service_pb2_grpc import CarrierDirectoryServiceStub
from crossdock.v1.carrier_pb2 import Carrier, CircuitState
from google.protobuf.field_mask_pb2 import FieldMask

from services.db.dispatch_tables import carriers
from services.server import Server
from tests.services.accounts import refusal_of
from tests.services.carriers.speakers import Speaker
from tests.services.worlds import World

Make = Callable[..., Awaitable[Speaker]]
SECRET = "Bearer of-the-carriers-own-account"


class Directory:
    """The calls of these tests."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stub = CarrierDirectoryServiceStub(world.channel)

    async def create(self, carrier: Carrier, **members: Any) -> pb.CreateCarrierResponse:
        request = pb.CreateCarrierRequest(carrier=carrier, **members)
        return await self.stub.CreateCarrier(request, metadata=self.world.account)

    async def get(self, ref: str) -> Carrier:
        request = pb.GetCarrierRequest(carrier_ref=ref)
        return (await self.stub.GetCarrier(request, metadata=self.world.account)).carrier

    async def update(self, *paths: str, **members: Any) -> Carrier:
        request = pb.UpdateCarrierRequest(carrier=Carrier(**members), update_mask=FieldMask(paths=paths))
        return (await self.stub.UpdateCarrier(request, metadata=self.world.account)).carrier

    async def refs(self, **filters: Any) -> list[str]:
        listed = await self.stub.ListCarriers(pb.ListCarriersRequest(**filters), metadata=self.world.account)
        return [each.ref for each in listed.carriers]

    async def delete(self, ref: str, etag: str = "") -> None:
        await self.stub.DeleteCarrier(pb.DeleteCarrierRequest(carrier_ref=ref, etag=etag), metadata=self.world.account)

    async def assign(self, *refs: str) -> list[str]:
        request = locations.UpdateLocationRequest(update_mask=FieldMask(paths=["carrier_refs"]))
        request.location.id = self.world.location_id
        request.location.carrier_refs.extend(refs)
        await self.world.locations.UpdateLocation(request, metadata=self.world.account)
        return await self.assigned()

    async def assigned(self) -> list[str]:
        request = locations.GetLocationRequest(location_id=self.world.location_id)
        read = await self.world.locations.GetLocation(request, metadata=self.world.account)
        return list(read.location.carrier_refs)


@pytest.fixture
def directory(world: World) -> Directory:
    return Directory(world)


def silent(ref: str = "sim-x", **members: Any) -> Carrier:
    """A carrier that nobody serves."""
    return Carrier(ref=ref, name=ref.upper(), address="127.0.0.1:9", plaintext=True, **members)


async def reason(call: Awaitable[object]) -> str:
    """Why a call is refused, with the fields that its violations name."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    told = refusal_of(refused.value)
    return " ".join([told.reason, *sorted(told.fields)])


async def test_what_a_carrier_says_of_itself_fills_what_is_not_set(directory: Directory, carrier: Make) -> None:
    stand_in = await carrier()
    stand_in.description.dialect = "skipcart"
    stand_in.description.service_levels.add(id="express", type="Express")
    wanted = Carrier(ref="sim-a", name="A", address=stand_in.carrier.address, plaintext=True)
    wanted.service_levels.add(id="standard")

    made = await directory.create(wanted)

    assert made.carrier.dialect == "skipcart"
    assert [each.id for each in made.carrier.service_levels] == ["standard"]
    assert made.carrier.circuit_state == CircuitState.CIRCUIT_STATE_CLOSED
    assert not made.warnings
    assert await directory.get("sim-a") == made.carrier


async def test_a_carrier_that_does_not_answer_is_registered_with_a_warning(directory: Directory) -> None:
    made = await directory.create(silent())

    assert [each.code for each in made.warnings] == ["carrier_silent"]
    assert await directory.refs() == ["sim-x"]


async def test_a_description_that_breaks_the_contract_is_left_out(directory: Directory, carrier: Make) -> None:
    stand_in = await carrier()
    stand_in.description.dialect = "No Dialect At All"

    made = await directory.create(stand_in.carrier)

    assert [each.code for each in made.warnings] == ["carrier_unreadable"]
    assert made.carrier.dialect == ""


async def test_an_authorization_is_sealed_and_never_told_again(
    directory: Directory, carrier: Make, server: Server
) -> None:
    stand_in = await carrier()
    stand_in.carrier.authorization = SECRET

    made = await directory.create(stand_in.carrier, request_id="once")
    changed = await directory.update("name", "authorization", ref="sim-a", name="B", authorization=SECRET)

    assert stand_in.heard == [SECRET]
    assert made.carrier.authorization == changed.authorization == (await directory.get("sim-a")).authorization == ""
    async with server.hub.engine.connect() as connection:
        row = (await connection.execute(sa.select(carriers))).one()
    assert SECRET.encode() not in row.document + row.sealed_authorization
    found = await _found(server, row.tenant_id)
    assert found.authorization == SECRET


async def _found(server: Server, tenant_id: Any) -> Carrier:
    async with server.hub.engine.connect() as connection:
        return (await server.hub.carriers.find(connection, tenant_id, ["sim-a"]))[0]


async def test_a_carrier_that_moves_does_not_take_its_authorization_along(directory: Directory) -> None:
    await directory.create(silent("sim-a", authorization=SECRET))

    moved = directory.update("address", ref="sim-a", address="127.0.0.1:10")
    assert await reason(moved) == "INVALID_REQUEST carrier.authorization"
    clear = directory.update("plaintext", ref="sim-a", plaintext=False)
    assert await reason(clear) == "INVALID_REQUEST carrier.authorization"

    assert (await directory.update("address", "authorization", ref="sim-a", address="127.0.0.1:10")).etag == "2"
    assert (await directory.update("address", ref="sim-a", address="127.0.0.1:11")).address == "127.0.0.1:11"


@pytest.mark.parametrize(
    ("address", "plaintext", "expected"),
    [
        ("carriers.example.com:443", False, ""),
        ("carriers.example.com", False, "INVALID_REQUEST carrier.address"),
        ("https://carriers.example.com:443", False, "INVALID_REQUEST carrier.address"),
        ("unix:/var/run/docker.sock:1", False, "INVALID_REQUEST carrier.address"),
        ("0x7f.1:443", False, "INVALID_REQUEST carrier.address"),
        ("8.8.8.8:443", True, "ADDRESS_NOT_ALLOWED"),
        ("10.0.0.1:443", False, "ADDRESS_NOT_ALLOWED"),
        ("[::1]:443", False, "ADDRESS_NOT_ALLOWED"),
        ("169.254.169.254:80", True, "ADDRESS_NOT_ALLOWED"),
        ("localhost:443", True, ""),
    ],
)
async def test_only_allowed_addresses_are_registered(
    directory: Directory, address: str, plaintext: bool, expected: str
) -> None:
    wanted = Carrier(ref="sim-a", name="A", address=address, plaintext=plaintext)
    call = directory.create(wanted, validate_only=True)

    if expected:
        assert await reason(call) == expected
    else:
        assert (await call).carrier.address == address


async def test_what_a_carrier_needs_is_told_all_at_once(directory: Directory) -> None:
    wanted = Carrier(authorization="no\nheader", source_id="src_x")

    told = await reason(directory.create(wanted))

    assert told == ("INVALID_REQUEST carrier.address carrier.authorization carrier.dialect carrier.name carrier.ref")


async def test_a_ref_is_taken_once_and_a_repeated_call_gets_the_same_answer(directory: Directory) -> None:
    made = await directory.create(silent(), request_id="a")

    assert await directory.create(silent(), request_id="a") == made
    assert await reason(directory.create(silent())) == "DUPLICATE_ID"
    assert await reason(directory.create(silent("sim-y"), request_id="a")) == "REQUEST_ID_REUSED"


async def test_a_source_must_exist_and_speak_the_carriers_dialect(directory: Directory) -> None:
    source = directory.world.sources["PARK"]

    unknown = directory.create(silent(dialect="skipcart", source_id="src_01h45ytscbebyvny4gc8cr8ma2"))
    assert await reason(unknown) == "NOT_FOUND"
    other = directory.create(silent(dialect="ordatic", source_id=source.id))
    assert await reason(other) == "INVALID_REQUEST carrier.dialect"
    assert (await directory.create(silent(dialect="skipcart", source_id=source.id))).carrier.source_id == source.id


async def test_only_the_present_etag_changes_a_carrier(directory: Directory) -> None:
    made = (await directory.create(silent())).carrier

    changed = await directory.update("disabled", ref="sim-x", disabled=True, etag=made.etag)
    same = await directory.update("disabled", ref="sim-x", disabled=True)

    assert (changed.disabled, changed.etag, same.etag) == (True, "2", "2")
    assert await reason(directory.update("name", ref="sim-x", name="B", etag=made.etag)) == "ETAG_MISMATCH"
    assert await reason(directory.update("record", ref="sim-x")) == "INVALID_REQUEST update_mask"
    assert await reason(directory.update("name", ref="sim-x")) == "INVALID_REQUEST carrier.name"
    assert await reason(directory.update("name", ref="nobody", name="B")) == "NOT_FOUND"


async def test_carriers_are_listed_the_youngest_first_and_by_location(directory: Directory) -> None:
    for ref in ("sim-a", "sim-b", "sim-c"):
        await directory.create(silent(ref))
    await directory.assign("sim-c", "sim-a")

    assert await directory.refs() == ["sim-c", "sim-b", "sim-a"]
    assert await directory.refs(location_id=directory.world.location_id) == ["sim-c", "sim-a"]
    page = await directory.stub.ListCarriers(pb.ListCarriersRequest(page_size=2), metadata=directory.world.account)
    assert await directory.refs(page_size=2, page_token=page.next_page_token) == ["sim-a"]


async def test_a_location_is_served_only_by_carriers_that_there_are(directory: Directory) -> None:
    await directory.create(silent("sim-a"))

    assert await reason(directory.assign("sim-a", "sim-b")) == "INVALID_REQUEST location.carrier_refs[1]"
    assert await directory.assign("sim-a") == ["sim-a"]


async def test_a_removed_carrier_serves_no_location(directory: Directory) -> None:
    for ref in ("sim-a", "sim-b"):
        await directory.create(silent(ref))
    await directory.assign("sim-a", "sim-b")

    assert await reason(directory.delete("sim-a", etag="7")) == "ETAG_MISMATCH"
    await directory.delete("sim-a", etag="1")

    assert await directory.assigned() == ["sim-b"]
    assert await directory.refs() == ["sim-b"]
    assert await reason(directory.delete("sim-a")) == "NOT_FOUND"


async def test_a_dry_run_asks_the_carrier_and_stores_nothing(directory: Directory, carrier: Make) -> None:
    stand_in = await carrier()
    stand_in.description.dialect = "skipcart"

    told = await directory.create(stand_in.carrier, validate_only=True)

    assert told.carrier.dialect == "skipcart"
    assert await directory.refs() == []


async def test_a_silent_carrier_does_not_hold_up_its_registration(directory: Directory, carrier: Make) -> None:
    stand_in = await carrier()
    stand_in.does("DescribeCarrier", "hang")

    made = await directory.stub.CreateCarrier(
        pb.CreateCarrierRequest(carrier=stand_in.carrier),
        metadata=directory.world.account,
        timeout=timedelta(seconds=30).total_seconds(),
    )

    assert [each.code for each in made.warnings] == ["carrier_silent"]
