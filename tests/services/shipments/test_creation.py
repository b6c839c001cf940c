import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.access_pb2 import AccessLevel
from crossdock.v1.contact_pb2 import Address, Contact
from crossdock.v1.delivery_pb2 import DeliveryStatus
from crossdock.v1.location_service_pb2 import UpdateLocationRequest
from crossdock.v1.location_service_pb2_grpc import LocationServiceStub
from crossdock.v1.order_pb2 import Order
from crossdock.v1.order_service_pb2 import CreateOrderRequest
from crossdock.v1.order_service_pb2_grpc import OrderServiceStub
from crossdock.v1.proof_pb2 import ProofKind
from crossdock.v1.shipment_pb2 import Shipment, ShipmentPhase
from crossdock.v1.window_pb2 import TimeWindow, WindowKind
from google.protobuf.timestamp_pb2 import Timestamp

from services import times
from services.hub import Hub
from tests.services.accounts import LOCATION_SCOPES, Account, make_token, refused
from tests.services.shipments.shops import Shop

HELD = ShipmentPhase.SHIPMENT_PHASE_HELD
REQUESTED = WindowKind.WINDOW_KIND_REQUESTED


def address(line: str) -> Address:
    made = Address()
    made.postal_address.address_lines.append(line)
    made.postal_address.region_code = "US"
    return made


def window(start: int | None = None, end: int | None = None, kind: "WindowKind.ValueType" = REQUESTED) -> TimeWindow:
    """A window that begins and ends so many hours from now."""
    made, now = TimeWindow(kind=kind), datetime.now(UTC)
    if start is not None:
        times.set_timestamp(made.start_time, now + timedelta(hours=start))
    if end is not None:
        times.set_timestamp(made.end_time, now + timedelta(hours=end))
    return made


async def test_a_shipment_is_read_as_it_was_stored(shop: Shop) -> None:
    made = await shop.create("7709-001", group_id="G", signature="not_required")

    by_id = await shop.get(made.id)
    request = pb.GetShipmentByExternalIdRequest(external_id="7709-001")
    by_name = (await shop.stub.GetShipmentByExternalId(request, metadata=shop.account.metadata)).shipment

    assert by_id == by_name == made
    assert (made.phase, made.status, made.etag) == (HELD, DeliveryStatus.DELIVERY_STATUS_CREATED, "1")
    assert made.created_by == shop.account.token_id
    assert made.currency_code == "USD"
    assert made.create_time == made.update_time == made.status_time


async def test_what_is_asked_for_is_an_event_and_the_first_step_of_the_history(shop: Shop) -> None:
    made = await shop.create("7709-001")

    (event,) = await shop.events(made.id)
    (step,) = await shop.history(made.id)

    assert (event.number, event.shipment_phase, event.delivery_id) == (1, HELD, "")
    assert event.location_id == shop.account.location_id
    assert event.actor.id == shop.account.token_id
    assert (step.phase, step.status, step.time) == (HELD, DeliveryStatus.DELIVERY_STATUS_CREATED, made.create_time)


@pytest.mark.parametrize(
    ("members", "phase"),
    [
        ({"hold": True}, ShipmentPhase.SHIPMENT_PHASE_HELD),
        ({"hold": False, "release_time": Timestamp(seconds=4_000_000_000)}, ShipmentPhase.SHIPMENT_PHASE_SCHEDULED),
        ({"hold": True, "release_time": Timestamp(seconds=4_000_000_000)}, ShipmentPhase.SHIPMENT_PHASE_HELD),
        ({"hold": False, "release_time": Timestamp(seconds=1)}, ShipmentPhase.SHIPMENT_PHASE_RECEIVED),
        ({"hold": False}, ShipmentPhase.SHIPMENT_PHASE_RECEIVED),
    ],
)
async def test_it_waits_for_its_release_or_goes_on_at_once(
    shop: Shop, hub: Hub, members: dict[str, Any], phase: "ShipmentPhase.ValueType"
) -> None:
    request = pb.CreateShipmentRequest(shipment=shop.wanted(**members), asynchronous=True)

    made = (await shop.stub.CreateShipment(request, metadata=shop.account.metadata)).shipment

    assert made.phase == phase
    assert (await shop.history(made.id))[0].phase == phase
    async with hub.engine.connect() as connection:
        due = await connection.scalar(sa.text("SELECT due_time FROM shipments"))
    if phase == ShipmentPhase.SHIPMENT_PHASE_HELD:
        assert due is None
    if phase == ShipmentPhase.SHIPMENT_PHASE_SCHEDULED:
        assert times.to_timestamp(due) == members["release_time"]


