"""Whole lives of shipments, told in Delivery Solutions' words: services, gateway and simulated carriers over HTTP."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_CANCELLED
from crossdock.v1.location_pb2 import Location
from crossdock.v1.location_service_pb2 import UpdateLocationRequest
from google.protobuf.field_mask_pb2 import FieldMask
from pydantic import SecretStr

from gateway.dialects.registry import INBOUND
from services.config import Settings
from services.server import Server
from tests.carriers.hubs import DIALECTS, Hub
from tests.carriers.worlds import eventually, running_simulator
from tests.conftest import SYSTEM_TOKEN
from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import Metadata, World

Json = dict[str, Any]
EXAMPLE: Json = json.loads((Path(__file__).parent / "create.json").read_text())
HOUR, THIRTY_DAYS = 3_600_000, 30 * 86_400_000
PUBLIC = "https://hub.example.com"


@dataclass
class Sender:
    """A partner's client."""

    http: httpx.AsyncClient
    hub: Hub

    async def call(self, method: str, path: str = "", body: Any = None) -> httpx.Response:
        return await self.http.request(method, f"/deliverysolutions/v2/shipments{path}", json=body)

    async def create(self, number: str, **members: Any) -> httpx.Response:
        return await self.call("POST", body=EXAMPLE | {"orderExternalId": number} | members)

    async def get(self, number: str) -> Json:
        answer = await self.call("GET", f"/{number}")
        assert answer.status_code == 200, answer.text
        document: Json = answer.json()
        return document

    async def becomes(self, number: str, status: str) -> Json:
        async def look() -> Json | None:
            found = await self.get(number)
            return found if found["status"] == status else None

        found: Json = await eventually(look)
        return found

    async def words(self, number: str) -> list[str]:
        """Of the status history."""
        (told,) = (await self.call("GET", f"/{number}/status-history")).json()
        return [each["status"] for each in told["orderStatus"]]

    async def assign(self, *carriers: str) -> None:
        location = Location(id=self.hub.world.location_id, carrier_refs=carriers)
        request = UpdateLocationRequest(location=location, update_mask=FieldMask(paths=["carrier_refs"]))
        await self.hub.world.locations.UpdateLocation(request, metadata=self.hub.world.account)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_url": PUBLIC})


@pytest.fixture
async def sender(server: Server, channel: grpc.aio.Channel, system: Metadata) -> AsyncIterator[Sender]:
    """An account with a store in Boston that three carriers serve."""
    world = await World.make(channel, system, "dummyaccount1")
    await _settle(world)
    async with (
        running_gateway(server.address, INBOUND, system_token=SecretStr(SYSTEM_TOKEN)) as gateway,
        running_simulator(hub=gateway.url) as simulator,
    ):
        hub = Hub(world, simulator)
        await hub.connect(gateway.url)
        await hub.register()
        headers = {"x-api-key": world.account[0][1].removeprefix("Bearer "), "tenantid": "dummyaccount1"}
        async with httpx.AsyncClient(base_url=gateway.url, headers=headers, trust_env=False, timeout=60) as http:
            sender = Sender(http, hub)
            await sender.assign(*DIALECTS)
            yield sender


async def _settle(world: World) -> None:
    location = Location(id=world.location_id)
    location.address.postal_address.region_code, location.address.postal_address.postal_code = "US", "02118"
    location.address.position.latitude, location.address.position.longitude = 42.3423, -71.0673
    request = UpdateLocationRequest(location=location, update_mask=FieldMask(paths=["address"]))
    await world.locations.UpdateLocation(request, metadata=world.account)


async def test_the_documented_example_is_shipped_and_delivered(sender: Sender) -> None:
    await sender.assign("swift")

    answer = await sender.create("7709-001")

    made = answer.json()
    assert answer.status_code == 201, answer.text
    assert made["status"] == "ORDER_DISPATCHED"
    assert made["provider"]["name"] == "Swift"
    assert made["amount"] > 0
    assert made["trackingId"].startswith("SWI")
    assert made["label"].startswith(f"{PUBLIC}/")
    await sender.hub.simulator.run("7709-001")
    ended = await sender.becomes("7709-001", "ORDER_DELIVERED")
    assert ended["trackingId"] == made["trackingId"]
    words = await sender.words("7709-001")
    assert words[:3] == ["REQUEST_RECEIVED", "ESTIMATES_RECEIVED", "ORDER_DISPATCHED"]
    assert words[-1] == "ORDER_DELIVERED"
    assert {"ORDER_ASSIGNED", "PICKUP_STARTED", "PICKUP_COMPLETED", "OUT_FOR_DELIVERY"} <= set(words)


async def test_a_shipment_is_called_off_once(sender: Sender) -> None:
    await sender.create("A-1")

    first = await sender.call("DELETE", "/A-1")
    second = await sender.call("DELETE", "/A-1")

    assert (first.status_code, first.json()["status"]) == (200, "ORDER_CANCELLED")
    assert (second.status_code, second.json()["type"]) == (409, "ORDER_ALREADY_CANCELED")
    assert (await sender.words("A-1"))[-1] == "ORDER_CANCELLED"
    (booked,) = await sender.hub.simulator.bookings()
    assert booked.booking.report.status == DELIVERY_STATUS_CANCELLED


