"""What Ordatic's messages make of orders and deliveries: posted to a gateway in front of the real services."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest
from crossdock.v1 import delivery_pb2, order_pb2, order_service_pb2, reference_pb2, webhook_pb2
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.order_pb2 import FulfilmentStatus, Order
from pydantic import SecretStr

from gateway.config import MIB
from gateway.dialects.registry import INBOUND
from tests.conftest import SYSTEM_TOKEN
from tests.dialects.ordatic.ordatic_documents import PNG, body, document, picture
from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import World

if TYPE_CHECKING:
    from services.server import Server as Services

CREATE, PARK = webhook_pb2.UNKNOWN_TARGET_POLICY_CREATE, webhook_pb2.UNKNOWN_TARGET_POLICY_PARK
SECRET = "Token of-the-app"


@dataclass
class Ordatic:
    """A source of Ordatic's with a store of its own, and what is seen of what it sends."""

    world: World
    client: httpx.AsyncClient
    source: webhook_pb2.WebhookSource

    async def post(self, content: bytes) -> str:
        """Posts one message; returns what became of it."""
        answer = await self.client.post(self.source.path, content=content, headers={"Authorization": SECRET})
        assert (answer.status_code, answer.content) == (200, b"")
        return Disposition.Name((await self.webhooks())[0].disposition).removeprefix("DISPOSITION_")

    async def say(self, *words: str, order: str = "68fa12", store: str = "7709") -> list[str]:
        return [await self.post(body(word, order, store)) for word in words]

    async def webhooks(self) -> list[webhook_pb2.Webhook]:
        """What it sent, the youngest first."""
        asked = contract.ListWebhooksRequest(source_id=self.source.id, page_size=100)
        return list((await self.world.webhooks.ListWebhooks(asked, metadata=self.world.account)).webhooks)

    async def deliveries(self) -> list[Delivery]:
        """What it moved, each once, the oldest first."""
        ids = {each.delivery_id for each in await self.webhooks() if each.delivery_id}
        return [await self.world.get(each) for each in sorted(ids)]

    async def delivery(self) -> Delivery:
        """The one delivery that it moved."""
        [delivery] = await self.deliveries()
        return delivery

    async def orders(self) -> list[Order]:
        asked = order_service_pb2.ListOrdersRequest(page_size=100)
        return list((await self.world.orders.ListOrders(asked, metadata=self.world.account)).orders)

    async def order(self) -> Order:
        """The one order of the account."""
        [order] = await self.orders()
        return order


def status_of(delivery: Delivery) -> str:
    return DeliveryStatus.Name(delivery.status).removeprefix("DELIVERY_STATUS_")


def state_of(order: Order) -> str:
    return FulfilmentStatus.Name(order.status).removeprefix("FULFILMENT_STATUS_")


def attention_of(delivery: Delivery) -> list[str]:
    return [each.reason for each in delivery.attention]


@pytest.fixture
async def client(server: "Services") -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_gateway(server.address, INBOUND, system_token=SecretStr(SYSTEM_TOKEN)) as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=60) as client,
    ):
        yield client


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: tuple[tuple[str, str], ...]) -> World:
    return await World.make(channel, system)


async def source_of(world: World, client: httpx.AsyncClient, **members: Any) -> Ordatic:
    members.setdefault("unknown_target_policy", CREATE)
    source = webhook_pb2.WebhookSource(
        dialect="ordatic",
        auth_scheme=webhook_pb2.AUTH_SCHEME_STATIC_AUTHORIZATION,
        default_currency_code="EUR",
        **members,
    )
    request = contract.CreateWebhookSourceRequest(source=source, secret=SECRET)
    made = await world.webhooks.CreateWebhookSource(request, metadata=world.account)
    return Ordatic(world, client, made.source)


@pytest.fixture
async def ordatic(world: World, client: httpx.AsyncClient) -> Ordatic:
    """For the one store, and free to make orders and deliveries known."""
    return await source_of(world, client, location_id=world.location_id)


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


def with_members_reversed(content: bytes) -> bytes:
    return json.dumps(dict(reversed(json.loads(content).items()))).encode()


async def test_a_second_and_a_third_copy_have_no_effect_in_whatever_order_their_members_stand(ordatic: Ordatic) -> None:
    first_leg = ["order-accepted", "order-in-kitchen", "rider-created", "rider-picking", "rider-error"]
    next_leg = ["rider-created", "rider-picking", "order-ready-to-pick-up", "rider-delivering", "rider-completed"]
    life = [body(word) for word in (*first_leg, *next_leg)] + [json.dumps(document("refund")).encode()]

    first, copies = [], []
    for content in life:
        first.append(await ordatic.post(content))
        copies += [await ordatic.post(content), await ordatic.post(with_members_reversed(content))]

    assert first == ["APPLIED"] * 10 + ["OVERLAY_ONLY"]
    assert copies == ["DUPLICATE"] * 22
    assert [each.attempt for each in await ordatic.deliveries()] == [1, 2]


