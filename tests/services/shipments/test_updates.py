import asyncio
from typing import Any

import grpc
import pytest
from crossdock.v1 import delivery_pb2, shipment_pb2
from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.contact_pb2 import Address
from crossdock.v1.parcel_pb2 import Parcel
from crossdock.v1.shipment_pb2 import DispatchRule, DispatchRules, ProposedCarrier, Shipment
from crossdock.v1.window_pb2 import TimeWindow, WindowKind
from google.protobuf.timestamp_pb2 import Timestamp

from services import ids, times
from services.hub import Hub
from services.shipments import rows
from services.shipments.rows import Change
from tests.services.accounts import Account, refused
from tests.services.shipments.shops import Shop, book, reference, report

HELD, BOOKED = shipment_pb2.SHIPMENT_PHASE_HELD, shipment_pb2.SHIPMENT_PHASE_BOOKED
DELIVERED = delivery_pb2.DELIVERY_STATUS_DELIVERED


def to(line: str) -> Address:
    made = Address()
    made.postal_address.address_lines.append(line)
    return made


def with_parcel(name: str) -> Shipment:
    shipment = Shipment()
    shipment.consignment.parcels.append(Parcel(name=name))
    return shipment


async def put(hub: Hub, shop: Shop, shipment: Shipment, phase: "shipment_pb2.ShipmentPhase.ValueType") -> None:
    """Puts a shipment into a phase that only a dispatch reaches."""
    key = (shop.tenant, ids.read("shipment", shipment.id))
    async with hub.transaction() as connection:
        stored = (await rows.lock(connection, [key]))[key]
        stored.shipment.phase = phase
        await rows.write(connection, [Change(stored, "a test")], times.to_timestamp(hub.now()))


async def test_before_its_dispatch_everything_may_change(shop: Shop) -> None:
    store = await shop.location("301")
    made = await shop.create("A-1", group_id="G")

    changed = await shop.update(
        made.id,
        "location_external_id",
        "consignment.parcels",
        "proposed_carriers",
        "group_id",
        location_external_id="301",
        proposed_carriers=[ProposedCarrier(name="sim-a")],
        consignment=with_parcel("small").consignment,
        external_id="not in the mask",
    )

    assert (changed.location_id, changed.consignment.pickup.external_id) == (store.id, "301")
    assert [each.name for each in changed.consignment.parcels] == ["small"]
    assert (changed.group_id, changed.external_id, changed.etag) == ("", "A-1", "2")
    assert await shop.get(made.id) == changed
    (_, event) = await shop.events(made.id)
    assert {"location_id", "consignment", "group_id", "proposed_carriers"} <= set(event.changed_paths)


async def test_a_dropoff_cannot_lose_its_address(shop: Shop) -> None:
    made = await shop.create()

    with refused("INVALID_REQUEST") as refusal:
        await shop.update(made.id, "consignment.dropoff")

    assert refusal.fields == ["shipment.consignment.dropoff.address"]


async def test_an_external_id_moves_and_the_former_one_names_nothing(shop: Shop) -> None:
    made = await shop.create("A-1")

    await shop.update(made.id, external_id="A-2")
    other = await shop.create("A-1")

    request = pb.GetShipmentByExternalIdRequest(external_id="A-2")
    found = await shop.stub.GetShipmentByExternalId(request, metadata=shop.account.metadata)
    assert (found.shipment.id, other.id != made.id) == (made.id, True)
    with refused("DUPLICATE_ID"):
        await shop.update(made.id, external_id="A-1")
    await shop.update(other.id, "external_id")
    with refused("NOT_FOUND") as refusal:
        request = pb.GetShipmentByExternalIdRequest(external_id="A-1")
        await shop.stub.GetShipmentByExternalId(request, metadata=shop.account.metadata)
    assert refusal.metadata == {"resource": "shipment", "id": "A-1"}


