"""From one vendor's webhook to another's subscriber, through both processes and their sockets."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import standardwebhooks
import svix
from crossdock.v1 import webhook_pb2
from crossdock.v1 import webhook_service_pb2 as contract

from gateway.server import Server as Gateway
from tests.gateway.sending.conftest import Subscribers
from tests.gateway.sending.sinks import Sink
from tests.services.waiting import until

SAMPLES = Path(__file__).parents[2] / "dialects"


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=60) as client:
        yield client


async def source(subscribers: Subscribers, dialect: str) -> str:
    """The path of a new source whose messages start deliveries."""
    made = webhook_pb2.WebhookSource(
        dialect=dialect,
        auth_scheme=webhook_pb2.AUTH_SCHEME_PATH_SECRET,
        unknown_target_policy=webhook_pb2.UNKNOWN_TARGET_POLICY_CREATE,
        location_id=subscribers.world.location_id,
        default_currency_code="USD",
    )
    request = contract.CreateWebhookSourceRequest(source=made)
    stub, account = subscribers.world.webhooks, subscribers.world.account
    created = (await stub.CreateWebhookSource(request, metadata=account)).source
    return f"{created.path}/{created.secrets[0].value}"


async def last_told(sink: Sink, found: Callable[[Any], bool]) -> Any:
    """The first document that is the one, once it is there."""
    await until(lambda: any(found(each.document) for each in sink.heard), 60)
    return next(each.document for each in sink.heard if found(each.document))


def without_times(document: Any) -> Any:
    """The document without the moments at which this hub heard of things."""
    if isinstance(document, dict):
        return {name: without_times(value) for name, value in document.items() if not name.lower().endswith("time")}
    return [without_times(each) for each in document] if isinstance(document, list) else document


async def test_a_picture_that_ordatic_sends_comes_out_as_it_came_in(
    subscribers: Subscribers, sink: Sink, client: httpx.AsyncClient
) -> None:
    await subscribers.create(sink.url(), dialect="ordatic")
    path = await source(subscribers, "ordatic")
    created, proof = ((SAMPLES / "ordatic" / f"{name}.json").read_bytes() for name in ("rider-created", "proof_png"))

    for body in (created, proof):
        assert (await client.post(path, content=body)).status_code == 200

    assert await last_told(sink, lambda each: each["eventType"] == "rider-proof-delivery") == json.loads(proof)


async def test_skipcart_in_comes_out_as_callbacks_of_hubrise(
    subscribers: Subscribers, sink: Sink, client: httpx.AsyncClient
) -> None:
    made = await subscribers.create(sink.url(), dialect="hubrise")
    path = await source(subscribers, "skipcart")
    body = (SAMPLES / "skipcart" / "documented_example.json").read_bytes()

    assert (await client.post(path, content=body)).content == b'{"statusCode":200}'
    callback = await last_told(sink, lambda each: each["new_state"]["status"] == "delivered")

    names = {
        "delivery_id": callback["delivery_id"],
        "order_id": None,
        "location_id": subscribers.world.location_id,
    }
    before = {
        "id": callback["delivery_id"],
        "order_id": None,
        "location_id": subscribers.world.location_id,
        "ref": None,
        "status": "dropoff_enroute",
        "fee": None,
        "assigned_at": None,
        "pickup_at": None,
        "delivered_at": None,
        "cancelled_at": None,
    }
    assert callback == {
        "id": callback["id"],
        "resource_type": "delivery",
        "event_type": "update",
        "created_at": "2021-12-13T11:35:23-06:00",
        **names,
        "previous_state": before,
        "new_state": before
        | {
            "status": "delivered",
            "delivered_at": "2021-12-13T11:35:23-06:00",
            "carrier": "Skipcart",
            "carrier_ref": "skipcart",
            "estimated_pickup_at": None,
            "estimated_dropoff_at": "2021-12-13T11:35:24-06:00",
            "tracking_url": "https://livetrack.skipcart.com//?t=237126",
            "driver_name": "Trey Johnson",
            "driver_phone": None,
            "driver_phone_access_code": None,
            "driver_latitude": "29.427832572805492",
            "driver_longitude": "-98.489873682142743",
        },
    }
    # It became known here years after it was delivered, and was not delivered yet by then.
    created = await last_told(sink, lambda each: each["event_type"] == "create")
    times = dict.fromkeys(("assigned_at", "pickup_at", "delivered_at", "cancelled_at"))
    assert {name: created["new_state"][name] for name in ("status", *times)} == {"status": "pending"} | times
    for told in sink.heard:
        expected = hmac.digest(made.secrets[0].value.encode(), told.body, hashlib.sha256).hex()
        assert told.headers["x-hubrise-hmac-sha256"] == expected


async def test_skipcart_in_comes_out_as_an_order_of_evermile(
    subscribers: Subscribers, sink: Sink, client: httpx.AsyncClient
) -> None:
    made = await subscribers.create(sink.url(), dialect="evermile")
    path = await source(subscribers, "skipcart")
    body = (SAMPLES / "skipcart" / "documented_example.json").read_bytes()

    assert (await client.post(path, content=body)).content == b'{"statusCode":200}'
    told = await last_told(sink, lambda each: each["order"]["status"]["orderStatus"] == "Delivered")

    image = "http://liveeventsapi.skipcart.com/v1api//Jobs/GetDeliveryImage/"
    where = {"lat": 29.427832572805492, "lng": -98.48987368214274}
    assert told == {
        "order": {
            "actualDropoff": "2021-12-13T17:35:23.583Z",
            "courierLocation": where,
            "customerTrackingUrl": "https://livetrack.skipcart.com//?t=237126",
            "deliveryCompany": "Skipcart",
            "dropoffEta": "2021-12-13T17:35:24.000Z",
            "externalOrderId": "Partner_2378437",
            "id": told["order"]["id"],
            "orderTrackingInfo": {
                "courierLocation": where,
                "courierName": "Trey Johnson",
                "dropoffEta": "2021-12-13T17:35:24.000Z",
                "vehicleType": "Sedan",
            },
            "proofOfDelivery": [{"type": "signature", "urls": [image]}, {"type": "photo", "urls": [image]}],
            "routeInfo": {"id": "221635"},
            "simulatedOrder": False,
            "status": {
                "lifeCycleStatus": "final",
                "manuallyUpdated": False,
                "orderStatus": "Delivered",
                "reporting_time": "2021-12-13T17:35:23.583Z",
            },
            "storeId": "7709",
            "storeName": "Store",
        },
        "timestamp": "2021-12-13T17:35:23.583Z",
    }
    dropped_off = [each.document["order"].get("actualDropoff") for each in sink.heard]
    words = [each.document["order"]["status"]["orderStatus"] for each in sink.heard]
    assert list(zip(words, dropped_off, strict=True)) == [
        ("Pending", None),
        ("Pending", None),
        ("Collected", None),
        ("OnWayToDropoff", None),
        ("Delivered", "2021-12-13T17:35:23.583Z"),
    ]
    for each in sink.heard:
        svix.Webhook(made.secrets[0].value).verify(each.body, dict(each.headers))


async def test_evermile_in_comes_out_as_callbacks_of_hubrise(
    subscribers: Subscribers, sink: Sink, client: httpx.AsyncClient
) -> None:
    made = await subscribers.create(sink.url(), dialect="hubrise")
    path = await source(subscribers, "evermile")
    body = (SAMPLES / "evermile" / "documented_order_with_every_member.json").read_bytes()

    assert (await client.post(path, content=body)).status_code == 200
    callback = await last_told(sink, lambda each: each["new_state"]["status"] == "dropoff_enroute")

    before = {
        "id": callback["delivery_id"],
        "order_id": None,
        "location_id": subscribers.world.location_id,
        "carrier": "Evermile",
        "carrier_ref": "evermile",
        "ref": None,
        "status": "pending",
        "fee": None,
        "estimated_pickup_at": "2022-07-21T05:25:28-05:00",
        "estimated_dropoff_at": "2022-07-21T07:15:28-05:00",
        "tracking_url": "https://evml.io/FDS34RE2",
        "driver_name": "John Smith",
        "driver_phone": "+447883196637",
        "driver_phone_access_code": None,
        "assigned_at": None,
        "pickup_at": None,
        "delivered_at": None,
        "cancelled_at": None,
        "driver_latitude": "51.511221",
        "driver_longitude": "-0.140666",
    }
    assert callback == {
        "id": callback["id"],
        "resource_type": "delivery",
        "event_type": "update",
        "created_at": "2022-12-05T04:22:28-06:00",
        "delivery_id": callback["delivery_id"],
        "order_id": None,
        "location_id": subscribers.world.location_id,
        "previous_state": before,
        "new_state": before | {"status": "dropoff_enroute"},
    }
    for told in sink.heard:
        expected = hmac.digest(made.secrets[0].value.encode(), told.body, hashlib.sha256).hex()
        assert told.headers["x-hubrise-hmac-sha256"] == expected


async def test_ordatic_in_comes_out_as_cloudevents(
    subscribers: Subscribers, sink: Sink, client: httpx.AsyncClient
) -> None:
    made = await subscribers.create(sink.url())
    path = await source(subscribers, "ordatic")
    for word in ("rider-created", "rider-picking", "rider-delivering", "rider-completed"):
        body = (SAMPLES / "ordatic" / f"{word}.json").read_bytes()
        assert (await client.post(path, content=body)).status_code == 200

    told = await last_told(sink, lambda each: each["data"]["event"].get("status") == "DELIVERY_STATUS_DELIVERED")

    event = told["data"]["event"]
    delivery_id = event["deliveryId"]
    assert {name: value for name, value in told.items() if name != "data"} == {
        "specversion": "1.0",
        "id": event["id"],
        "source": "/crossdock",
        "type": "crossdock.delivery.status_changed.v1",
        "subject": f"deliveries/{delivery_id}",
        "time": event["eventTime"],
        "datacontenttype": "application/json",
        "sequence": f"{int(event['number']):020}",
        "partitionkey": delivery_id,
    }
    assert event["report"]["statusRaw"] == "rider-completed"
    assert event["previousStatus"] == "DELIVERY_STATUS_DROPOFF_EN_ROUTE"
    delivery = without_times(told["data"]["delivery"])
    reached = {
        each["status"].removeprefix("DELIVERY_STATUS_"): each.get("synthetic") for each in delivery["milestones"]
    }
    del delivery["milestones"]
    assert reached == {
        "CREATED": None,
        "DISPATCHED": None,
        "DRIVER_ASSIGNED": True,
        "PICKUP_EN_ROUTE": None,
        "PICKED_UP": True,
        "DROPOFF_EN_ROUTE": None,
        "DELIVERED": None,
    }
    assert delivery == {
        "id": delivery_id,
        "locationId": subscribers.world.location_id,
        "status": "DELIVERY_STATUS_DELIVERED",
        "carrierStatusRaw": "rider-completed",
        "carrier": "Ordatic",
        "carrierRef": "ordatic",
        "references": [{"scope": "ordatic.order", "value": "68fa12"}, {"scope": "order", "value": "68fa12"}],
        "consignment": {"pickup": {"externalId": "7709"}},
        "attempt": 1,
        "driverSequence": 1,
        "doorAttempts": 1,
        "lastEventNumber": event["number"],
        "sourceId": event["sourceId"],
        "etag": delivery["etag"],
    }
    for each in sink.heard:
        standardwebhooks.Webhook(made.secrets[0].value).verify(each.body.decode(), each.headers)