async def test_a_whole_life_that_is_sent_again_has_no_effect(ordatic: Ordatic) -> None:
    life = ["order-accepted", "rider-created", "rider-picking", "rider-delivering", "rider-completed", "order-canceled"]
    await ordatic.say(*life)
    before = [await ordatic.order(), await ordatic.delivery()]

    again = [await ordatic.post(with_members_reversed(body(word))) for word in life]

    assert again == ["DUPLICATE"] * len(life)
    assert [await ordatic.order(), await ordatic.delivery()] == before


async def test_a_rider_that_is_created_after_an_error_is_the_next_delivery_of_the_order(ordatic: Ordatic) -> None:
    first_leg = ["order-accepted", "rider-created", "rider-picking", "rider-error"]
    next_leg = ["rider-created", "rider-picking", "rider-delivering", "rider-completed"]

    dispositions = await ordatic.say(*first_leg, *next_leg)

    order, (first, last) = await ordatic.order(), await ordatic.deliveries()
    assert dispositions == ["APPLIED"] * 8
    assert (status_of(first), first.attempt, attention_of(first)) == ("FAILED", 1, ["rider_error"])
    assert (status_of(last), last.attempt, attention_of(last)) == ("DELIVERED", 2, [])
    assert first.order_id == last.order_id == order.id
    assert order.delivery_id == last.id


async def test_a_second_copy_of_a_created_rider_is_none_before_the_error_and_after_the_next_one(
    ordatic: Ordatic,
) -> None:
    assert await ordatic.say("rider-created", "rider-created") == ["APPLIED", "DUPLICATE"]
    assert await ordatic.say("rider-error", "rider-error") == ["APPLIED", "DUPLICATE"]
    assert await ordatic.say("rider-created", "rider-created") == ["APPLIED", "DUPLICATE"]
    assert await ordatic.say("rider-error", "rider-created", "rider-completed") == ["APPLIED"] * 3

    assert [(status_of(each), each.attempt) for each in await ordatic.deliveries()] == [
        ("FAILED", 1),
        ("FAILED", 2),
        ("DELIVERED", 3),
    ]
    assert await ordatic.say("rider-created") == ["DUPLICATE"], "what is delivered is not booked again"


async def test_an_error_after_the_pickup_leaves_the_goods_out_and_the_order_to_the_next_rider(ordatic: Ordatic) -> None:
    await ordatic.say("order-accepted", "rider-created", "rider-delivering", "rider-error", "rider-created")

    first, last = await ordatic.deliveries()
    assert (status_of(first), status_of(last)) == ("UNDELIVERABLE", "DISPATCHED")
    assert attention_of(first) == ["rider_error", "another_delivery_is_live"]
    assert (last.order_id, (await ordatic.order()).delivery_id) == (first.order_id, last.id)
    assert await ordatic.say("rider-completed") == ["APPLIED"]
    assert await ordatic.post(json.dumps(document("refund")).encode()) == "OVERLAY_ONLY"
    first, last = await ordatic.deliveries()
    assert (status_of(first), len(first.refunds)) == ("UNDELIVERABLE", 0)
    assert (status_of(last), len(last.refunds)) == ("DELIVERED", 1)


async def test_two_bookings_in_one_batch_are_two(ordatic: Ordatic) -> None:
    words = ["order-accepted", "rider-created", "rider-picking", "rider-created", "rider-error", "rider-created"]
    source = webhook_pb2.WebhookSource()
    source.CopyFrom(ordatic.source)
    batch = []
    for place, word in enumerate(words):
        reading = INBOUND["ordatic"].read(json.loads(body(word)), source, "")
        message = contract.IngestWebhookRequest(source_id=source.id, body=body(word), dedupe_key=reading.dedupe_key)
        message.report.CopyFrom(reading.report)
        message.receive_time.FromNanoseconds(1_700_000_000_000_000_000 + place)
        batch.append(message)

    results = await ordatic.world.ingest(*batch)

    names = [Disposition.Name(each.disposition).removeprefix("DISPOSITION_") for each in results]
    assert names == ["APPLIED"] * 3 + ["DUPLICATE"] + ["APPLIED"] * 2
    order = await ordatic.order()
    first, last = [await ordatic.world.get(each) for each in sorted({each.delivery_id for each in results} - {""})]
    assert (status_of(first), status_of(last), last.attempt) == ("FAILED", "DISPATCHED", 2)
    assert {first.order_id, last.order_id} == {order.id}


