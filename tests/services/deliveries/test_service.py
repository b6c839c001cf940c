"""Deliveries through the wire: commands that fit, commands that do not, and lists that hold still."""

import asyncio
from collections.abc import Awaitable

import grpc
import pytest
from crossdock.v1 import actor_pb2, courier_pb2, delivery_pb2, delivery_service_pb2, order_pb2, reference_pb2
from google.protobuf.field_mask_pb2 import FieldMask
from google.type.money_pb2 import Money

from tests.services.answers import failure_of, read_failure
from tests.services.worlds import Metadata, World


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: Metadata) -> World:
    return await World.make(channel, system)


def reason_of(error: grpc.aio.AioRpcError) -> tuple[str, dict[str, str]]:
    failure = read_failure(error)
    return failure.reason, failure.metadata


async def refused(call: Awaitable[object]) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    failure = await failure_of(call)
    return failure.code, failure.reason, failure.metadata


async def update(world: World, delivery: delivery_pb2.Delivery, *paths: str) -> delivery_pb2.Delivery:
    request = delivery_service_pb2.UpdateDeliveryRequest(delivery=delivery, update_mask=FieldMask(paths=paths))
    return (await world.deliveries.UpdateDelivery(request, metadata=world.account)).delivery


async def test_a_delivery_stands_on_its_order_and_is_found_by_it(world: World) -> None:
    order = await world.order()
    made = await world.delivery(order_id=order.id, carrier="UPS", carrier_ref="ups", tracking_number="1Z")

    assert made.location_id == world.location_id
    assert made.status == delivery_pb2.DELIVERY_STATUS_CREATED
    request = delivery_service_pb2.GetDeliveryByOrderRequest(order_id=order.id)
    found = await world.deliveries.GetDeliveryByOrder(request, metadata=world.local)
    assert found.delivery == made


async def test_an_order_has_one_live_delivery_however_many_ask_at_once(world: World) -> None:
    order = await world.order()

    answers = await asyncio.gather(*(world.delivery(order_id=order.id) for _ in range(16)), return_exceptions=True)

    made = [each for each in answers if isinstance(each, delivery_pb2.Delivery)]
    refusals = [reason_of(each)[0] for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert len(made) == 1
    assert refusals == ["DELIVERY_ALREADY_EXISTS"] * 15


async def test_a_cancelled_delivery_makes_room_for_the_next(world: World) -> None:
    order = await world.order()
    first = await world.delivery(order_id=order.id)
    request = delivery_service_pb2.CancelDeliveryRequest(delivery_id=first.id)
    cancelled = (await world.deliveries.CancelDelivery(request, metadata=world.account)).delivery
    assert cancelled.status == delivery_pb2.DELIVERY_STATUS_CANCELLED
    assert cancelled.status_reason.actor.kind == actor_pb2.ACTOR_KIND_CALLER

    second = await world.delivery(order_id=order.id)

    request_by_order = delivery_service_pb2.GetDeliveryByOrderRequest(order_id=order.id)
    found = await world.deliveries.GetDeliveryByOrder(request_by_order, metadata=world.account)
    assert found.delivery.id == second.id


async def test_an_order_to_be_collected_gets_no_delivery(world: World) -> None:
    order = await world.order(service_type=order_pb2.SERVICE_TYPE_COLLECTION)
    request = delivery_service_pb2.CreateDeliveryRequest(delivery=delivery_pb2.Delivery(order_id=order.id))

    code, reason, metadata = await refused(world.deliveries.CreateDelivery(request, metadata=world.account))

    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SERVICE_TYPE_NOT_DELIVERY")
    assert metadata["service_type"] == "SERVICE_TYPE_COLLECTION"


async def test_the_same_request_id_makes_one_delivery_and_another_body_is_refused(world: World) -> None:
    made = await asyncio.gather(*(world.delivery("r-1", carrier="UPS") for _ in range(16)))
    assert len({each.id for each in made}) == 1

    request = delivery_service_pb2.CreateDeliveryRequest(
        delivery=delivery_pb2.Delivery(carrier="DHL"), request_id="r-1"
    )
    code, reason, _ = await refused(world.deliveries.CreateDelivery(request, metadata=world.account))

    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_an_exclusive_reference_is_borne_once(world: World) -> None:
    name = reference_pb2.ExternalReference(scope="skipcart.order", value="1", exclusive=True)
    await world.delivery(references=[name])
    request = delivery_service_pb2.CreateDeliveryRequest(delivery=delivery_pb2.Delivery(references=[name]))

    code, reason, _ = await refused(world.deliveries.CreateDelivery(request, metadata=world.account))

    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "DUPLICATE_ID")


