"""What the way in remembers of sources: for a second, unless this process changes them."""

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import webhook_pb2, webhook_service_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from services.errors import Problem
from services.hub import Hub
from services.server import Server
from services.webhooks.source_rows import REMEMBERED_SECONDS, RememberedSources
from tests.services.worlds import Metadata, World


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: Metadata) -> World:
    return await World.make(channel, system)


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


async def forget_behind_its_back(hub: Hub) -> None:
    async with hub.transaction() as connection:
        await connection.execute(sa.text("DELETE FROM webhook_sources"))


async def test_a_source_is_read_again_after_a_second(world: World, server: Server) -> None:
    clock = Clock()
    remembered, name = RememberedSources(clock), world.sources["PARK"].id
    async with server.hub.transaction() as connection:
        await remembered.find(connection, [name])
    await forget_behind_its_back(server.hub)

    clock.seconds += REMEMBERED_SECONDS - 0.001
    async with server.hub.transaction() as connection:
        assert (await remembered.find(connection, [name]))[name].source.id == name
    clock.seconds += 0.001
    async with server.hub.transaction() as connection:
        with pytest.raises(Problem, match="webhook source"):
            await remembered.find(connection, [name])


async def test_a_change_made_here_counts_for_the_next_message(world: World) -> None:
    source = world.sources["PARK"]
    (before,) = await world.ingest(world.message("order-1", "confirmed", policy="PARK"))
    request = webhook_service_pb2.UpdateWebhookSourceRequest(
        source=webhook_pb2.WebhookSource(id=source.id, unknown_target_policy=webhook_pb2.UNKNOWN_TARGET_POLICY_CREATE),
        update_mask=FieldMask(paths=["unknown_target_policy"]),
    )
    await world.webhooks.UpdateWebhookSource(request, metadata=world.account)

    (after,) = await world.ingest(world.message("order-2", "confirmed", policy="PARK"))

    assert before.delivery_id == ""
    assert after.delivery_id != ""