async def test_bookings_that_are_parked_are_told_apart_too(world: World, client: httpx.AsyncClient) -> None:
    ordatic = await source_of(world, client, unknown_target_policy=PARK)
    parked = await ordatic.say("rider-created", "rider-created", "rider-error", "rider-created", "rider-completed")
    assert parked == ["UNMATCHED", "DUPLICATE", "UNMATCHED", "UNMATCHED", "UNMATCHED"]

    await world.delivery(references=[reference_pb2.ExternalReference(scope="ordatic.order", value="68fa12")])

    assert [(status_of(each), each.attempt) for each in await ordatic.deliveries()] == [("FAILED", 1), ("DELIVERED", 2)]


async def test_eight_senders_of_one_life_have_one_effect(ordatic: Ordatic) -> None:
    await ordatic.say("order-accepted", "rider-created")
    headers = {"Authorization": SECRET}

    for word in ("rider-error", "rider-created", "rider-completed"):
        content = body(word)
        copies = (ordatic.client.post(ordatic.source.path, content=content, headers=headers) for _ in range(8))
        assert {each.status_code for each in await asyncio.gather(*copies)} == {200}

    assert [(status_of(each), each.attempt) for each in await ordatic.deliveries()] == [("FAILED", 1), ("DELIVERED", 2)]


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


async def test_a_refund_is_recorded_once_by_its_id_to_the_cent(ordatic: Ordatic) -> None:
    await ordatic.say("order-accepted", "rider-created", "rider-error")
    other = document("refund")
    other["data"]["refund"]["reason"] = "told again in other words"

    dispositions = [await ordatic.post(json.dumps(each).encode()) for each in (document("refund"), other)]

    [refund] = (await ordatic.delivery()).refunds
    assert dispositions == ["OVERLAY_ONLY", "NO_CHANGE"]
    assert (refund.external_id, refund.reason) == ("ref_1", "Items missing")
    assert (refund.carrier_total.units, refund.carrier_total.nanos) == (12, 500_000_000)
    assert (refund.items[0].partner_amount.units, refund.fees[0].amount.nanos) == (3, 500_000_000)
    assert [each.name for each in refund.items[0].articles] == ["Margherita", "Water"]
    assert attention_of(await ordatic.delivery()) == ["rider_error", "refunded_not_delivered"]


async def test_a_refund_of_what_was_delivered_needs_nobody(ordatic: Ordatic) -> None:
    await ordatic.say("rider-created", "rider-completed")

    await ordatic.post(json.dumps(document("refund")).encode())

    delivery = await ordatic.delivery()
    assert len(delivery.refunds) == 1
    assert not delivery.attention


async def test_the_services_take_the_largest_image_that_the_gateway_does(ordatic: Ordatic) -> None:
    await ordatic.say("rider-created")
    empty = len(body("rider-proof-delivery", proofDelivery=""))
    image = PNG.ljust((8 * MIB - empty) // 4 * 3, b"\0")

    disposition = await ordatic.post(body("rider-proof-delivery", proofDelivery=picture(image)))

    [proof] = (await ordatic.delivery()).proofs
    assert (disposition, proof.media_type) == ("OVERLAY_ONLY", "image/png")
    assert await ordatic.say("rider-completed") == ["APPLIED"], "a proof may come before the end"


async def test_what_is_said_of_an_unknown_order_waits_until_somebody_makes_it_known(
    world: World, client: httpx.AsyncClient
) -> None:
    ordatic = await source_of(world, client, unknown_target_policy=PARK)
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


async def test_an_order_that_learns_its_name_hears_what_waits_for_it(world: World, client: httpx.AsyncClient) -> None:
    ordatic = await source_of(world, client, unknown_target_policy=PARK)
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


async def test_two_stores_of_an_account_may_number_their_orders_alike(world: World, client: httpx.AsyncClient) -> None:
    ordatic = await source_of(world, client)
    other = await world.location("Other store", external_id="8810")

    for store in ("7709", "8810"):
        assert await ordatic.say("order-accepted", "rider-created", store=store) == ["APPLIED"] * 2
    await ordatic.say("order-canceled", store="8810")

    here, there = sorted(await ordatic.deliveries(), key=lambda each: each.location_id != world.location_id)
    assert (here.location_id, there.location_id) == (world.location_id, other)
    assert (status_of(here), status_of(there)) == ("DISPATCHED", "CANCELLED")
    assert {state_of(each) for each in await ordatic.orders()} == {"ACCEPTED", "CANCELLED"}


async def test_an_order_of_a_store_that_is_no_location_waits(world: World, client: httpx.AsyncClient) -> None:
    ordatic = await source_of(world, client)

    assert await ordatic.say("order-accepted", store="unheard of") == ["UNMATCHED"]
    assert await ordatic.orders() == []
