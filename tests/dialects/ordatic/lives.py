"""A source of Ordatic's in front of real services, and what is seen of what it sends."""

from dataclasses import dataclass
from typing import Any

import httpx
from crossdock.v1 import order_service_pb2, webhook_pb2
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.order_pb2 import FulfilmentStatus, Order

from tests.dialects.ordatic.ordatic_documents import body
from tests.services.worlds import World

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
