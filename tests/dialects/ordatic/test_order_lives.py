"""What Ordatic's messages make of orders, and of the deliveries that stand on them."""

import httpx
import pytest
from crossdock.v1 import delivery_pb2, order_pb2, order_service_pb2, reference_pb2
from crossdock.v1.event_pb2 import Disposition

from tests.dialects.ordatic.lives import PARK, Ordatic, attention_of, source_of, state_of, status_of
from tests.services.worlds import World


async def test_an_ordinary_life_moves_the_order_and_its_delivery(ordatic: Ordatic) -> None:
    dispositions = await ordatic.say(
        "order-accepted",
        "order-in-kitchen",
        "rider-created",
        "rider-picking",
        "order-ready-to-pick-up",
        "rider-delivering",
        "rider-completed",
    )

    order, delivery = await ordatic.order(), await ordatic.delivery()
    assert dispositions == ["APPLIED"] * 7
    assert (state_of(order), status_of(delivery)) == ("AWAITING_SHIPMENT", "DELIVERED")
    assert order.location_id == delivery.location_id == ordatic.world.location_id
    assert (delivery.order_id, order.delivery_id, delivery.attempt) == (order.id, delivery.id, 1)
    assert [(each.scope, each.value) for each in order.references] == [("ordatic.order", "68fa12")]
    assert order.HasField("preparation_start_time")
    assert delivery.ready_for_pickup_time == order.ready_for_pickup_time
    assert (order.service_type, order.service_type_ref) == (order_pb2.SERVICE_TYPE_DELIVERY, "delivery-by-location")
    assert {each.order_id for each in await ordatic.webhooks()} == {order.id}
    assert not delivery.attention


async def test_an_order_alone_makes_no_delivery(ordatic: Ordatic) -> None:
    dispositions = await ordatic.say("order-accepted", "order-in-kitchen", "order-served")

    order = await ordatic.order()
    assert dispositions == ["APPLIED"] * 3
    assert (state_of(order), order.service_type) == ("COMPLETED", order_pb2.SERVICE_TYPE_EAT_IN)
    assert await ordatic.deliveries() == []


async def test_an_order_never_goes_backwards(ordatic: Ordatic) -> None:
    dispositions = await ordatic.say("order-in-kitchen", "order-accepted", "order-canceled", "order-ready-to-pick-up")

    order = await ordatic.order()
    assert dispositions == ["APPLIED", "REGRESSION_IGNORED", "APPLIED", "AFTER_TERMINAL"]
    assert (state_of(order), order.status_raw) == ("CANCELLED", "order-canceled")
    assert not order.HasField("ready_for_pickup_time")


async def test_a_cancelled_order_cancels_its_delivery_before_the_pickup(ordatic: Ordatic) -> None:
    await ordatic.say("order-accepted", "rider-created", "rider-picking", "order-canceled")

    delivery = await ordatic.delivery()
    assert (state_of(await ordatic.order()), status_of(delivery)) == ("CANCELLED", "CANCELLED")
    assert delivery.status_reason.code == "order_canceled"
    assert not delivery.attention


@pytest.mark.parametrize(
    ("last", "status"), [("rider-delivering", "DROPOFF_EN_ROUTE"), ("rider-completed", "DELIVERED")]
)
async def test_a_cancelled_order_leaves_a_delivery_alone_that_has_the_goods(
    ordatic: Ordatic, last: str, status: str
) -> None:
    await ordatic.say("order-accepted", "rider-created", "rider-delivering", last, "order-canceled")

    delivery = await ordatic.delivery()
    assert (status_of(delivery), attention_of(delivery)) == (status, ["cancel_after_pickup"])
    assert state_of(await ordatic.order()) == "CANCELLED"


async def test_a_cancelled_order_does_not_cancel_what_was_booked_through_the_hub(
    ordatic: Ordatic, world: World
) -> None:
    order = await world.order(private_ref="68fa12")
    booked = await world.delivery(order_id=order.id, carrier="UPS", carrier_ref="ups")

    await ordatic.say("order-ready-to-pick-up", "order-canceled")

    delivery = await world.get(booked.id)
    assert (status_of(delivery), attention_of(delivery)) == ("CREATED", ["order_cancelled"])
    assert delivery.HasField("ready_for_pickup_time")
    assert state_of(await ordatic.order()) == "CANCELLED"