async def test_the_pickup_is_the_locations_unless_another_address_is_told(shop: Shop) -> None:
    store = await shop.location(
        "301", address=address("1 Store Way"), contact=Contact(name="Ann"), pickup_instructions="Ring twice"
    )
    told = shop.wanted(location_external_id="301")
    told.consignment.pickup.windows.append(window(1))
    elsewhere = shop.wanted(location_external_id="301")
    elsewhere.consignment.pickup.address.CopyFrom(address("9 Depot Road"))

    made, other = [
        (
            await shop.stub.CreateShipment(pb.CreateShipmentRequest(shipment=each), metadata=shop.account.metadata)
        ).shipment
        for each in (told, elsewhere)
    ]

    pickup = made.consignment.pickup
    assert (made.location_id, pickup.address, pickup.contact) == (store.id, store.address, store.contact)
    assert (pickup.name, pickup.external_id, pickup.instructions) == ("Store 301", "301", "Ring twice")
    assert list(pickup.windows) == list(told.consignment.pickup.windows)
    assert other.consignment.pickup == elsewhere.consignment.pickup


async def test_the_return_location_fills_the_return_stop(shop: Shop) -> None:
    await shop.location("301", address=address("1 Store Way"))

    made = await shop.create(return_location_external_id="301")

    assert made.consignment.return_stop.address == address("1 Store Way")
    assert made.consignment.return_stop.external_id == "301"


@pytest.mark.parametrize("field", ["location_external_id", "return_location_external_id"])
async def test_an_unknown_location_is_named(shop: Shop, field: str) -> None:
    with refused("LOCATION_UNKNOWN") as refusal:
        await shop.create(**{field: "nowhere"})

    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.metadata == {"field": f"shipment.{field}", "value": "nowhere"}


@pytest.mark.parametrize(
    ("word", "proofs"),
    [
        ("required", [ProofKind.PROOF_KIND_SIGNATURE]),
        ("Adult", [ProofKind.PROOF_KIND_SIGNATURE, ProofKind.PROOF_KIND_PHOTO_ID]),
        ("not_required", []),
        ("by carrier pigeon", []),
    ],
)
async def test_a_known_word_for_a_signature_asks_for_a_proof(
    shop: Shop, word: str, proofs: list["ProofKind.ValueType"]
) -> None:
    made = await shop.create(signature=word)

    assert made.signature == word
    assert list(made.consignment.required_proofs) == proofs


def _without_address(shipment: Shipment) -> None:
    shipment.consignment.dropoff.ClearField("address")


def _backward_window(shipment: Shipment) -> None:
    shipment.consignment.dropoff.windows.append(window(2, 1))


def _two_windows(shipment: Shipment) -> None:
    shipment.consignment.pickup.windows.extend([window(1), window(2)])


def _handed_out_before_picked_up(shipment: Shipment) -> None:
    shipment.consignment.pickup.windows.append(window(3))
    shipment.consignment.dropoff.windows.append(window(None, 2))


def _unknown_currency(shipment: Shipment) -> None:
    shipment.currency_code = "ZZZ"


def _nowhere(shipment: Shipment) -> None:
    shipment.location_id = ""


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (_without_address, "shipment.consignment.dropoff.address"),
        (_backward_window, "shipment.consignment.dropoff.windows"),
        (_two_windows, "shipment.consignment.pickup.windows"),
        (_handed_out_before_picked_up, "shipment.consignment.dropoff.windows"),
        (_unknown_currency, "shipment.currency_code"),
        (_nowhere, "shipment.location_id"),
    ],
)
async def test_what_cannot_be_shipped_is_refused_with_its_field(shop: Shop, spoil: Any, field: str) -> None:
    shipment = shop.wanted()
    spoil(shipment)

    with refused("INVALID_REQUEST") as refusal:
        await shop.stub.CreateShipment(pb.CreateShipmentRequest(shipment=shipment), metadata=shop.account.metadata)

    assert refusal.fields == [field]
    assert await shop.listed() == []


