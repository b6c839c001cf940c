"""Messages that are read again: what they change, that they change it once, and that a dry run changes nothing."""

from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import delivery_pb2, event_pb2
from crossdock.v1 import webhook_service_pb2 as contract
from sqlalchemy.ext.asyncio import AsyncEngine

from services.db.schema import metadata
from tests.services.worlds import Metadata, World

APPLIED, DUPLICATE = event_pb2.DISPOSITION_APPLIED, event_pb2.DISPOSITION_DUPLICATE


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: Metadata) -> World:
    return await World.make(channel, system)


async def dump(engine: AsyncEngine) -> dict[str, list[Any]]:
    """Every row of every table, but for the one in which the server writes every second that it can."""
    async with engine.connect() as connection:
        return {
            table.name: sorted(str(row) for row in (await connection.execute(sa.select(table))).all())
            for table in metadata.sorted_tables
            if table.name != "probes"
        }


async def malformed(world: World, understood: contract.IngestWebhookRequest) -> contract.ReplayWebhookRequest:
    """Stores a message that nobody could read, and gives the wish to read it as `understood`."""
    unread = contract.IngestWebhookRequest(
        source_id=understood.source_id,
        body=understood.body,
        dedupe_key=f"hash of {understood.dedupe_key}",
        malformed="unreadable",
        mapping_version="test/0",
    )
    [result] = await world.ingest(unread)
    return contract.ReplayWebhookRequest(
        webhook_id=result.webhook_id,
        report=understood.report,
        mapping_version="test/1",
        dedupe_key=understood.dedupe_key,
    )


async def replayed(world: World, wish: contract.ReplayWebhookRequest) -> contract.ReplayWebhookResponse:
    return await world.webhooks.ReplayWebhook(wish, metadata=world.account)


async def test_a_dry_run_says_what_would_change_and_changes_nothing(world: World, engine: AsyncEngine) -> None:
    [first] = await world.ingest(world.message("1", "confirmed"))
    wish = await malformed(world, world.message("1", "delivered", 30, driver="d7"))
    wish.validate_only = True
    before = await dump(engine)

    said = await replayed(world, wish)

    assert await dump(engine) == before
    assert said.webhook.disposition == APPLIED
    assert said.previous_delivery == await world.get(first.delivery_id)
    assert said.previous_delivery.status == delivery_pb2.DELIVERY_STATUS_DRIVER_ASSIGNED
    assert said.delivery.status == delivery_pb2.DELIVERY_STATUS_DELIVERED
    assert said.delivery.courier.external_id == "d7"


async def test_what_a_dry_run_says_is_what_becomes_of_it(world: World) -> None:
    wish = await malformed(world, world.message("1", "confirmed", driver="d7"))
    dry = contract.ReplayWebhookRequest()
    dry.CopyFrom(wish)
    dry.validate_only = True

    said, done = await replayed(world, dry), await replayed(world, wish)

    assert not said.HasField("previous_delivery")
    assert not done.HasField("previous_delivery")
    assert (said.delivery.status, said.webhook.explanation) == (done.delivery.status, done.webhook.explanation)
    assert done.delivery == await world.get(done.webhook.delivery_id)


async def test_a_second_replay_changes_nothing(world: World, engine: AsyncEngine) -> None:
    wish = await malformed(world, world.message("1", "confirmed"))
    await replayed(world, wish)
    before = await dump(engine)

    again = await replayed(world, wish)

    assert await dump(engine) == before
    assert again.webhook.disposition == APPLIED
    assert not again.HasField("delivery")


async def test_what_the_sender_said_again_meanwhile_is_not_applied_by_a_replay(world: World) -> None:
    understood = world.message("1", "confirmed")
    understood.report.ClearField("event_time")  # or equal times alone would show that it is the same
    wish = await malformed(world, understood)
    [sent_again] = await world.ingest(understood)
    before = await world.get(sent_again.delivery_id)

    done = await replayed(world, wish)

    assert (done.webhook.disposition, done.webhook.duplicate_of) == (DUPLICATE, sent_again.webhook_id)
    assert done.webhook.delivery_id == before.id
    assert await world.get(before.id) == before


async def test_what_a_replay_has_applied_is_not_applied_when_the_sender_says_it_again(world: World) -> None:
    understood = world.message("1", "confirmed")
    understood.report.ClearField("event_time")
    done = await replayed(world, await malformed(world, understood))

    [sent_again] = await world.ingest(understood)

    assert sent_again.disposition == DUPLICATE
    assert await world.get(done.webhook.delivery_id) == done.delivery
