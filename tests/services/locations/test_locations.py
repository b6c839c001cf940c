import asyncio

import grpc
import pytest
from crossdock.v1 import location_service_pb2 as contract
from crossdock.v1.carrier_directory_service_pb2 import CreateCarrierRequest
from crossdock.v1.carrier_directory_service_pb2_grpc import CarrierDirectoryServiceStub
from crossdock.v1.contact_pb2 import Contact, Phone
from crossdock.v1.location_pb2 import Location
from crossdock.v1.location_service_pb2_grpc import LocationServiceStub
from google.protobuf.field_mask_pb2 import FieldMask

from tests.services.accounts import Account, make_location, refused
from tests.services.carrier_requests import new_carrier

NEW = Location(name="Paris", time_zone="Europe/Paris", currency_code="EUR", external_id="1")


@pytest.fixture
def locations(channel: grpc.aio.Channel) -> LocationServiceStub:
    return LocationServiceStub(channel)


async def test_a_location_is_read_as_it_was_stored(locations: LocationServiceStub, account: Account) -> None:
    made = await locations.CreateLocation(contract.CreateLocationRequest(location=NEW), metadata=account.metadata)
    read = await locations.GetLocation(
        contract.GetLocationRequest(location_id=made.location.id), metadata=account.metadata
    )

    assert read.location == made.location
    assert read.location.id.startswith("loc_")
    assert read.location.etag == "1"
    assert read.location.create_time == read.location.update_time
    assert read.location.create_time.seconds > 0


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"name": ""}, "location.name"),
        ({"time_zone": ""}, "location.time_zone"),
        ({"time_zone": "Mars/Olympus"}, "location.time_zone"),
        ({"time_zone": "localtime"}, "location.time_zone"),
        ({"time_zone": "../UTC"}, "location.time_zone"),
        ({"currency_code": ""}, "location.currency_code"),
        ({"currency_code": "ZZZ"}, "location.currency_code"),
        ({"external_id": "a\0b"}, "location.external_id"),
    ],
)
async def test_what_a_location_lacks_is_named(
    locations: LocationServiceStub, account: Account, members: dict[str, str], field: str
) -> None:
    location = Location()
    location.CopyFrom(NEW)
    for name, value in members.items():
        setattr(location, name, value)

    with refused("INVALID_REQUEST") as refusal:
        await locations.CreateLocation(contract.CreateLocationRequest(location=location), metadata=account.metadata)

    assert refusal.fields == [field]


async def test_external_ids_are_unique_within_a_tenant_and_not_beyond(
    channel: grpc.aio.Channel, locations: LocationServiceStub, account: Account, other_account: Account
) -> None:
    await make_location(channel, account.metadata, external_id="1")
    await make_location(channel, other_account.metadata, external_id="1")
    await make_location(channel, account.metadata)
    second = await make_location(channel, account.metadata)

    with refused("DUPLICATE_ID"):
        await make_location(channel, account.metadata, external_id="1")
    with refused("DUPLICATE_ID") as refusal:
        await locations.UpdateLocation(
            contract.UpdateLocationRequest(location=Location(id=second.id, external_id="1")),
            metadata=account.metadata,
        )
    assert refusal.metadata == {"resource": "location", "field": "external_id", "value": "1"}


async def test_creating_can_be_repeated_at_once(locations: LocationServiceStub, account: Account) -> None:
    request = contract.CreateLocationRequest(location=NEW, request_id="r1")

    calls = (locations.CreateLocation(request, metadata=account.metadata) for _ in range(16))
    answers = await asyncio.gather(*calls)

    assert len({answer.location.id for answer in answers}) == 1
    other = contract.CreateLocationRequest(location=Location(name="x"), request_id="r1")
    with refused("REQUEST_ID_REUSED"):
        await locations.CreateLocation(other, metadata=account.metadata)


