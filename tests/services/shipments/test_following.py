import asyncio

import grpc
import pytest
from crossdock.v1 import delivery_pb2, delivery_service_pb2, shipment_pb2
from crossdock.v1.actor_pb2 import ACTOR_KIND_MERCHANT, ACTOR_KIND_RECIPIENT, Actor, ActorKind
from crossdock.v1.courier_pb2 import Courier, Position, Vehicle
from crossdock.v1.delivery_pb2 import Attention, DeliveryLinks, Estimates, StatusReason
from crossdock.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from crossdock.v1.shipment_pb2 import CANDIDATE_FATE_BOOKED, CANDIDATE_FATE_BOOKING_ENDED, DispatchDecision
from crossdock.v1.window_pb2 import WindowKind
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from sqlalchemy.exc import IntegrityError

from services import ids
from services.db.violations import constraint_of
from services.hub import Hub
from services.shipments import journal
from tests.services.accounts import Account, refused
from tests.services.shipments.shops import Shop, book, report

BOOKED, CLOSED = shipment_pb2.SHIPMENT_PHASE_BOOKED, shipment_pb2.SHIPMENT_PHASE_CLOSED
RECEIVED = shipment_pb2.SHIPMENT_PHASE_RECEIVED
DISPATCHED = delivery_pb2.DELIVERY_STATUS_DISPATCHED
DISPATCHING = delivery_pb2.DELIVERY_STATUS_DISPATCHING
ASSIGNED = delivery_pb2.DELIVERY_STATUS_DRIVER_ASSIGNED
PICKED_UP = delivery_pb2.DELIVERY_STATUS_PICKED_UP
DELIVERED = delivery_pb2.DELIVERY_STATUS_DELIVERED
CANCELLED = delivery_pb2.DELIVERY_STATUS_CANCELLED
FAILED = delivery_pb2.DELIVERY_STATUS_FAILED
RETURNING, RETURNED = delivery_pb2.DELIVERY_STATUS_RETURNING, delivery_pb2.DELIVERY_STATUS_RETURNED
RETURN = delivery_pb2.DELIVERY_KIND_RETURN


async def numbers_are_whole(shop: Shop, hub: Hub, shipment_id: str) -> bool:
    """Whether events and steps are counted from 1 without a gap, and the etag is the last event's number."""
    events = [each.number for each in await shop.events(shipment_id)]
    etag = (await shop.get(shipment_id)).etag
    return events == list(range(1, len(events) + 1)) and etag == str(len(events))


