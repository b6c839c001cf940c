"""The demo's acts around the REST routes and the event stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
from crossdock.v1 import delivery_service_pb2 as deliveries
from crossdock.v1 import event_service_pb2 as events
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.event_pb2 import Event, EventKind

from cli.commands.watch import follow
from cli.demo.stage import Stage, eventually, json_document
from cli.demo.story import Step, Story
from cli.words import word

ORDERS = "/hubrise/v1/location/orders"


async def rest(stage: Stage, story: Story) -> None:
    """A partner's system with HubRise's client."""
    headers = {"X-Access-Token": stage.ready["location_token"]}
    with story.step("A partner creates an order and attaches a delivery, over HubRise's REST routes") as step:
        order = await _call(stage, step, "POST", ORDERS, headers, json_document("hubrise_order.json"))
        path = f"{ORDERS}/{order['id']}/delivery"
        wanted = json_document("hubrise_delivery.json")
        made = await _call(stage, step, "POST", path, headers, wanted)
        step.expect("status", made["status"], "pending")
        step.expect("fee", made["fee"], "4.50 EUR")
        # The same moment, in the offset of a store in Boston.
        step.expect("estimated pickup, in the store's offset", made["estimated_pickup_at"], "2023-01-01T06:00:00-05:00")

    with story.step("The driver sets out: one PATCH, and its time is kept by itself") as step:
        patched = await _call(
            stage, step, "PATCH", path, headers, {"status": "pickup_enroute", "driver_latitude": "42.35"}
        )
        step.expect("status", patched["status"], "pickup_enroute")
        step.require("assigned_at was set by the status", bool(patched["assigned_at"]))
        step.expect("driver_latitude", patched["driver_latitude"], "42.35")

    with story.step("The fee is fixed, and the refusal is in HubRise's own words") as step:
        refused = await stage.http.patch(path, headers=headers, json={"fee": "9.99 EUR"})
        step.tell(f"PATCH fee → {refused.status_code} {refused.text}")
        step.expect("the answer", refused.status_code, 422)
        step.expect("the field that is named", refused.json()["errors"][0]["field"], "fee")

    with story.step("What REST wrote is read back, over REST and over gRPC") as step:
        read = await _call(stage, step, "GET", path, headers)
        step.expect("status over REST", read["status"], "pickup_enroute")
        request = deliveries.GetDeliveryByOrderRequest(order_id=order["id"])
        delivery = (await stage.hub.call(stage.hub.deliveries.GetDeliveryByOrder, request)).delivery
        step.expect("status over gRPC", word(DeliveryStatus, delivery.status), "pickup_en_route")
        step.expect("the same delivery", delivery.id, read["id"])


@asynccontextmanager
async def watching(stage: Stage) -> AsyncIterator[list[Event]]:
    """The events of the account from now on, as a watcher receives them."""
    received: list[Event] = []
    begun = asyncio.Event()

    async def watch() -> None:
        async with aclosing(follow(stage.hub, events.WatchEventsRequest())) as answers:
            async for answer in answers:
                begun.set()
                if answer.HasField("event"):
                    received.append(answer.event)

    task = asyncio.create_task(watch())
    try:
        waiting = asyncio.create_task(begun.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        yield received
    finally:
        waiting.cancel()
        task.cancel()
        await asyncio.wait({task})


async def compare(stage: Stage, story: Story, delivery: Delivery, received: list[Event]) -> None:
    """Who watched missed nothing and saw nothing twice."""
    with story.step("Whoever watched saw it all, once and in order") as step:
        request = deliveries.ListDeliveryEventsRequest(delivery_id=delivery.id)
        listed = (await stage.hub.call(stage.hub.deliveries.ListDeliveryEvents, request)).events

        async def look() -> list[Event]:
            return [event for event in received if event.delivery_id == delivery.id]

        seen = await eventually(look, lambda found: len(found) >= len(listed))
        for event in seen:
            status = word(DeliveryStatus, event.status)
            step.tell(
                f"#{event.number} {word(EventKind, event.kind)} {status}{' (inferred)' if event.synthetic else ''}"
            )
        step.expect("event numbers", [each.number for each in seen], list(range(1, delivery.last_event_number + 1)))
        step.require("they are those of the record", [each.id for each in seen] == [each.id for each in listed])


async def _call(
    stage: Stage, step: Step, method: str, path: str, headers: dict[str, str], body: Any = None
) -> dict[str, Any]:
    answer: httpx.Response = await stage.http.request(method, path, headers=headers, json=body)
    if answer.status_code != 200:
        step.tell(answer.text)
    step.expect(f"{method} {path}", answer.status_code, 200)
    document: dict[str, Any] = answer.json()
    return document