async def test_an_order_must_be_of_the_same_location(shop: Shop, account: Account, channel: grpc.aio.Channel) -> None:
    other = await shop.location("301")
    order = Order(location_id=other.id)
    made = await OrderServiceStub(channel).CreateOrder(CreateOrderRequest(order=order), metadata=account.metadata)

    with refused("INVALID_REQUEST"):
        await shop.create(order_id=made.order.id)
    shipment = await shop.create(order_id=made.order.id, location_external_id="301")

    assert await shop.listed(order_id=made.order.id) == [shipment.external_id]


async def test_of_simultaneous_creations_with_one_external_id_one_is_stored(shop: Shop) -> None:
    outcomes = await asyncio.gather(*(shop.create("twin") for _ in range(16)), return_exceptions=True)

    made = [each for each in outcomes if isinstance(each, Shipment)]
    assert len(made) == 1
    assert await shop.listed() == ["twin"]
    with refused("DUPLICATE_ID") as refusal:
        await shop.create("twin")
    assert refusal.metadata == {"resource": "shipment", "field": "external_id", "value": "twin"}


async def test_external_ids_are_the_tenants_own_and_may_be_missing(
    shop: Shop, channel: grpc.aio.Channel, other_account: Account
) -> None:
    await shop.create("A-1")
    await Shop(channel, other_account).create("A-1")
    await shop.create()
    await shop.create()

    assert await shop.listed() == ["", "", "A-1"]


async def test_the_same_request_id_is_the_same_shipment(shop: Shop) -> None:
    request = pb.CreateShipmentRequest(shipment=shop.wanted("A-1"), request_id="once")

    answers = await asyncio.gather(
        *(shop.stub.CreateShipment(request, metadata=shop.account.metadata) for _ in range(8))
    )

    assert len({each.shipment.id for each in answers}) == 1
    assert await shop.listed() == ["A-1"]


async def test_a_rehearsal_stores_nothing_and_finds_what_is_wrong(shop: Shop) -> None:
    request = pb.CreateShipmentRequest(shipment=shop.wanted("A-1"), validate_only=True)
    answer = await shop.stub.CreateShipment(request, metadata=shop.account.metadata)

    assert (answer.shipment.id, answer.shipment.currency_code) == ("", "USD")
    assert await shop.listed() == []
    await shop.create("A-1")
    with refused("DUPLICATE_ID"):
        await shop.stub.CreateShipment(request, metadata=shop.account.metadata)


async def test_a_token_of_a_location_ships_from_there_and_sees_nothing_else(
    shop: Shop, channel: grpc.aio.Channel, account: Account
) -> None:
    there = await shop.create("there", location_external_id=(await shop.location("301")).external_id)
    level = AccessLevel.ACCESS_LEVEL_LOCATION
    _, local = await make_token(
        channel, account.metadata, level=level, location_id=account.location_id, scopes=LOCATION_SCOPES
    )
    here = pb.CreateShipmentRequest(shipment=shop.wanted("here", location_id=""))
    await shop.stub.CreateShipment(here, metadata=local)

    listed = await shop.stub.ListShipments(pb.ListShipmentsRequest(), metadata=local)
    with refused("NOT_FOUND"):
        await shop.stub.GetShipment(pb.GetShipmentRequest(shipment_id=there.id), metadata=local)
    with refused("NOT_FOUND"):
        await shop.stub.GetShipmentByExternalId(pb.GetShipmentByExternalIdRequest(external_id="there"), metadata=local)
    with refused("LOCATION_UNKNOWN"):
        elsewhere = pb.CreateShipmentRequest(shipment=shop.wanted(location_external_id="301"))
        await shop.stub.CreateShipment(elsewhere, metadata=local)

    assert [each.external_id for each in listed.shipments] == ["here"]
    assert listed.shipments[0].location_id == account.location_id


async def test_later_changes_of_a_location_leave_its_shipments_as_they_were(
    shop: Shop, channel: grpc.aio.Channel, account: Account
) -> None:
    store = await shop.location("301", address=address("1 Store Way"))
    made = await shop.create(location_external_id="301")
    store.address.CopyFrom(address("2 New Way"))
    await LocationServiceStub(channel).UpdateLocation(UpdateLocationRequest(location=store), metadata=account.metadata)

    assert (await shop.get(made.id)).consignment.pickup.address == address("1 Store Way")
