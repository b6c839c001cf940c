"""Promises 6 and 9: one effect per carrier event, and early events are not lost."""

import asyncio
import random
from datetime import UTC, datetime

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import delivery_pb2, delivery_service_pb2, event_pb2, reference_pb2, webhook_service_pb2

from services.db.tables import events, webhook_keys, webhooks
from services.server import Server
from tests.services.answers import failure_of
from tests.services.worlds import Metadata, World


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: Metadata) -> World:
    return await World.make(channel, system)


async def count(server: Server, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    async with server.hub.engine.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0


async def test_a_first_message_starts_a_delivery_where_policy_allows(world: World) -> None:
    [result] = await world.ingest(world.message("1", "confirmed", driver="d1"))

    delivery = await world.get(result.delivery_id)
    assert result.disposition == event_pb2.DISPOSITION_APPLIED
    assert delivery.status == delivery_pb2.DELIVERY_STATUS_DRIVER_ASSIGNED
    assert delivery.carrier == "Skipcart"
    assert delivery.courier.external_id == "d1"
    assert delivery.source_id == world.sources["CREATE"].id


async def test_a_thousand_events_in_eight_copies_at_once_have_one_effect_each(server: Server, world: World) -> None:
    life = ("confirmed", "enroute_to_pickup", "arrived_at_store", "out_for_delivery", "delivered")
    told = [world.message(f"{order}", word, minute) for order in range(200) for minute, word in enumerate(life)]

    async def send(copy: int) -> list[webhook_service_pb2.IngestWebhookResponse]:
        shuffled = random.Random(copy).sample(told, len(told))
        answers = [await world.ingest(*shuffled[start : start + 50]) for start in range(0, len(shuffled), 50)]
        return [each for answer in answers for each in answer]

    results = [each for answers in await asyncio.gather(*map(send, range(8))) for each in answers]

    first = [each for each in results if each.disposition != event_pb2.DISPOSITION_DUPLICATE]
    assert len(first) == 1_000
    assert await count(server, webhook_keys) == 1_000
    assert await count(server, webhooks) == 8_000, "every copy's bytes are kept"
    said = events.c.input_key.is_not(None) & (sa.func.octet_length(events.c.input_key) > 0)
    assert await count(server, events, said) == 1_000


async def test_two_batches_that_start_the_same_delivery_at_once_start_one(world: World) -> None:
    for n in range(20):
        word_pairs = (("confirmed", 1), ("arrived_at_store", 2), ("out_for_delivery", 3), ("delivered", 4))
        told = await asyncio.gather(*(world.ingest(world.message(f"r{n}", word, at)) for word, at in word_pairs))
        ids = {result.delivery_id for [result] in told}
        assert len(ids) == 1
        assert (await world.get(ids.pop())).status == delivery_pb2.DELIVERY_STATUS_DELIVERED


async def test_a_message_that_comes_before_its_delivery_is_applied_with_the_creation(world: World) -> None:
    [early] = await world.ingest(world.message("77", "arrived_at_store", policy="PARK"))
    assert early.disposition == event_pb2.DISPOSITION_UNMATCHED

    name = reference_pb2.ExternalReference(scope="skipcart.order", value="77", exclusive=True)
    delivery = await world.delivery(references=[name], carrier="Skipcart")

    assert delivery.status == delivery_pb2.DELIVERY_STATUS_PICKUP_ARRIVED
    request = webhook_service_pb2.GetWebhookRequest(webhook_id=early.webhook_id)
    webhook = (await world.webhooks.GetWebhook(request, metadata=world.account)).webhook
    assert webhook.disposition == event_pb2.DISPOSITION_APPLIED
    assert webhook.delivery_id == delivery.id
    assert not webhook.HasField("expire_time")


async def test_an_early_message_and_the_creation_at_the_same_time_always_meet(world: World) -> None:
    async def make(number: int) -> str:
        name = reference_pb2.ExternalReference(scope="skipcart.order", value=f"m{number}", exclusive=True)
        return (await world.delivery(references=[name])).id

    for number in range(25):
        message = world.message(f"m{number}", "arrived_at_store", policy="PARK")
        identifier, _ = await asyncio.gather(make(number), world.ingest(message))
        delivery = await world.get(identifier)
        assert delivery.status == delivery_pb2.DELIVERY_STATUS_PICKUP_ARRIVED


async def test_a_parked_message_follows_a_name_that_its_delivery_learns_from_another_message(world: World) -> None:
    partner = reference_pb2.ExternalReference(scope="order", value="P-1")
    delivery = await world.delivery(references=[partner])
    await world.ingest(world.message("88", "arrived_at_store", 2, policy="PARK"))

    await world.ingest(world.message("88", "confirmed", 1, policy="PARK", partner="P-1"))

    found = await world.get(delivery.id)
    assert found.status == delivery_pb2.DELIVERY_STATUS_PICKUP_ARRIVED
    assert {(each.scope, each.value) for each in found.references} == {("order", "P-1"), ("skipcart.order", "88")}


async def test_another_booking_for_the_same_order_is_another_delivery(world: World) -> None:
    [first] = await world.ingest(world.message("1", "confirmed", partner="P-2"))
    [second] = await world.ingest(world.message("2", "confirmed", partner="P-2"))

    assert first.delivery_id != second.delivery_id


async def test_messages_of_one_delivery_in_one_batch_are_told_in_their_order(world: World) -> None:
    words = ("delivered", "confirmed", "out_for_delivery", "arrived_at_store")
    minutes = {"confirmed": 1, "arrived_at_store": 2, "out_for_delivery": 3, "delivered": 4}

    results = await world.ingest(*(world.message("9", word, minutes[word]) for word in words))

    assert {each.disposition for each in results} == {event_pb2.DISPOSITION_APPLIED}
    assert (await world.get(results[0].delivery_id)).status == delivery_pb2.DELIVERY_STATUS_DELIVERED


async def test_a_late_message_fills_its_milestone_and_does_not_reopen(world: World) -> None:
    await world.ingest(world.message("5", "confirmed", 1, driver="d1"), world.message("5", "delivered", 9))
    [late] = await world.ingest(world.message("5", "out_for_delivery", 5))

    delivery = await world.get(late.delivery_id)
    assert late.disposition == event_pb2.DISPOSITION_MILESTONE_ONLY
    assert delivery.status == delivery_pb2.DELIVERY_STATUS_DELIVERED
    milestones = {each.status: each for each in delivery.milestones}
    assert not milestones[delivery_pb2.DELIVERY_STATUS_DROPOFF_EN_ROUTE].synthetic


async def test_a_malformed_message_is_kept_byte_by_byte(world: World) -> None:
    body = b'{"event_status": NaN'
    message = webhook_service_pb2.IngestWebhookRequest(
        source_id=world.sources["CREATE"].id, body=body, dedupe_key="sha", malformed="not JSON: position 17"
    )
    [result] = await world.ingest(message)

    request = webhook_service_pb2.GetWebhookRequest(webhook_id=result.webhook_id)
    webhook = (await world.webhooks.GetWebhook(request, metadata=world.account)).webhook
    assert result.disposition == event_pb2.DISPOSITION_MALFORMED
    assert webhook.body == body
    assert webhook.explanation == "not JSON: position 17"


async def test_a_malformed_message_becomes_applied_once_the_mapping_knows_it_and_only_once(world: World) -> None:
    understood = world.message("31", "confirmed", driver="d1")
    message = webhook_service_pb2.IngestWebhookRequest(
        source_id=understood.source_id, body=b"?", dedupe_key="k", malformed="unreadable"
    )
    [result] = await world.ingest(message)
    replay = webhook_service_pb2.ReplayWebhookRequest(
        webhook_id=result.webhook_id, report=understood.report, mapping_version="test/2"
    )

    dry = webhook_service_pb2.ReplayWebhookRequest()
    dry.CopyFrom(replay)
    dry.validate_only = True
    shown = (await world.webhooks.ReplayWebhook(dry, metadata=world.account)).webhook
    assert shown.disposition == event_pb2.DISPOSITION_APPLIED
    copies = [world.webhooks.ReplayWebhook(replay, metadata=world.account) for _ in range(8)]
    replayed = [answer.webhook for answer in await asyncio.gather(*copies)]

    assert {each.disposition for each in replayed} == {event_pb2.DISPOSITION_APPLIED}
    assert {each.mapping_version for each in replayed} == {"test/2"}
    delivery = await world.get(replayed[0].delivery_id)
    assert delivery.status == delivery_pb2.DELIVERY_STATUS_DRIVER_ASSIGNED
    assert delivery.last_event_number == 3, "created, an inferred dispatch, confirmed"


async def test_messages_are_listed_by_what_became_of_them(world: World) -> None:
    await world.ingest(world.message("1", "confirmed"), world.message("2", "confirmed", policy="PARK"))
    await world.ingest(world.message("1", "confirmed"))

    for disposition in ("APPLIED", "UNMATCHED", "DUPLICATE"):
        wanted = event_pb2.Disposition.Value(f"DISPOSITION_{disposition}")
        request = webhook_service_pb2.ListWebhooksRequest(dispositions=[wanted])
        found = (await world.webhooks.ListWebhooks(request, metadata=world.account)).webhooks
        assert [each.disposition for each in found] == [wanted]


async def test_a_message_that_waited_too_long_is_shown_as_expired(server: Server, world: World) -> None:
    from services.webhooks import parking

    [result] = await world.ingest(world.message("404", "confirmed", policy="PARK"))
    later = server.hub.now().timestamp() + server.hub.settings.parked_timeout_seconds + 3600 * 3
    server.hub.now = lambda: datetime.fromtimestamp(later, UTC)

    assert await parking.expire(server.hub) == 1

    request = webhook_service_pb2.GetWebhookRequest(webhook_id=result.webhook_id)
    webhook = (await world.webhooks.GetWebhook(request, metadata=world.account)).webhook
    assert webhook.disposition == event_pb2.DISPOSITION_EXPIRED


async def test_a_batch_with_a_source_that_is_gone_is_refused_whole(server: Server, world: World) -> None:
    stranger = world.message("1", "confirmed")
    stranger.source_id = "src_00000000000000000000000000"

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await world.ingest(world.message("2", "confirmed"), stranger)

    assert refusal.value.code() == grpc.StatusCode.NOT_FOUND
    assert await count(server, webhooks) == 0


async def test_a_message_and_a_caller_that_book_the_same_order_at_once_both_succeed_or_are_told(world: World) -> None:
    for number in range(15):
        partner = reference_pb2.ExternalReference(scope="order", value=f"race-{number}")
        order = await world.order(references=[partner])
        message = world.message(f"race{number}", "confirmed", partner=f"race-{number}")

        booking = asyncio.create_task(world.delivery(order_id=order.id))
        [result] = await world.ingest(message)

        assert result.disposition == event_pb2.DISPOSITION_APPLIED
        try:
            await booking
        except grpc.aio.AioRpcError as refusal:
            assert refusal.code() == grpc.StatusCode.FAILED_PRECONDITION  # noqa: PT017  it may also succeed


@pytest.mark.parametrize("named_by", ["references", "private_ref"])
async def test_a_message_that_names_an_order_puts_its_delivery_on_it(world: World, named_by: str) -> None:
    reference = reference_pb2.ExternalReference(scope="order", value="P-7")
    order = await world.order(**{"references": [reference]} if named_by == "references" else {"private_ref": "P-7"})

    [result] = await world.ingest(world.message("701", "confirmed", partner="P-7"))

    delivery = await world.get(result.delivery_id)
    assert (delivery.order_id, delivery.location_id) == (order.id, world.location_id)


async def test_what_opens_again_beside_a_live_delivery_is_kept_and_shown(world: World) -> None:
    reference = reference_pb2.ExternalReference(scope="order", value="P-8")
    order = await world.order(references=[reference])
    first = (await world.ingest(world.message("801", "confirmed", partner="P-8")))[0]
    cancel = world.message("801", "cancelled", 1)
    await world.ingest(cancel)
    second = await world.delivery(order_id=order.id)

    [result] = await world.ingest(world.message("801", "return_started", 2))

    delivery = await world.get(first.delivery_id)
    assert result.disposition == event_pb2.DISPOSITION_APPLIED
    assert delivery.status == delivery_pb2.DELIVERY_STATUS_RETURNING
    assert [each.reason for each in delivery.attention] == ["another_delivery_is_live"]
    by_order = delivery_service_pb2.GetDeliveryByOrderRequest(order_id=order.id)
    assert (await world.deliveries.GetDeliveryByOrder(by_order, metadata=world.account)).delivery.id == second.id


async def test_a_command_that_would_open_a_second_delivery_is_refused(world: World) -> None:
    order = await world.order()
    first = await world.delivery(order_id=order.id, status=delivery_pb2.DELIVERY_STATUS_CANCELLED)
    await world.delivery(order_id=order.id)
    request = delivery_service_pb2.OverrideDeliveryStatusRequest(
        delivery_id=first.id, status=delivery_pb2.DELIVERY_STATUS_PICKED_UP, actor="Jane", reason="seen"
    )

    failure = await failure_of(world.deliveries.OverrideDeliveryStatus(request, metadata=world.account))

    assert failure.reason == "DELIVERY_ALREADY_EXISTS"


async def test_a_source_of_one_location_does_not_touch_the_orders_of_another(world: World) -> None:
    elsewhere = await world.location("Elsewhere")
    reference = reference_pb2.ExternalReference(scope="order", value="17")
    await world.order(references=[reference])
    source = await world.source("UNKNOWN_TARGET_POLICY_CREATE", location_id=elsewhere)
    message = world.message("901", "confirmed", partner="17")
    message.source_id = source.id

    [result] = await world.ingest(message)

    delivery = await world.get(result.delivery_id)
    assert (delivery.order_id, delivery.location_id) == ("", elsewhere)


async def test_what_has_no_mapping_can_be_replayed_until_it_has_one(world: World) -> None:
    unknown = world.message("55", "confirmed")
    unknown.report.unmapped, unknown.report.status = True, delivery_pb2.DELIVERY_STATUS_UNSPECIFIED
    [result] = await world.ingest(unknown)
    again = webhook_service_pb2.ReplayWebhookRequest(webhook_id=result.webhook_id)
    known = webhook_service_pb2.ReplayWebhookRequest(
        webhook_id=result.webhook_id, report=world.message("55", "confirmed").report, mapping_version="test/2"
    )

    same = (await world.webhooks.ReplayWebhook(again, metadata=world.account)).webhook
    mapped = (await world.webhooks.ReplayWebhook(known, metadata=world.account)).webhook

    assert same.disposition == event_pb2.DISPOSITION_UNMAPPED
    assert (mapped.disposition, mapped.mapping_version) == (event_pb2.DISPOSITION_APPLIED, "test/2")


async def test_a_delivery_does_not_grow_without_end(world: World) -> None:
    results: list[webhook_service_pb2.IngestWebhookResponse] = []
    for number in range(8):
        message = world.message("66", "confirmed", number)
        message.report.patch.extensions["skipcart"].update({f"member{number}": "x" * 60_000})
        results += await world.ingest(message)

    delivery = await world.get(results[-1].delivery_id)
    assert delivery.ByteSize() < 350_000