async def test_a_shipment_goes_the_way_of_its_delivery(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create("A-1")

    delivery = await book(hub, shop.tenant, made)
    booked = await shop.get(made.id)
    await report(hub, shop.tenant, delivery.id, ASSIGNED)
    await report(hub, shop.tenant, delivery.id, PICKED_UP)
    under_way = await shop.get(made.id)
    await report(hub, shop.tenant, delivery.id, DELIVERED)
    done = await shop.get(made.id)

    assert (booked.phase, booked.status, booked.delivery_id, booked.attempt) == (BOOKED, DISPATCHED, delivery.id, 1)
    assert (booked.carrier.ref, booked.carrier.name) == ("sim-a", "Sim A")
    assert (under_way.phase, under_way.status) == (BOOKED, PICKED_UP)
    assert under_way.actual_pickup_time == under_way.status_time
    assert not under_way.HasField("actual_dropoff_time")
    assert (done.phase, done.status) == (CLOSED, DELIVERED)
    assert done.actual_dropoff_time == done.status_time
    assert await shop.listed(statuses=[DELIVERED], phases=[], carrier_ref="sim-a") == ["A-1"]
    assert await numbers_are_whole(shop, hub, made.id)


async def test_the_history_tells_every_status_and_which_were_inferred(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create()
    delivery = await book(hub, shop.tenant, made)

    await report(hub, shop.tenant, delivery.id, DELIVERED, StatusReason(code="left_at_door", message="On the mat"))

    steps = await shop.history(made.id)
    assert [(each.status, each.synthetic) for each in steps] == [
        (delivery_pb2.DELIVERY_STATUS_CREATED, False),
        (DISPATCHED, False),
        (ASSIGNED, True),
        (PICKED_UP, True),
        (delivery_pb2.DELIVERY_STATUS_DROPOFF_EN_ROUTE, True),
        (DELIVERED, False),
    ]
    last = steps[-1]
    assert (last.phase, last.delivery_id, last.status_user) == (CLOSED, delivery.id, "Sim A")
    assert (last.reason.code, last.reason_title, last.note) == ("left_at_door", "Left At Door", "On the mat")


async def test_what_a_delivery_tells_is_taken_over(shop: Shop, hub: Hub, account: Account) -> None:
    wanted = shop.wanted()
    asked = Timestamp(seconds=2_000_000_000)
    wanted.consignment.dropoff.windows.add(kind=WindowKind.WINDOW_KIND_REQUESTED, end_time=asked)
    made = await shop.create(consignment=wanted.consignment)
    delivery = await book(hub, shop.tenant, made)
    expected = Timestamp(seconds=1_999_999_999)

    await report(
        hub,
        shop.tenant,
        delivery.id,
        ASSIGNED,
        tracking_number="1Z",
        fee=Money(currency_code="USD", units=9),
        courier=Courier(name="Jo", vehicle=Vehicle(type="car")),
        links=DeliveryLinks(tracking_url="https://example.com/1Z"),
        estimates=Estimates(dropoff_time=expected),
        attention=[Attention(reason="window_expired")],
    )
    told = await shop.get(made.id)

    assert (told.tracking_number, told.amount.units, told.vehicle.type) == ("1Z", 9, "car")
    assert told.links.tracking_url == "https://example.com/1Z"
    assert [each.reason for each in told.attention] == ["window_expired"]
    assert [(each.kind, each.end_time.seconds) for each in told.consignment.dropoff.windows] == [
        (WindowKind.WINDOW_KIND_REQUESTED, asked.seconds),
        (WindowKind.WINDOW_KIND_ESTIMATED, expected.seconds),
    ]
    assert await shop.listed(needs_attention=True) == [""]


async def test_a_ping_leaves_the_shipment_as_it_is(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create()
    delivery = await book(hub, shop.tenant, made, DISPATCHED)
    before = await shop.get(made.id)
    request = delivery_service_pb2.UpdateDeliveryRequest()
    request.delivery.id = delivery.id
    request.delivery.position.CopyFrom(Position(latitude="48.85", longitude="2.35"))

    await DeliveryServiceStub(shop.channel).UpdateDelivery(request, metadata=account.metadata)

    assert await shop.get(made.id) == before


@pytest.mark.parametrize("end", [CANCELLED, FAILED])
async def test_a_carrier_that_gives_it_up_before_the_pickup_sends_it_back_to_be_dispatched(
    shop: Shop, hub: Hub, account: Account, end: "delivery_pb2.DeliveryStatus.ValueType"
) -> None:
    made = await shop.create()
    delivery = await book(hub, shop.tenant, made, tracking_number="1Z")
    tenant = shop.tenant
    key = (tenant, ids.read("shipment", made.id))
    decision = DispatchDecision(number=1)
    decision.candidates.add(carrier_ref="sim-a", delivery_id=delivery.id, fate=CANDIDATE_FATE_BOOKED)
    async with hub.transaction() as connection:
        await journal.decide(connection, [(key, decision)])

    await report(hub, shop.tenant, delivery.id, end, StatusReason(code="no_driver"))

    steps = await shop.history(made.id)
    back = next(each for each in steps if each.phase == RECEIVED)
    assert [each.status for each in steps[:4]] == [delivery_pb2.DELIVERY_STATUS_CREATED, DISPATCHED, end, DISPATCHING]
    assert (back.reason.code, back.delivery_id) == ("no_driver", delivery.id)
    event = next(each for each in await shop.events(made.id) if each.shipment_phase == RECEIVED)
    assert {"phase", "status", "tracking_number"} <= set(event.changed_paths)
    async with hub.engine.connect() as connection:
        (first,) = [each for each in await journal.decisions(connection, key, 9) if each.number == 1]
    assert first.candidates[0].fate == CANDIDATE_FATE_BOOKING_ENDED


@pytest.mark.parametrize("kind", [ACTOR_KIND_MERCHANT, ACTOR_KIND_RECIPIENT])
async def test_a_cancellation_that_somebody_asked_for_closes_it(
    shop: Shop, hub: Hub, account: Account, kind: "ActorKind.ValueType"
) -> None:
    made = await shop.create()
    delivery = await book(hub, shop.tenant, made)

    await report(hub, shop.tenant, delivery.id, CANCELLED, StatusReason(code="unwanted", actor=Actor(kind=kind)))

    shipment = await shop.get(made.id)
    assert (shipment.phase, shipment.status) == (CLOSED, CANCELLED)


async def test_a_delivery_that_its_caller_calls_off_closes_its_shipment(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create()
    delivery = await book(hub, shop.tenant, made)
    request = delivery_service_pb2.CancelDeliveryRequest(delivery_id=delivery.id)

    await DeliveryServiceStub(shop.channel).CancelDelivery(request, metadata=account.metadata)

    assert (await shop.get(made.id)).phase == CLOSED
    assert await numbers_are_whole(shop, hub, made.id)


async def test_an_update_does_not_call_off_what_its_carrier_was_not_asked_about(
    shop: Shop, hub: Hub, account: Account
) -> None:
    made = await shop.create()
    delivery = await book(hub, shop.tenant, made)
    request = delivery_service_pb2.UpdateDeliveryRequest()
    request.delivery.id, request.delivery.status = delivery.id, CANCELLED
    request.update_mask.paths.append("status")

    with refused("STATUS_NOT_REACHABLE"):
        await DeliveryServiceStub(shop.channel).UpdateDelivery(request, metadata=account.metadata)

    assert (await shop.get(made.id)).phase != CLOSED


async def test_a_cancellation_after_the_pickup_does_not_send_it_to_another_carrier(
    shop: Shop, hub: Hub, account: Account
) -> None:
    made = await shop.create()
    delivery = await book(hub, shop.tenant, made, PICKED_UP)

    await report(hub, shop.tenant, delivery.id, CANCELLED)

    shipment = await shop.get(made.id)
    assert (shipment.phase, shipment.status) == (BOOKED, delivery_pb2.DELIVERY_STATUS_UNDELIVERABLE)


async def test_a_return_is_mirrored_from_its_pickup_on(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create()
    outbound = await book(hub, shop.tenant, made, DELIVERED)
    back = await book(hub, shop.tenant, made, DISPATCHED, RETURN, outbound_delivery_id=outbound.id)

    booked = await shop.get(made.id)
    await report(hub, shop.tenant, back.id, PICKED_UP)
    on_the_way = await shop.get(made.id)
    await report(hub, shop.tenant, back.id, DELIVERED)
    home = await shop.get(made.id)

    assert (booked.phase, booked.status, booked.delivery_id) == (BOOKED, DELIVERED, outbound.id)
    assert (on_the_way.phase, on_the_way.status, on_the_way.return_request.status) == (BOOKED, RETURNING, PICKED_UP)
    assert (home.phase, home.status, home.return_request.status) == (CLOSED, RETURNED, DELIVERED)


async def test_a_shipment_has_one_live_delivery_whoever_books(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create()
    first = await book(hub, shop.tenant, made)

    with pytest.raises(IntegrityError) as refusal:
        await book(hub, shop.tenant, made)

    assert constraint_of(refusal.value) == "deliveries_live_shipment_key"
    assert (await shop.get(made.id)).delivery_id == first.id


async def test_a_former_delivery_that_moves_again_is_looked_at_by_people(
    shop: Shop, hub: Hub, account: Account
) -> None:
    made = await shop.create()
    former = await book(hub, shop.tenant, made)
    await report(hub, shop.tenant, former.id, CANCELLED)
    present = await book(hub, shop.tenant, made)

    told = await report(hub, shop.tenant, former.id, RETURNING)

    shipment = await shop.get(made.id)
    assert (shipment.delivery_id, shipment.phase, shipment.status) == (present.id, BOOKED, DISPATCHED)
    assert [each.message for each in shipment.attention] == [former.id]
    assert [each.reason for each in told.attention] == ["another_delivery_is_live"]
    await report(hub, shop.tenant, present.id, PICKED_UP)
    assert (await shop.get(made.id)).attention == shipment.attention


async def test_goods_that_a_former_carrier_brought_after_all_close_the_shipment(
    shop: Shop, hub: Hub, account: Account
) -> None:
    made = await shop.create()
    delivery = await book(hub, shop.tenant, made)
    await report(hub, shop.tenant, delivery.id, CANCELLED)

    await report(hub, shop.tenant, delivery.id, DELIVERED)

    shipment = await shop.get(made.id)
    assert (shipment.phase, shipment.status) == (CLOSED, DELIVERED)


async def test_callers_put_no_deliveries_on_shipments(shop: Shop, account: Account) -> None:
    made = await shop.create()
    request = delivery_service_pb2.CreateDeliveryRequest()
    request.delivery.shipment_id = made.id

    with refused("INVALID_REQUEST") as refusal:
        await DeliveryServiceStub(shop.channel).CreateDelivery(request, metadata=account.metadata)

    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.fields == ["delivery.shipment_id"]


async def test_numbers_have_no_gaps_when_deliveries_and_callers_write_at_once(
    shop: Shop, hub: Hub, account: Account
) -> None:
    made = await shop.create()
    delivery = await book(hub, shop.tenant, made)

    await asyncio.gather(
        *(shop.update(made.id, "group_id", group_id=f"g{number}") for number in range(8)),
        *(report(hub, shop.tenant, delivery.id, parking_slot=f"{number}", fee=None) for number in range(4)),
        report(hub, shop.tenant, delivery.id, PICKED_UP),
    )

    assert await numbers_are_whole(shop, hub, made.id)
    assert (await shop.get(made.id)).status == PICKED_UP