async def test_of_simultaneous_moves_to_one_external_id_one_succeeds(shop: Shop) -> None:
    made = [await shop.create(f"{number}") for number in range(8)]

    outcomes = await asyncio.gather(
        *(shop.update(each.id, external_id="wanted") for each in made), return_exceptions=True
    )

    assert sum(isinstance(each, Shipment) for each in outcomes) == 1
    assert (await shop.listed()).count("wanted") == 1


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"location_external_id": "301"}, "shipment.location_id"),
        ({"proposed_carriers": [ProposedCarrier(name="x")]}, "shipment.proposed_carriers"),
        ({"consignment": with_parcel("other").consignment}, "shipment.consignment.parcels"),
        ({"release_time": Timestamp(seconds=4_000_000_000)}, "shipment.release_time"),
        ({"simulated": True}, "shipment.simulated"),
    ],
)
async def test_once_a_carrier_has_it_some_members_are_locked(
    shop: Shop, hub: Hub, account: Account, members: dict[str, Any], field: str
) -> None:
    await shop.location("301")
    made = await shop.create()
    await book(hub, shop.tenant, made)

    paths = ["consignment.parcels"] if "consignment" in members else list(members)
    with refused("FIELD_LOCKED") as refusal:
        await shop.update(made.id, *paths, **members)

    assert refusal.code == grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.metadata == {"field": field}


