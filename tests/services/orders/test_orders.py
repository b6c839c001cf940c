import asyncio
from datetime import timedelta

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import order_service_pb2 as contract
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.order_pb2 import FulfilmentStatus, Order, ServiceType
from crossdock.v1.order_service_pb2_grpc import OrderServiceStub
from crossdock.v1.reference_pb2 import ExternalReference
from google.protobuf.field_mask_pb2 import FieldMask

from runtime import typeid
from services import ids
from services.db.tables import deliveries
from services.server import Server
from services.times import to_datetime, to_timestamp
from tests.services.accounts import Account, make_location, refused


@pytest.fixture
def orders(channel: grpc.aio.Channel) -> OrderServiceStub:
    return OrderServiceStub(channel)


async def create(orders: OrderServiceStub, account: Account, **members: object) -> Order:
    order = Order(**{"location_id": account.location_id, **members})  # type: ignore[arg-type]
    request = contract.CreateOrderRequest(order=order)
    return (await orders.CreateOrder(request, metadata=account.metadata)).order


async def ids_listed(orders: OrderServiceStub, account: Account, **filters: object) -> list[str]:
    request = contract.ListOrdersRequest(**filters)  # type: ignore[arg-type]
    listed = await orders.ListOrders(request, metadata=account.metadata)
    return [order.id for order in listed.orders]


async def test_an_order_is_read_as_it_was_stored(orders: OrderServiceStub, account: Account) -> None:
    made = await create(orders, account, private_ref="A-17", service_type=ServiceType.SERVICE_TYPE_DELIVERY)
    read = await orders.GetOrder(contract.GetOrderRequest(order_id=made.id), metadata=account.metadata)

    assert read.order == made
    assert made.status == FulfilmentStatus.FULFILMENT_STATUS_NEW
    assert made.created_by == account.token_id
    assert (made.etag, made.delivery_id) == ("1", "")


async def test_a_private_reference_is_unique_within_a_tenant(
    orders: OrderServiceStub, account: Account, other_account: Account
) -> None:
    await create(orders, account, private_ref="A-17")
    await create(orders, other_account, private_ref="A-17")
    await create(orders, account)
    second = await create(orders, account)

    with refused("DUPLICATE_ID") as refusal:
        await create(orders, account, private_ref="A-17")
    assert refusal.metadata == {"resource": "order", "field": "private_ref", "value": "A-17"}
    with refused("DUPLICATE_ID"):
        await orders.UpdateOrder(
            contract.UpdateOrderRequest(order=Order(id=second.id, private_ref="A-17")),
            metadata=account.metadata,
        )


async def test_an_order_needs_a_location_within_reach(
    channel: grpc.aio.Channel, orders: OrderServiceStub, account: Account, other_account: Account
) -> None:
    sister = await make_location(channel, account.metadata)

    with refused("INVALID_REQUEST") as refusal:
        await create(orders, account, location_id="")
    assert refusal.fields == ["order.location_id"]
    for location_id in (other_account.location_id, "loc_x"):
        with refused("NOT_FOUND"):
            await create(orders, account, location_id=location_id)
    with refused("NOT_FOUND"):
        await orders.CreateOrder(
            contract.CreateOrderRequest(order=Order(location_id=sister.id)), metadata=account.at_location
        )


async def test_a_token_of_one_location_works_on_its_orders_alone(
    channel: grpc.aio.Channel, orders: OrderServiceStub, account: Account
) -> None:
    sister = await make_location(channel, account.metadata)
    theirs = await create(orders, account, location_id=sister.id)

    ours = await orders.CreateOrder(contract.CreateOrderRequest(order=Order()), metadata=account.at_location)

    assert ours.order.location_id == account.location_id
    with refused("NOT_FOUND"):
        await orders.GetOrder(contract.GetOrderRequest(order_id=theirs.id), metadata=account.at_location)
    with refused("NOT_FOUND"):
        await orders.UpdateOrder(
            contract.UpdateOrderRequest(order=Order(id=theirs.id, channel="x")), metadata=account.at_location
        )
    listed = await orders.ListOrders(
        contract.ListOrdersRequest(location_ids=[sister.id, account.location_id]), metadata=account.at_location
    )
    assert [order.id for order in listed.orders] == [ours.order.id]


async def test_creating_can_be_repeated_and_tried(orders: OrderServiceStub, account: Account) -> None:
    order = Order(location_id=account.location_id, private_ref="A-17")
    request = contract.CreateOrderRequest(order=order, request_id="r1")
    trial = contract.CreateOrderRequest(order=order, request_id="r1", validate_only=True)

    tried = await orders.CreateOrder(trial, metadata=account.metadata)
    calls = (orders.CreateOrder(request, metadata=account.metadata) for _ in range(16))
    answers = await asyncio.gather(*calls)

    assert tried.order.id == ""
    assert len({answer.order.id for answer in answers}) == 1
    assert len(await ids_listed(orders, account)) == 1
    with refused("DUPLICATE_ID"):
        await orders.CreateOrder(
            contract.CreateOrderRequest(order=order, validate_only=True), metadata=account.metadata
        )


