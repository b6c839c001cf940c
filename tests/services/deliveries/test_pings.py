"""Pings that callers send: simultaneous ones share a transaction, and none of them harms another."""

import asyncio

import grpc
import pytest
from crossdock.v1 import courier_pb2, delivery_pb2, delivery_service_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from tests.services.answers import failure_of
from tests.services.worlds import Metadata, World

DELIVERIES = 24


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: Metadata) -> World:
    return await World.make(channel, system)


def ping(delivery: delivery_pb2.Delivery, place: int) -> delivery_service_pb2.UpdateDeliveryRequest:
    told = delivery_pb2.Delivery(id=delivery.id, order_id=delivery.order_id, location_id=delivery.location_id)
    told.position.CopyFrom(courier_pb2.Position(latitude=f"48.{place:06}", longitude="2.352222"))
    return delivery_service_pb2.UpdateDeliveryRequest(delivery=told, update_mask=FieldMask(paths=["position"]))


async def send(world: World, request: delivery_service_pb2.UpdateDeliveryRequest) -> delivery_pb2.Delivery:
    return (await world.deliveries.UpdateDelivery(request, metadata=world.account)).delivery


async def read(world: World, delivery_id: str) -> delivery_pb2.Delivery:
    request = delivery_service_pb2.GetDeliveryRequest(delivery_id=delivery_id)
    return (await world.deliveries.GetDelivery(request, metadata=world.account)).delivery


async def test_every_one_of_many_simultaneous_pings_moves_its_own_delivery(world: World) -> None:
    made = await asyncio.gather(*(world.delivery() for _ in range(DELIVERIES)))

    moved = await asyncio.gather(*(send(world, ping(each, place)) for place, each in enumerate(made)))

    assert [each.id for each in moved] == [each.id for each in made]
    assert [each.position.latitude for each in moved] == [f"48.{place:06}" for place in range(DELIVERIES)]
    assert [await read(world, each.id) for each in made] == moved


async def test_simultaneous_pings_of_one_delivery_leave_one_of_their_positions_and_no_event(world: World) -> None:
    made = await world.delivery()

    moved = await asyncio.gather(*(send(world, ping(made, place)) for place in range(DELIVERIES)))

    after = await read(world, made.id)
    assert after in moved
    assert after.last_event_number == made.last_event_number


async def test_a_ping_that_is_refused_leaves_its_neighbours_alone(world: World, channel: grpc.aio.Channel) -> None:
    foreign = await (await World.make(channel, world.system, "other")).delivery()
    nobody = delivery_pb2.Delivery(id="dlv_01h455vb4pex5vsknk084sn02q")
    made = await asyncio.gather(*(world.delivery() for _ in range(DELIVERIES)))

    outcomes = await asyncio.gather(
        send(world, ping(foreign, 1)),
        *(send(world, ping(each, 2)) for each in made),
        send(world, ping(nobody, 3)),
        return_exceptions=True,
    )

    for refusal in (outcomes[0], outcomes[-1]):
        assert isinstance(refusal, grpc.aio.AioRpcError)
        assert refusal.code() == grpc.StatusCode.NOT_FOUND
    assert [(await read(world, each.id)).position.latitude for each in made] == ["48.000002"] * DELIVERIES


async def test_an_order_names_its_delivery_for_pings_and_for_every_other_update(world: World) -> None:
    order = await world.order()
    made = await world.delivery(order_id=order.id)
    named = delivery_pb2.Delivery(order_id=order.id, location_id=order.location_id)

    moved = await send(world, ping(named, 7))
    named.parking_slot = "7"
    parked = await send(world, delivery_service_pb2.UpdateDeliveryRequest(delivery=named))

    assert (moved.id, moved.position.latitude) == (made.id, "48.000007")
    assert (parked.id, parked.position.latitude, parked.parking_slot) == (made.id, "48.000007", "7")


async def test_an_order_names_its_live_delivery_rather_than_one_that_is_over(world: World) -> None:
    order = await world.order()
    over = await world.delivery(order_id=order.id, status=delivery_pb2.DELIVERY_STATUS_CANCELLED)
    live = await world.delivery(order_id=order.id)

    moved = await send(world, ping(delivery_pb2.Delivery(order_id=order.id), 7))

    assert moved.id == live.id
    assert not (await read(world, over.id)).HasField("position")


async def test_an_order_names_nothing_at_another_location(world: World) -> None:
    order = await world.order()
    made = await world.delivery(order_id=order.id)
    elsewhere = await world.location("Elsewhere")
    named = delivery_pb2.Delivery(order_id=order.id, location_id=elsewhere)

    for request in (ping(named, 7), delivery_service_pb2.UpdateDeliveryRequest(delivery=named)):
        for caller in (world.account, world.local):
            failure = await failure_of(world.deliveries.UpdateDelivery(request, metadata=caller))
            assert failure.code == grpc.StatusCode.NOT_FOUND

    assert not (await read(world, made.id)).HasField("position")


async def test_a_locations_token_moves_nothing_that_lies_elsewhere(world: World) -> None:
    elsewhere = await world.location("Elsewhere")
    foreign = await world.delivery(location_id=elsewhere)

    failure = await failure_of(world.deliveries.UpdateDelivery(ping(foreign, 7), metadata=world.local))

    assert failure.code == grpc.StatusCode.NOT_FOUND
    assert not (await read(world, foreign.id)).HasField("position")
