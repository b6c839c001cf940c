"""What happens to addresses that tell no position, when a shipment is made and when it is changed."""

from typing import Any

import grpc
import pytest
from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.contact_pb2 import Address
from crossdock.v1.shipment_pb2 import Shipment
from google.type.latlng_pb2 import LatLng

from services.registry import SERVICERS
from services.shipments.geocoding import NoSuchPlace, Offline
from tests.services.accounts import Account, Metadata, open_account, refused
from tests.services.conftest import Serve
from tests.services.shipments.shops import Shop

CHICAGO = (41.8858, -87.6181)
DROPOFF = "shipment.consignment.dropoff.address"


def address(postal_code: str = "", region_code: str = "US", **members: Any) -> Address:
    made = Address(**members)
    made.postal_address.address_lines.append("725 Albany Street")
    made.postal_address.postal_code, made.postal_address.region_code = postal_code, region_code
    return made


def to(told: Address) -> Shipment:
    """A shipment to this address."""
    shipment = Shipment()
    shipment.consignment.dropoff.address.CopyFrom(told)
    return shipment


async def create(shop: Shop, told: Address, **members: Any) -> pb.CreateShipmentResponse:
    request = pb.CreateShipmentRequest(shipment=shop.wanted(consignment=to(told).consignment), **members)
    return await shop.stub.CreateShipment(request, metadata=shop.account.metadata)


def position_of(shipment: Shipment) -> tuple[float, float] | None:
    told = shipment.consignment.dropoff.address
    return (told.position.latitude, told.position.longitude) if told.HasField("position") else None


@pytest.fixture
async def shop_with(serve: Serve, system: Metadata) -> Any:
    """A tenant on a server with other settings."""

    async def make(**settings: Any) -> Shop:
        _, channel = await serve(*SERVICERS, **settings)
        account: Account = await open_account(channel, system, "acme")
        return Shop(channel, account)

    return make


@pytest.mark.parametrize("code", ["60601", "60601-3456", "606013456", " 60601 "])
def test_a_us_postal_code_is_read_in_each_of_its_forms(code: str) -> None:
    found = Offline().find(address(code).postal_address)

    assert found is not None
    assert (found.latitude, found.longitude) == pytest.approx(CHICAGO, abs=0.01)


@pytest.mark.parametrize("code", ["99999", "6060", "ABCDE", "\uff16\uff10\uff16\uff10\uff11", "60601-12"])
def test_a_us_postal_code_that_cannot_be_right_is_told_so(code: str) -> None:
    with pytest.raises(NoSuchPlace):
        Offline().find(address(code).postal_address)


@pytest.mark.parametrize("told", [address("75001", "FR"), address(""), address("09012"), address("60601", "")])
def test_of_all_else_the_offline_geocoder_knows_nothing(told: Address) -> None:
    assert Offline().find(told.postal_address) is None


async def test_an_address_is_placed_and_says_that_its_position_was_inferred(shop: Shop) -> None:
    answer = await create(shop, address("60601"))

    assert position_of(answer.shipment) == pytest.approx(CHICAGO, abs=0.01)
    assert answer.shipment.consignment.dropoff.address.position_inferred
    assert not answer.warnings
    assert await shop.get(answer.shipment.id) == answer.shipment


async def test_a_told_position_stays(shop: Shop) -> None:
    told = address("60601", position=LatLng(latitude=41.9, longitude=-87.7))

    answer = await create(shop, told)

    assert answer.shipment.consignment.dropoff.address == told


async def test_the_pickup_is_placed_by_its_locations_address(shop: Shop) -> None:
    await shop.location("301", address=address("77379"))

    made = await shop.create(location_external_id="301")

    assert made.consignment.pickup.address.position.latitude == pytest.approx(30.04, abs=0.05)


async def test_an_address_that_cannot_be_right_is_refused(shop: Shop) -> None:
    with refused("GEOCODING_FAILED") as refusal:
        await create(shop, address("99999"))

    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.metadata == {"field": DROPOFF}


