"""The demo's acts around webhooks: the documented one, a life with a duplicate and a late event, forgeries, parking."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from crossdock.v1 import delivery_service_pb2 as deliveries
from crossdock.v1 import webhook_service_pb2 as webhooks
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus, Milestone
from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.reference_pb2 import ExternalReference
from crossdock.v1.webhook_pb2 import AuthScheme, UnknownTargetPolicy, WebhookSource

from cli.demo.stage import SKIPCART_ORDER, Stage, document, eventually, json_document
from cli.demo.story import Step, Story
from cli.words import word

THANKS = '{"statusCode":200}'
DOCUMENTED_ORDER, LIVED_ORDER, EARLY_ORDER = "237126", "237127", "990001"
PARKING_SLOT = "4"


async def documented_webhook(stage: Stage, story: Story) -> None:
    """One message, straight from Skipcart's documentation."""
    body = document("skipcart_delivered.json")
    with story.step("Skipcart posts the webhook of its own documentation") as step:
        await _post(stage, step, stage.ready["sources"]["skipcart"]["url"], body)

    with story.step("Its delivery can be read over gRPC at once") as step:
        delivery = await stage.delivery(DOCUMENTED_ORDER)
        step.tell(f"GetDeliveryByReference {SKIPCART_ORDER}:{DOCUMENTED_ORDER} → {delivery.id}")
        step.expect("status", word(DeliveryStatus, delivery.status), "delivered")
        step.expect("courier", delivery.courier.name, "Trey Johnson")
        step.expect("position, every digit", delivery.position.longitude, "-98.489873682142743")
        pay = delivery.driver_pay
        told_pay = f"{pay.units}.{pay.nanos // 10_000_000:02} {pay.currency_code}"
        step.expect("what the driver is paid", told_pay, "9.95 USD")

    with story.step("It explains itself") as step:
        told = await stage.hub.call(
            stage.hub.deliveries.ExplainDelivery, deliveries.ExplainDeliveryRequest(delivery_id=delivery.id)
        )
        step.tell(told.summary)
        for each in told.steps:
            step.tell(f"#{each.number} {each.said or '—'}: {each.because}")
        step.expect("the last step's status", word(DeliveryStatus, told.steps[-1].status), "delivered")
        step.require("every step names its rule", all(each.because for each in told.steps))


