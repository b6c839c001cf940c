"""What every act of the demo works with: the running hub, seen from outside; knows no act."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeVar

import httpx
from crossdock.v1 import delivery_service_pb2 as deliveries
from crossdock.v1 import webhook_service_pb2 as webhooks
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.reference_pb2 import ExternalReference
from crossdock.v1.webhook_pb2 import Webhook

from cli.hub_client import HubClient

T = TypeVar("T")

PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.05
SKIPCART_ORDER = "skipcart.order"


@dataclass
class Stage:
    """`ready` is the ready file; `hub` calls with the account token; `http` has the hub's address."""

    ready: dict[str, Any]
    hub: HubClient
    http: httpx.AsyncClient

    async def delivery(self, skipcart_order: str) -> Delivery:
        """As the services know it, by the carrier's name for it."""
        reference = ExternalReference(scope=SKIPCART_ORDER, value=skipcart_order)
        request = deliveries.GetDeliveryByReferenceRequest(reference=reference)
        return (await self.hub.call(self.hub.deliveries.GetDeliveryByReference, request)).delivery

    async def webhooks(self, **filters: Any) -> list[Webhook]:
        """The stored messages, the oldest first."""
        request = webhooks.ListWebhooksRequest(page_size=1000, **filters)
        listed = await self.hub.call(self.hub.webhooks.ListWebhooks, request)
        return list(reversed(listed.webhooks))


def document(name: str) -> bytes:
    """A document of the demo, as it is posted."""
    return resources.files("cli.demo").joinpath("documents", name).read_bytes()


def json_document(name: str) -> dict[str, Any]:
    """Likewise, to be changed."""
    parsed: dict[str, Any] = json.loads(document(name))
    return parsed


async def eventually(look: Callable[[], Awaitable[T]], good: Callable[[T], bool]) -> T:
    """What `look` finds once it is good, or at last."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = await look()
        if good(found) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(LOOK_SECONDS)