async def test_what_the_geocoder_knows_nothing_of_is_stored_with_a_warning(shop: Shop) -> None:
    answer = await create(shop, address("75001", "FR"))

    assert answer.shipment.consignment.dropoff.address == address("75001", "FR")
    assert [(each.code, each.field) for each in answer.warnings] == [("position_unknown", DROPOFF)]


async def test_a_synchronous_dispatch_keeps_the_warning(shop: Shop) -> None:
    wanted = shop.wanted(consignment=to(address("75001", "FR")).consignment)
    wanted.hold = False
    wanted.release_time.FromJsonString("2100-01-01T00:00:00Z")

    answer = await shop.stub.CreateShipment(pb.CreateShipmentRequest(shipment=wanted), metadata=shop.account.metadata)

    assert [each.code for each in answer.warnings] == ["position_unknown"]


async def test_a_new_address_is_placed_anew_and_others_are_left_alone(shop: Shop) -> None:
    made = (await create(shop, address("60601"))).shipment

    moved = await shop.update(made.id, "consignment.dropoff.address", consignment=to(address("77379")).consignment)
    remarked = await shop.update(made.id, "signature", signature="required")

    assert position_of(moved) == pytest.approx((30.04, -95.53), abs=0.05)
    assert position_of(remarked) == position_of(moved)


async def test_an_inferred_position_is_not_taken_for_a_told_one(shop: Shop) -> None:
    made = (await create(shop, address("60601"))).shipment
    sent_back = made.consignment.dropoff.address
    sent_back.postal_address.postal_code = "77379"

    moved = await shop.update(made.id, "consignment.dropoff.address", consignment=to(sent_back).consignment)

    assert position_of(moved) == pytest.approx((30.04, -95.53), abs=0.05)


async def test_a_change_to_an_address_that_cannot_be_right_is_refused_and_changes_nothing(shop: Shop) -> None:
    made = (await create(shop, address("60601"))).shipment

    with refused("GEOCODING_FAILED"):
        await shop.update(made.id, "consignment.dropoff.address", consignment=to(address("99999")).consignment)

    assert await shop.get(made.id) == made


async def test_a_change_to_another_country_warns(shop: Shop) -> None:
    made = (await create(shop, address("60601"))).shipment
    request = pb.UpdateShipmentRequest(shipment=to(address("75001", "FR")))
    request.shipment.id = made.id
    request.update_mask.paths.append("consignment.dropoff.address")

    answer = await shop.stub.UpdateShipment(request, metadata=shop.account.metadata)

    assert position_of(answer.shipment) is None
    assert not answer.shipment.consignment.dropoff.address.position_inferred
    assert [each.code for each in answer.warnings] == ["position_unknown"]


async def test_a_dry_run_is_refused_as_well(shop: Shop) -> None:
    request = pb.QuoteShipmentRequest(shipment=shop.wanted(consignment=to(address("99999")).consignment))

    with refused("GEOCODING_FAILED"):
        await shop.stub.QuoteShipment(request, metadata=shop.account.metadata)


async def test_where_positions_are_required_there_is_no_shipment_without(shop_with: Any) -> None:
    shop = await shop_with(geocoding_required=True)

    with refused("GEOCODING_FAILED"):
        await create(shop, address("75001", "FR"))
    answer = await create(shop, address("75001", "FR", position=LatLng(latitude=48.86, longitude=2.34)))

    assert position_of(answer.shipment) == (48.86, 2.34)
    assert position_of((await create(shop, address("60601"))).shipment) == pytest.approx(CHICAGO, abs=0.01)


async def test_without_geocoder_nothing_is_looked_for_and_nobody_is_warned(shop_with: Any) -> None:
    shop = await shop_with(geocoder="none")

    answer = await create(shop, address("99999"))

    assert position_of(answer.shipment) is None
    assert not answer.warnings