async def test_an_update_moves_the_status_freely_and_keeps_the_rest(orders: OrderServiceStub, account: Account) -> None:
    made = await create(orders, account, private_ref="A-17", status=FulfilmentStatus.FULFILMENT_STATUS_COMPLETED)

    after = await orders.UpdateOrder(
        contract.UpdateOrderRequest(
            order=Order(id=made.id, etag=made.etag, status=FulfilmentStatus.FULFILMENT_STATUS_NEW)
        ),
        metadata=account.metadata,
    )

    assert after.order.status == FulfilmentStatus.FULFILMENT_STATUS_NEW
    assert (after.order.private_ref, after.order.etag) == ("A-17", "2")
    with refused("ETAG_MISMATCH"):
        await orders.UpdateOrder(
            contract.UpdateOrderRequest(order=Order(id=made.id, etag="1", channel="x")),
            metadata=account.metadata,
        )


async def test_an_order_stays_at_its_location(
    channel: grpc.aio.Channel, orders: OrderServiceStub, account: Account
) -> None:
    sister = await make_location(channel, account.metadata)
    made = await create(orders, account)

    with refused("FIELD_IMMUTABLE") as refusal:
        await orders.UpdateOrder(
            contract.UpdateOrderRequest(order=Order(id=made.id, location_id=sister.id)),
            metadata=account.metadata,
        )

    assert refusal.metadata == {"field": "order.location_id"}


@pytest.mark.parametrize("path", ["id", "delivery_id", "created_by", "create_time", "colour", "status"])
async def test_what_an_update_cannot_touch_is_named(orders: OrderServiceStub, account: Account, path: str) -> None:
    made = await create(orders, account)
    request = contract.UpdateOrderRequest(order=Order(id=made.id), update_mask=FieldMask(paths=[path]))

    with refused("INVALID_REQUEST"):
        await orders.UpdateOrder(request, metadata=account.metadata)


async def test_orders_are_found_by_what_others_call_them(orders: OrderServiceStub, account: Account) -> None:
    reference = ExternalReference(scope="skipcart.order", value="77")
    made = await create(orders, account, references=[reference, reference])
    await create(orders, account)
    assert await ids_listed(orders, account, reference_value="77") == [made.id]

    renamed = Order(id=made.id, references=[ExternalReference(scope="order", value="78")])
    await orders.UpdateOrder(contract.UpdateOrderRequest(order=renamed), metadata=account.metadata)

    assert await ids_listed(orders, account, reference_value="77") == []
    assert await ids_listed(orders, account, reference_value="78") == [made.id]


async def test_all_filters_must_hold(channel: grpc.aio.Channel, orders: OrderServiceStub, account: Account) -> None:
    sister = await make_location(channel, account.metadata)
    first = await create(orders, account, private_ref="1")
    second = await create(orders, account, location_id=sister.id)
    third = await create(orders, account, status=FulfilmentStatus.FULFILMENT_STATUS_ACCEPTED)
    middle = to_timestamp(to_datetime(second.create_time))
    after = to_timestamp(to_datetime(third.create_time) + timedelta(microseconds=1))

    assert await ids_listed(orders, account) == [third.id, second.id, first.id]
    assert await ids_listed(orders, account, location_ids=[sister.id]) == [second.id]
    assert await ids_listed(orders, account, private_ref="1") == [first.id]
    assert await ids_listed(orders, account, statuses=[FulfilmentStatus.FULFILMENT_STATUS_ACCEPTED]) == [third.id]
    assert await ids_listed(orders, account, created_after=middle) == [third.id, second.id]
    assert await ids_listed(orders, account, created_before=middle) == [first.id]
    assert await ids_listed(orders, account, created_after=after) == []
    assert await ids_listed(orders, account, location_ids=[sister.id], private_ref="1") == []


async def test_pages_follow_the_filters(orders: OrderServiceStub, account: Account) -> None:
    made = [(await create(orders, account)).id for _ in range(5)]
    request = contract.ListOrdersRequest(page_size=2)
    first = await orders.ListOrders(request, metadata=account.metadata)
    second = await orders.ListOrders(
        contract.ListOrdersRequest(page_size=2, page_token=first.next_page_token), metadata=account.metadata
    )

    assert [order.id for order in second.orders] == made[2:0:-1]
    with refused("INVALID_PAGE_TOKEN"):
        await orders.ListOrders(
            contract.ListOrdersRequest(page_token=first.next_page_token, private_ref="x"),
            metadata=account.metadata,
        )


async def test_an_order_names_its_live_delivery_or_its_last(
    server: Server, orders: OrderServiceStub, account: Account
) -> None:
    made = await create(orders, account)

    async def deliver(*, live: bool) -> str:
        delivery_id = typeid.new_uuid7()
        async with server.hub.transaction() as connection:
            await connection.execute(
                sa.insert(deliveries).values(
                    tenant_id=ids.read("tenant", account.tenant_id),
                    delivery_id=delivery_id,
                    order_id=ids.read("order", made.id),
                    carrier_ref="",
                    status=DeliveryStatus.DELIVERY_STATUS_CREATED,
                    live=live,
                    needs_attention=False,
                    document=Delivery().SerializeToString(),
                    create_time=sa.func.now(),
                    update_time=sa.func.now(),
                )
            )
        return ids.write("delivery", delivery_id)

    async def named() -> str:
        request = contract.GetOrderRequest(order_id=made.id)
        return (await orders.GetOrder(request, metadata=account.metadata)).order.delivery_id

    await deliver(live=False)
    last = await deliver(live=False)
    assert await named() == last
    live = await deliver(live=True)
    await deliver(live=False)
    assert await named() == live
    listed = await orders.ListOrders(contract.ListOrdersRequest(), metadata=account.metadata)
    assert [order.delivery_id for order in listed.orders] == [live]