async def a_life(stage: Stage, story: Story) -> Delivery:
    """Confirmed to delivered; one message comes twice, one comes late."""
    url = stage.ready["sources"]["skipcart"]["url"]
    began = datetime.now(UTC) - timedelta(minutes=40)
    confirmed, to_store, at_store, out, delivered = (
        _event(words, began + timedelta(minutes=minutes))
        for words, minutes in (
            (("confirmed", "confirmed"), 0),
            (("enroute_to_pickup", "confirmed"), 5),
            (("arrived_at_store", "confirmed"), 12),
            (("out_for_delivery", "out_for_delivery"), 15),
            (("delivered", "delivered"), 30),
        )
    )
    at_store["parking_slot"] = PARKING_SLOT
    with story.step("A delivery lives: confirmed, on the way to the store, arrived there") as step:
        for each, wanted in (
            (confirmed, "driver_assigned"),
            (to_store, "pickup_en_route"),
            (at_store, "pickup_arrived"),
        ):
            await _post(stage, step, url, json.dumps(each).encode())
            delivery = await stage.delivery(LIVED_ORDER)
            step.expect(f"after {each['event_status']}", word(DeliveryStatus, delivery.status), wanted)
        slot = (await stage.delivery(LIVED_ORDER)).parking_slot
        step.expect("parking slot", slot, PARKING_SLOT)

    with story.step("The arrival is posted again, its members in another order") as step:
        before = (await stage.delivery(LIVED_ORDER)).last_event_number
        await _post(stage, step, url, json.dumps(dict(reversed(at_store.items()))).encode())
        last = (await stage.webhooks())[-1]
        step.expect("what became of it", word(Disposition, last.disposition), "duplicate")
        step.expect("events before and after", (await stage.delivery(LIVED_ORDER)).last_event_number, before)

    with story.step("Delivered, though nobody said that it was out for delivery") as step:
        await _post(stage, step, url, json.dumps(delivered).encode())
        delivery = await stage.delivery(LIVED_ORDER)
        step.expect("status", word(DeliveryStatus, delivery.status), "delivered")
        step.require("the way to the recipient was inferred", _way_out(delivery).synthetic)

    with story.step("The missing message comes late") as step:
        await _post(stage, step, url, json.dumps(out).encode())
        delivery = await stage.delivery(LIVED_ORDER)
        step.expect("status", word(DeliveryStatus, delivery.status), "delivered")
        step.require("the way to the recipient is inferred no more", not _way_out(delivery).synthetic)
        time = _way_out(delivery).time.ToDatetime(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        step.expect("its time is the one told late", time, out["event_time_utc"])
    return delivery


async def forgeries(stage: Stage, story: Story) -> None:
    """Who does not know the secret is refused, and nothing of it is kept."""
    with story.step("Forged webhooks are refused") as step:
        before = len(await stage.webhooks())
        body = document("skipcart_delivered.json")
        skipcart, evermile = stage.ready["sources"]["skipcart"], stage.ready["sources"]["evermile"]
        wrong = await stage.http.post(f"{skipcart['path']}/{'x' * len(skipcart['path_secret'])}", content=body)
        step.expect("a wrong secret in the path", wrong.status_code, 401)
        none = await stage.http.post(skipcart["path"], content=body)
        step.expect("no secret at all", none.status_code, 401)
        stamp = str(int(datetime.now(UTC).timestamp()))
        headers = {"svix-id": "msg_1", "svix-timestamp": stamp, "svix-signature": "v1,Zm9yZ2VkIGJ5IHNvbWVib2R5IGVsc2U="}
        signed = await stage.http.post(evermile["path"], content=b"{}", headers=headers)
        step.expect("a signature by somebody else", signed.status_code, 401)
        step.expect("messages stored, before and after", len(await stage.webhooks()), before)


async def parking(stage: Stage, story: Story) -> None:
    """A message that is earlier than its delivery waits for it."""
    hub = stage.hub
    with story.step("A webhook comes before its delivery: it is parked") as step:
        wanted = WebhookSource(
            dialect="skipcart",
            display_name="Early bird",
            auth_scheme=AuthScheme.AUTH_SCHEME_PATH_SECRET,
            unknown_target_policy=UnknownTargetPolicy.UNKNOWN_TARGET_POLICY_PARK,
        )
        source = (
            await hub.call(hub.webhooks.CreateWebhookSource, webhooks.CreateWebhookSourceRequest(source=wanted))
        ).source
        event = _event(("confirmed", "confirmed"), datetime.now(UTC) - timedelta(minutes=1), EARLY_ORDER)
        await _post(stage, step, f"{source.path}/{source.secrets[0].value}", json.dumps(event).encode())
        [parked] = await stage.webhooks(source_id=source.id)
        step.expect("what became of it", word(Disposition, parked.disposition), "unmatched")
        step.tell(parked.explanation)

    with story.step("Its delivery appears, and the webhook is applied") as step:
        delivery = Delivery(
            location_id=stage.ready["location_id"],
            carrier="Skipcart",
            carrier_ref="skipcart",
            references=[ExternalReference(scope=SKIPCART_ORDER, value=EARLY_ORDER, exclusive=True)],
        )
        made = await hub.call(hub.deliveries.CreateDelivery, deliveries.CreateDeliveryRequest(delivery=delivery))
        step.tell(f"CreateDelivery → {made.delivery.id}")

        async def look() -> "Disposition.ValueType":
            return (await stage.webhooks(source_id=source.id))[0].disposition

        applied = await eventually(look, lambda found: found == Disposition.DISPOSITION_APPLIED)
        step.expect("what became of it", word(Disposition, applied), "applied")
        status = (await stage.delivery(EARLY_ORDER)).status
        step.expect("the delivery's status", word(DeliveryStatus, status), "driver_assigned")


async def _post(stage: Stage, step: Step, url: str, body: bytes) -> None:
    answer = await stage.http.post(url, content=body, headers={"content-type": "application/json"})
    found = f"{answer.status_code} {answer.text}"
    step.expect(f"POST {json.loads(body)['event_status']}, the answer to the byte", found, f"200 {THANKS}")


def _event(words: tuple[str, str], time: datetime, order: str = LIVED_ORDER) -> dict[str, Any]:
    """The documented message as it looks at another moment of another order."""
    event = json_document("skipcart_delivered.json")
    event_status, order_status = words
    stamp = f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"
    event |= {
        "partner_order_id": f"Partner_{order}",
        "skipcart_order_id": order,
        "event_time_utc": stamp,
        "event_status": event_status,
        "order_status": order_status,
        "tracking_url": f"https://livetrack.skipcart.com//?t={order}",
    }
    if event_status != "delivered":
        event["driver"]["phone"] = "(210) ***-**17"
        event["estimated_arrival"]["time_utc"] = f"{time + timedelta(minutes=10):%Y-%m-%dT%H:%M:%SZ}"
        event["delivery_details"] = dict.fromkeys(event["delivery_details"])
    else:
        event["delivery_details"]["delivered_on_utc"] = stamp
    return event


def _way_out(delivery: Delivery) -> Milestone:
    wanted = DeliveryStatus.DELIVERY_STATUS_DROPOFF_EN_ROUTE
    return next((each for each in delivery.milestones if each.status == wanted), Milestone())