async def test_validate_only_says_what_would_be_and_leaves_nothing(world: World) -> None:
    request = delivery_service_pb2.CreateDeliveryRequest(
        delivery=delivery_pb2.Delivery(carrier="UPS"), validate_only=True, request_id="dry"
    )

    shown = (await world.deliveries.CreateDelivery(request, metadata=world.account)).delivery

    listed = await world.deliveries.ListDeliveries(delivery_service_pb2.ListDeliveriesRequest(), metadata=world.account)
    assert (shown.carrier, shown.id) == ("UPS", "")
    assert not listed.deliveries
    assert (await world.delivery("dry", carrier="DHL")).carrier == "DHL", "the request id is still free"


async def test_an_update_changes_what_its_mask_names_and_erases_what_is_named_and_not_set(world: World) -> None:
    made = await world.delivery(carrier="UPS", parking_slot="4", courier={"name": "John", "first_name": "J"})

    after = await update(
        world,
        delivery_pb2.Delivery(id=made.id, vehicle_type="van"),
        "vehicle_type",
        "parking_slot",
        "courier.first_name",
    )

    assert after.vehicle_type == "van"
    assert after.parking_slot == ""
    assert after.courier.name == "John"
    assert after.courier.first_name == ""


async def test_what_was_agreed_is_not_changed(world: World) -> None:
    made = await world.delivery(carrier="UPS", fee=Money(currency_code="EUR", units=4, nanos=500_000_000))
    for path, change in {
        "carrier": delivery_pb2.Delivery(id=made.id, carrier="DHL"),
        "fee": delivery_pb2.Delivery(id=made.id, fee=Money(currency_code="EUR", units=5)),
    }.items():
        request = delivery_service_pb2.UpdateDeliveryRequest(delivery=change, update_mask=FieldMask(paths=[path]))
        code, reason, metadata = await refused(world.deliveries.UpdateDelivery(request, metadata=world.account))
        assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "FIELD_IMMUTABLE")
        assert metadata["field"] == f"delivery.{path}"


async def test_a_status_that_does_not_fit_is_refused_and_changes_nothing(world: World) -> None:
    made = await world.delivery(status=delivery_pb2.DELIVERY_STATUS_DELIVERED)
    change = delivery_pb2.Delivery(id=made.id, status=delivery_pb2.DELIVERY_STATUS_PICKED_UP)
    request = delivery_service_pb2.UpdateDeliveryRequest(delivery=change)

    code, reason, metadata = await refused(world.deliveries.UpdateDelivery(request, metadata=world.account))

    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STATUS_NOT_REACHABLE")
    assert metadata["from"] == "DELIVERY_STATUS_DELIVERED"
    assert await world.get(made.id) == made


async def test_an_update_with_an_old_etag_is_refused(world: World) -> None:
    made = await world.delivery(carrier="UPS")
    await update(world, delivery_pb2.Delivery(id=made.id, vehicle_type="van"))
    stale = delivery_pb2.Delivery(id=made.id, vehicle_type="car", etag=made.etag)
    request = delivery_service_pb2.UpdateDeliveryRequest(delivery=stale)

    code, reason, _ = await refused(world.deliveries.UpdateDelivery(request, metadata=world.account))

    assert (code, reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_an_override_reopens_and_says_who_and_why(world: World) -> None:
    made = await world.delivery(status=delivery_pb2.DELIVERY_STATUS_DELIVERED)
    request = delivery_service_pb2.OverrideDeliveryStatusRequest(
        delivery_id=made.id,
        status=delivery_pb2.DELIVERY_STATUS_RETURNING,
        actor="Jane of night support",
        reason="The recipient sent it back",
    )

    after = (await world.deliveries.OverrideDeliveryStatus(request, metadata=world.account)).delivery

    assert after.status == delivery_pb2.DELIVERY_STATUS_RETURNING
    assert after.manual_override.actor.display_name == "Jane of night support"
    explain = delivery_service_pb2.ExplainDeliveryRequest(delivery_id=made.id)
    story = await world.deliveries.ExplainDelivery(explain, metadata=world.account)
    assert "Jane of night support" in story.summary
    assert story.steps[-1].who == "operator Jane of night support"


async def test_an_explanation_names_the_carrier_and_says_what_nobody_told(world: World) -> None:
    message = world.message("1", "delivered")
    message.report.actor.CopyFrom(actor_pb2.Actor(kind=actor_pb2.ACTOR_KIND_CARRIER, id=message.source_id))
    [told] = await world.ingest(message)

    explain = delivery_service_pb2.ExplainDeliveryRequest(delivery_id=told.delivery_id)
    story = await world.deliveries.ExplainDelivery(explain, metadata=world.account)

    assert {step.who for step in story.steps[1:-1]} == {"nobody"}
    assert story.steps[-1].who == "carrier Skipcart"


@pytest.mark.parametrize("status", ["CANCELLED", "DELIVERED", "PICKED_UP"])
async def test_what_is_over_or_under_way_cannot_be_called_off(world: World, status: str) -> None:
    made = await world.delivery(status=delivery_pb2.DeliveryStatus.Value(f"DELIVERY_STATUS_{status}"))
    request = delivery_service_pb2.CancelDeliveryRequest(delivery_id=made.id)

    code, reason, _ = await refused(world.deliveries.CancelDelivery(request, metadata=world.account))

    wanted = "DELIVERY_ALREADY_CANCELLED" if status == "CANCELLED" else "DELIVERY_NOT_CANCELLABLE"
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, wanted)