async def test_what_is_the_senders_own_changes_at_any_time(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create("A-1")
    delivery = await book(hub, shop.tenant, made)
    await report(hub, shop.tenant, delivery.id, delivery_pb2.DELIVERY_STATUS_PICKED_UP)

    await shop.update(made.id, external_id="A-2", group_id="G", references=[reference("7")])
    await report(hub, shop.tenant, delivery.id, DELIVERED)
    await shop.update(made.id, external_id="A-3")

    shipment = await shop.get(made.id)
    assert (shipment.external_id, shipment.group_id, shipment.status) == ("A-3", "G", DELIVERED)


async def test_sending_back_what_is_locked_as_it_is_locks_nothing(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create("A-1", consignment=with_parcel("small").consignment)
    await book(hub, shop.tenant, made)
    shown = await shop.get(made.id)
    shown.group_id = "G"
    request = pb.UpdateShipmentRequest(shipment=shown)

    answer = await shop.stub.UpdateShipment(request, metadata=account.metadata)

    assert answer.shipment.group_id == "G"


async def test_a_shipment_that_is_over_does_not_change_its_way(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create()
    await book(hub, shop.tenant, made, DELIVERED)
    wanted = shop.wanted()
    wanted.consignment.dropoff.address.CopyFrom(to("elsewhere"))

    with refused("FIELD_LOCKED") as refusal:
        await shop.update(made.id, consignment=wanted.consignment)

    assert refusal.metadata == {"field": "shipment.consignment"}


async def test_while_it_is_booked_only_the_senders_own_members_change(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create()
    await put(hub, shop, made, shipment_pb2.SHIPMENT_PHASE_BOOKING)

    with refused("DISPATCH_UNDER_WAY") as refusal:
        await shop.update(made.id, "signature", signature="adult")

    assert refusal.metadata == {"shipment_id": made.id, "phase": "SHIPMENT_PHASE_BOOKING"}
    assert (await shop.update(made.id, group_id="G")).group_id == "G"


async def test_quotes_in_hand_are_asked_for_again_after_a_change(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create()
    await put(hub, shop, made, shipment_pb2.SHIPMENT_PHASE_QUOTED)

    kept = await shop.update(made.id, group_id="G")
    again = await shop.update(made.id, signature="adult")

    assert kept.phase == shipment_pb2.SHIPMENT_PHASE_QUOTED
    assert again.phase == shipment_pb2.SHIPMENT_PHASE_RECEIVED


async def test_what_carriers_told_of_times_outlasts_a_change(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create()
    expected = TimeWindow(kind=WindowKind.WINDOW_KIND_ESTIMATED, end_time=Timestamp(seconds=2_000_000_000))
    key = (shop.tenant, ids.read("shipment", made.id))
    async with hub.transaction() as connection:
        stored = (await rows.lock(connection, [key]))[key]
        stored.shipment.consignment.dropoff.windows.append(expected)
        await rows.write(connection, [Change(stored, "a test")], times.to_timestamp(hub.now()))
    wanted = shop.wanted()
    wanted.consignment.dropoff.windows.add(kind=WindowKind.WINDOW_KIND_REQUESTED, end_time=Timestamp(seconds=1))

    changed = await shop.update(made.id, consignment=wanted.consignment)

    assert list(changed.consignment.dropoff.windows) == [wanted.consignment.dropoff.windows[0], expected]


async def test_an_old_etag_changes_nothing(shop: Shop) -> None:
    made = await shop.create()
    await shop.update(made.id, group_id="G", etag=made.etag)

    with refused("ETAG_MISMATCH"):
        await shop.update(made.id, group_id="H", etag=made.etag)

    assert (await shop.get(made.id)).group_id == "G"


async def test_the_hub_alone_writes_what_it_tells(shop: Shop) -> None:
    made = await shop.create()

    with refused("INVALID_REQUEST"):
        await shop.update(made.id, "status", status=DELIVERED)
    same = await shop.update(made.id, status=DELIVERED, phase=BOOKED, tracking_number="x")

    assert same == made


async def test_the_same_request_id_is_the_same_change(shop: Shop) -> None:
    made = await shop.create()
    request = pb.UpdateShipmentRequest(shipment=Shipment(id=made.id, group_id="G"), request_id="once")

    first = await shop.stub.UpdateShipment(request, metadata=shop.account.metadata)
    await shop.update(made.id, group_id="H")
    again = await shop.stub.UpdateShipment(request, metadata=shop.account.metadata)

    assert again == first
    assert (await shop.get(made.id)).group_id == "H"


async def test_a_rehearsed_change_changes_nothing(shop: Shop) -> None:
    made = await shop.create()
    request = pb.UpdateShipmentRequest(shipment=Shipment(id=made.id, group_id="G"), validate_only=True)

    answer = await shop.stub.UpdateShipment(request, metadata=shop.account.metadata)

    assert answer.shipment.group_id == "G"
    assert await shop.get(made.id) == made


async def test_a_held_shipment_is_released_once(shop: Shop) -> None:
    made = await shop.create(release_time=Timestamp(seconds=4_000_000_000))
    request = pb.ReleaseShipmentRequest(shipment_id=made.id, asynchronous=True, request_id="once")

    first = await shop.stub.ReleaseShipment(request, metadata=shop.account.metadata)
    again = await shop.stub.ReleaseShipment(request, metadata=shop.account.metadata)

    released = first.shipment
    assert again == first
    assert (released.phase, released.hold) == (shipment_pb2.SHIPMENT_PHASE_RECEIVED, False)
    assert not released.HasField("release_time")
    assert [each.phase for each in (await shop.history(made.id))[:2]] == [HELD, shipment_pb2.SHIPMENT_PHASE_RECEIVED]


async def test_what_waits_for_nothing_is_left_as_it_is_by_a_release(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create()
    await book(hub, shop.tenant, made)
    before = await shop.get(made.id)

    answer = await shop.stub.ReleaseShipment(pb.ReleaseShipmentRequest(shipment_id=made.id), metadata=account.metadata)

    assert answer.shipment == before


async def test_rules_are_replaced_as_a_whole_by_who_saw_the_present_ones(shop: Shop) -> None:
    def request(*names: str, etag: str = "") -> pb.UpdateDispatchRulesRequest:
        kind = shipment_pb2.DISPATCH_RULE_KIND_SORT
        rules = [DispatchRule(name=name, kind=kind, expression="price") for name in names]
        return pb.UpdateDispatchRulesRequest(rules=DispatchRules(rules=rules, etag=etag))

    metadata = shop.account.metadata
    empty = (await shop.stub.GetDispatchRules(pb.GetDispatchRulesRequest(), metadata=metadata)).rules
    first = (await shop.stub.UpdateDispatchRules(request("a", "b", etag=empty.etag), metadata=metadata)).rules
    with refused("ETAG_MISMATCH"):
        await shop.stub.UpdateDispatchRules(request("c", etag=empty.etag), metadata=metadata)
    with refused("DUPLICATE_NAME") as refusal:
        await shop.stub.UpdateDispatchRules(request("c", "c"), metadata=metadata)
    second = (await shop.stub.UpdateDispatchRules(request("c"), metadata=metadata)).rules
    read = (await shop.stub.GetDispatchRules(pb.GetDispatchRulesRequest(), metadata=metadata)).rules

    assert not empty.HasField("update_time")
    assert [each.name for each in first.rules] == ["a", "b"]
    assert refusal.metadata["value"] == "c"
    assert [each.name for each in read.rules] == ["c"]
    assert read == second


async def test_of_simultaneous_replacements_of_the_same_rules_one_succeeds(shop: Shop) -> None:
    metadata = shop.account.metadata
    present = (await shop.stub.GetDispatchRules(pb.GetDispatchRulesRequest(), metadata=metadata)).rules.etag

    outcomes = await asyncio.gather(
        *(
            shop.stub.UpdateDispatchRules(
                pb.UpdateDispatchRulesRequest(rules=DispatchRules(max_bookings=number, etag=present)),
                metadata=metadata,
            )
            for number in range(1, 9)
        ),
        return_exceptions=True,
    )

    assert sum(not isinstance(each, BaseException) for each in outcomes) == 1