async def test_an_update_changes_what_the_mask_names(
    channel: grpc.aio.Channel, locations: LocationServiceStub, account: Account
) -> None:
    wanted = CreateCarrierRequest(carrier=new_carrier("ups"))
    await CarrierDirectoryServiceStub(channel).CreateCarrier(wanted, metadata=account.metadata)
    made = await make_location(
        channel, account.metadata, contact=Contact(name="Jane", phone=Phone(raw="555")), carrier_refs=["ups"]
    )
    update = Location(id=made.id, name="New", contact=Contact(email="j@example.com"))
    mask = FieldMask(paths=["contact.email", "carrier_refs"])

    after = await locations.UpdateLocation(
        contract.UpdateLocationRequest(location=update, update_mask=mask), metadata=account.metadata
    )

    assert after.location.name == "Chicago"
    assert after.location.contact == Contact(name="Jane", phone=Phone(raw="555"), email="j@example.com")
    assert list(after.location.carrier_refs) == []
    assert after.location.etag == "2"
    assert after.location.update_time != after.location.create_time


async def test_an_update_that_changes_nothing_leaves_the_etag(
    channel: grpc.aio.Channel, locations: LocationServiceStub, account: Account
) -> None:
    made = await make_location(channel, account.metadata)

    after = await locations.UpdateLocation(contract.UpdateLocationRequest(location=made), metadata=account.metadata)

    assert after.location == made


async def test_of_many_writers_with_one_etag_one_wins(
    channel: grpc.aio.Channel, locations: LocationServiceStub, account: Account
) -> None:
    made = await make_location(channel, account.metadata)
    updates = [Location(id=made.id, etag=made.etag, name=f"Name {n}") for n in range(8)]

    outcomes = await asyncio.gather(
        *(
            locations.UpdateLocation(contract.UpdateLocationRequest(location=update), metadata=account.metadata)
            for update in updates
        ),
        return_exceptions=True,
    )

    failed = [each for each in outcomes if isinstance(each, grpc.aio.AioRpcError)]
    assert len(failed) == 7
    assert {each.code() for each in failed} == {grpc.StatusCode.ABORTED}


@pytest.mark.parametrize(
    ("path", "reason"),
    [("id", "INVALID_REQUEST"), ("etag", "INVALID_REQUEST"), ("name", "INVALID_REQUEST"), ("x", "INVALID_REQUEST")],
)
async def test_an_update_that_cannot_be_is_refused(
    locations: LocationServiceStub, account: Account, path: str, reason: str
) -> None:
    request = contract.UpdateLocationRequest(
        location=Location(id=account.location_id), update_mask=FieldMask(paths=[path])
    )

    with refused(reason):
        await locations.UpdateLocation(request, metadata=account.metadata)


async def test_a_token_of_one_location_sees_that_one(
    channel: grpc.aio.Channel, locations: LocationServiceStub, account: Account
) -> None:
    sister = await make_location(channel, account.metadata)

    listed = await locations.ListLocations(contract.ListLocationsRequest(), metadata=account.at_location)

    assert [location.id for location in listed.locations] == [account.location_id]
    with refused("NOT_FOUND"):
        await locations.GetLocation(contract.GetLocationRequest(location_id=sister.id), metadata=account.at_location)
    with refused("SCOPE_MISSING"):
        await make_location(channel, account.at_location)


async def test_a_list_can_be_asked_for_one_external_id(
    channel: grpc.aio.Channel, locations: LocationServiceStub, account: Account
) -> None:
    await make_location(channel, account.metadata, external_id="1")

    listed = await locations.ListLocations(contract.ListLocationsRequest(external_id="7709"), metadata=account.metadata)

    assert [location.id for location in listed.locations] == [account.location_id]


async def test_goods_return_to_a_location_that_exists(
    channel: grpc.aio.Channel, account: Account, other_account: Account
) -> None:
    made = await make_location(channel, account.metadata, return_location_id=account.location_id)
    assert made.return_location_id == account.location_id

    with refused("NOT_FOUND"):
        await make_location(channel, account.metadata, return_location_id=other_account.location_id)