async def test_a_list_is_paged_forward_and_back_and_filtered(world: World) -> None:
    made = [(await world.delivery(carrier_ref="ups" if n % 2 else "dhl")).id for n in range(10)]
    request = delivery_service_pb2.ListDeliveriesRequest(page_size=3, carrier_ref="ups")
    first = await world.deliveries.ListDeliveries(request, metadata=world.account)
    request.page_token = first.next_page_token
    second = await world.deliveries.ListDeliveries(request, metadata=world.account)
    request.page_token = second.previous_page_token
    again = await world.deliveries.ListDeliveries(request, metadata=world.account)

    assert [each.id for each in [*first.deliveries, *second.deliveries]] == made[1::2][::-1]
    assert again.deliveries == first.deliveries
    assert not second.next_page_token
    assert not first.previous_page_token


async def test_a_location_token_sees_its_location_alone(world: World) -> None:
    elsewhere = await world.delivery(carrier="UPS")
    here = await world.delivery(order_id=(await world.order()).id)

    listed = await world.deliveries.ListDeliveries(delivery_service_pb2.ListDeliveriesRequest(), metadata=world.local)
    get = delivery_service_pb2.GetDeliveryRequest(delivery_id=elsewhere.id)
    code, _, _ = await refused(world.deliveries.GetDelivery(get, metadata=world.local))

    assert [each.id for each in listed.deliveries] == [here.id]
    assert code == grpc.StatusCode.NOT_FOUND


async def test_events_are_listed_in_their_order_without_gap(world: World) -> None:
    made = await world.delivery(status=delivery_pb2.DELIVERY_STATUS_DELIVERED)
    request = delivery_service_pb2.ListDeliveryEventsRequest(delivery_id=made.id, page_size=2)
    numbers: list[int] = []
    while True:
        page = await world.deliveries.ListDeliveryEvents(request, metadata=world.account)
        numbers += [event.number for event in page.events]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token

    assert numbers == list(range(1, made.last_event_number + 1))


async def test_a_reference_leads_to_the_youngest_delivery_that_bears_it(world: World) -> None:
    name = reference_pb2.ExternalReference(scope="order", value="P-9")
    await world.delivery(references=[name])
    youngest = await world.delivery(references=[name])
    request = delivery_service_pb2.GetDeliveryByReferenceRequest(reference=name)

    found = await world.deliveries.GetDeliveryByReference(request, metadata=world.account)

    assert found.delivery.id == youngest.id


async def test_an_update_cannot_take_an_exclusive_name_from_another_delivery(world: World) -> None:
    name = reference_pb2.ExternalReference(scope="skipcart.order", value="1", exclusive=True)
    await world.delivery(references=[name])
    other = await world.delivery()
    change = delivery_pb2.Delivery(id=other.id, references=[name])
    request = delivery_service_pb2.UpdateDeliveryRequest(delivery=change)

    code, reason, _ = await refused(world.deliveries.UpdateDelivery(request, metadata=world.account))

    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "DUPLICATE_ID")


async def test_a_parked_message_is_applied_when_an_update_gives_a_delivery_its_name(world: World) -> None:
    await world.ingest(world.message("66", "arrived_at_store", policy="PARK"))
    made = await world.delivery()
    name = reference_pb2.ExternalReference(scope="skipcart.order", value="66", exclusive=True)

    after = await update(world, delivery_pb2.Delivery(id=made.id, references=[name]))

    assert after.status == delivery_pb2.DELIVERY_STATUS_PICKUP_ARRIVED


async def test_a_position_is_updated_in_place_and_leaves_no_event(world: World) -> None:
    made = await world.delivery(status=delivery_pb2.DELIVERY_STATUS_PICKUP_EN_ROUTE)
    told = []
    for tick in range(5):
        position = courier_pb2.Position(latitude=f"48.8566{tick}", longitude="2.3522219")
        told.append(await update(world, delivery_pb2.Delivery(id=made.id, position=position)))

    after = told[-1]
    assert after.position.latitude == "48.85664"
    assert (after.last_event_number, after.etag) == (made.last_event_number, made.etag)


async def test_a_return_stands_on_the_order_beside_its_next_delivery(world: World) -> None:
    order = await world.order()
    await world.delivery(order_id=order.id, kind=delivery_pb2.DELIVERY_KIND_RETURN)

    out = await world.delivery(order_id=order.id)

    request = delivery_service_pb2.GetDeliveryByOrderRequest(order_id=order.id)
    assert (await world.deliveries.GetDeliveryByOrder(request, metadata=world.account)).delivery == out