async def test_packages_are_locked_once_a_provider_has_it_and_the_number_is_not(sender: Sender) -> None:
    await sender.assign("swift")
    await sender.create("A-1")

    package = EXAMPLE["package"] | {"itemQuantity": 2}
    locked = await sender.call("PUT", "/A-1", {"package": package})
    renamed = await sender.call("PUT", "/A-1", {"orderExternalId": "A-2"})

    assert (locked.status_code, locked.json()["type"]) == (400, "VALIDATION_ERROR")
    assert renamed.status_code == 200, renamed.text
    assert (await sender.get("A-2"))["status"] == "ORDER_DISPATCHED"
    assert (await sender.call("GET", "/A-1")).status_code == 404


async def test_an_answer_that_is_put_back_changes_nothing(sender: Sender) -> None:
    await sender.create("D-9")
    before = await sender.becomes("D-9", "ORDER_DISPATCHED")

    answer = await sender.call("PUT", "/D-9", before)

    assert (answer.status_code, answer.json()) == (200, before)
    assert await sender.get("D-9") == before


async def test_what_nobody_takes_can_be_tried_again(sender: Sender) -> None:
    await sender.assign("swift")
    await sender.hub.simulator.misbehave("swift", decline_code="no_capacity")

    failed = await sender.create("A-1")
    again = await sender.call("POST", "/A-1/retry")
    await sender.hub.simulator.misbehave("swift")
    taken = await sender.call("POST", "/A-1/retry")
    once_more = await sender.call("POST", "/A-1/retry")

    assert (failed.status_code, failed.json()["type"]) == (422, "PLACE_ORDER_FAILED")
    assert (again.status_code, again.json()["type"]) == (422, "PLACE_ORDER_FAILED")
    assert (taken.status_code, taken.json()["status"]) == (201, "ORDER_DISPATCHED")
    assert (once_more.status_code, once_more.json()["type"]) == (409, "INVALID_OPERATION")
    assert (await sender.call("POST", "/nobody/retry")).status_code == 404


async def test_what_cannot_be_shipped_is_refused_in_their_words(sender: Sender) -> None:
    await sender.create("A-1")
    twice = await sender.create("A-1")
    elsewhere = await sender.create("A-2", locationExternalId="9999")
    await sender.assign()
    nobody = await sender.create("A-3")

    assert (twice.status_code, twice.json()["type"]) == (422, "DUPLICATE_ID")
    assert (elsewhere.status_code, elsewhere.json()["type"]) == (422, "INVALID_DATA")
    assert (nobody.status_code, nobody.json()["type"]) == (422, "NO_PROVIDER_ASSIGNED")


async def test_lists_are_paged_both_ways(sender: Sender) -> None:
    await sender.assign("swift")
    for number in range(5):
        await sender.create(f"A-{number}")

    async def page(token: str | None = None) -> tuple[list[str], Json]:
        answer = await sender.call("POST", "/list", {"limit": 2, "paginationToken": token})
        assert answer.status_code == 200, answer.text
        return [each["orderExternalId"] for each in answer.json()["data"]], answer.json()["paginationToken"]

    first, one = await page()
    second, two = await page(one["next"])
    third, three = await page(two["next"])
    back, _ = await page(three["previous"])

    assert (first, second, third) == (["A-4", "A-3"], ["A-2", "A-1"], ["A-0"])
    assert one["previous"] is None
    assert three["next"] is None
    assert back == second


async def test_lists_find_what_is_asked_for(sender: Sender) -> None:
    await sender.assign("swift")
    now = int(time.time() * 1000)
    later = {"pickupTime": {"startsAt": now + HOUR}, "deliveryTime": {"endsAt": now + 3 * HOUR}}
    await sender.create("A-1", groupId="g")
    await sender.create("A-2", groupId="G", **later)
    await sender.create("A-3")
    await sender.call("DELETE", "/A-3")

    async def found(**asked: Any) -> list[str]:
        answer = await sender.call("POST", "/list", asked)
        assert answer.status_code == 200, answer.text
        return [each["orderExternalId"] for each in answer.json()["data"]]

    everything = ["A-3", "A-2", "A-1"]
    assert await found() == everything
    assert await found(groupId="g") == ["A-1"]
    assert await found(orderExternalIds=["A-1", "A-2", "B-1"], groupId="G") == ["A-2"]
    assert await found(locationExternalIds=["7709"]) == everything
    assert await found(locationExternalIds=["7710"]) == []
    assert await found(status=["ORDER_CANCELLED"]) == ["A-3"]
    assert await found(status=["ORDER_CANCELLED", "ORDER_DISPATCHED"]) == everything
    assert await found(status=["STAGED"]) == []
    assert await found(**later) == ["A-2"]
    assert await found(pickupTime={"startsAt": now + HOUR + 1}, deliveryTime={"endsAt": now + 3 * HOUR}) == []
    assert await found(pickupTime={"startsAt": now + HOUR}, deliveryTime={"endsAt": now + 3 * HOUR - 1}) == []
    assert await found(lastUpdatedAt={"startsAt": now + HOUR - THIRTY_DAYS, "endsAt": now + HOUR}) == everything
    assert await found(createdAt={"startsAt": now - 2 * THIRTY_DAYS, "endsAt": now - 1}) == []
