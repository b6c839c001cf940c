"""What Ordatic's messages make of deliveries: bookings, copies, proofs and refunds."""

import asyncio
import json

import httpx
from crossdock.v1 import reference_pb2, webhook_pb2
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.event_pb2 import Disposition

from gateway.config import MIB
from gateway.dialects.registry import INBOUND
from tests.dialects.ordatic.lives import PARK, SECRET, Ordatic, attention_of, source_of, status_of
from tests.dialects.ordatic.ordatic_documents import PNG, body, document, picture
from tests.services.worlds import World


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


async def test_bookings_that_are_parked_are_told_apart_too(world: World, hub_client: httpx.AsyncClient) -> None:
    ordatic = await source_of(world, hub_client, unknown_target_policy=PARK)
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