async def test_an_order_that_the_customer_picked_up_never_moves_a_delivery(ordatic: Ordatic) -> None:
    await ordatic.say("order-accepted", "rider-created", "order-picked-up")

    delivery = await ordatic.delivery()
    assert (status_of(delivery), attention_of(delivery)) == ("DISPATCHED", ["picked_up_by_customer"])
    assert not any(each.status == delivery_pb2.DELIVERY_STATUS_PICKED_UP for each in delivery.milestones)
    assert state_of(await ordatic.order()) == "COMPLETED"


async def test_what_is_said_of_an_unknown_order_waits_until_somebody_makes_it_known(
    world: World, hub_client: httpx.AsyncClient
) -> None:
    ordatic = await source_of(world, hub_client, unknown_target_policy=PARK)
    assert await ordatic.say("order-accepted", "rider-created", "order-in-kitchen") == ["UNMATCHED"] * 3

    order = await world.order(private_ref="68fa12")

    assert state_of(order) == "IN_PREPARATION"
    dispositions = [Disposition.Name(each.disposition) for each in await ordatic.webhooks()]
    assert dispositions == ["DISPOSITION_APPLIED", "DISPOSITION_UNMATCHED", "DISPOSITION_APPLIED"]
    waits = (await ordatic.webhooks())[1]
    assert waits.HasField("expire_time"), "nobody booked a rider through the hub: it waits on"
    name = reference_pb2.ExternalReference(scope="ordatic.order", value="68fa12")
    delivery = await world.delivery(order_id=order.id, references=[name])
    assert status_of(delivery) == "DISPATCHED"


async def test_an_order_that_learns_its_name_hears_what_waits_for_it(
    world: World, hub_client: httpx.AsyncClient
) -> None:
    ordatic = await source_of(world, hub_client, unknown_target_policy=PARK)
    order = await world.order()
    await ordatic.say("order-in-kitchen")

    order.references.add(scope="ordatic.order", value="68fa12")
    asked = order_service_pb2.UpdateOrderRequest(order=order)
    asked.update_mask.paths.append("references")
    updated = (await world.orders.UpdateOrder(asked, metadata=world.account)).order

    assert state_of(updated) == "IN_PREPARATION"
    assert state_of(await ordatic.order()) == "IN_PREPARATION"


async def test_an_order_that_becomes_known_after_its_rider_is_joined_to_the_delivery(ordatic: Ordatic) -> None:
    await ordatic.say("rider-created", "order-in-kitchen")

    order, delivery = await ordatic.order(), await ordatic.delivery()
    assert delivery.order_id == order.id
    assert delivery.preparing
    assert status_of(delivery) == "DISPATCHED"


async def test_two_stores_of_an_account_may_number_their_orders_alike(
    world: World, hub_client: httpx.AsyncClient
) -> None:
    ordatic = await source_of(world, hub_client)
    other = await world.location("Other store", external_id="8810")

    for store in ("7709", "8810"):
        assert await ordatic.say("order-accepted", "rider-created", store=store) == ["APPLIED"] * 2
    await ordatic.say("order-canceled", store="8810")

    here, there = sorted(await ordatic.deliveries(), key=lambda each: each.location_id != world.location_id)
    assert (here.location_id, there.location_id) == (world.location_id, other)
    assert (status_of(here), status_of(there)) == ("DISPATCHED", "CANCELLED")
    assert {state_of(each) for each in await ordatic.orders()} == {"ACCEPTED", "CANCELLED"}


async def test_an_order_of_a_store_that_is_no_location_waits(world: World, hub_client: httpx.AsyncClient) -> None:
    ordatic = await source_of(world, hub_client)

    assert await ordatic.say("order-accepted", store="unheard of") == ["UNMATCHED"]
    assert await ordatic.orders() == []
