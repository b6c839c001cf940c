"""Streams resume without gap or duplicate, and a reader that does not keep up is cut with its cursor."""

import asyncio
from typing import Any

import grpc
import pytest
from crossdock.v1 import (
    access_pb2,
    access_service_pb2,
    delivery_pb2,
    delivery_service_pb2,
    event_pb2,
    event_service_pb2,
)

from runtime import typeid
from services.access import liveness
from services.errors import Problem
from services.events import tailing
from services.server import Server
from tests.services.worlds import Metadata, World

Stream = grpc.aio.UnaryStreamCall[Any, event_service_pb2.WatchEventsResponse]
LIFE = ("confirmed", "enroute_to_pickup", "arrived_at_store", "out_for_delivery", "delivered")


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: Metadata) -> World:
    return await World.make(channel, system)


async def live(world: World, order: str) -> str:
    """Lets a delivery happen; returns its id."""
    told = [(await world.ingest(world.message(order, word, minute)))[0] for minute, word in enumerate(LIFE)]
    return told[-1].delivery_id


async def following(stream: Stream) -> event_service_pb2.WatchEventsResponse:
    """The next answer of a stream that goes on."""
    told = await asyncio.wait_for(stream.read(), 60)
    assert isinstance(told, event_service_pb2.WatchEventsResponse), "the stream ended"
    return told


async def exhausted(stream: Stream) -> None:
    """Reads until the stream ends."""
    while True:
        await following(stream)


async def all_events(world: World) -> list[event_pb2.Event]:
    answer = await world.events.ListEvents(event_service_pb2.ListEventsRequest(page_size=1000), metadata=world.account)
    return list(answer.events)


async def test_a_stream_begins_with_a_cursor_and_tells_what_happens_then(world: World) -> None:
    await live(world, "before")
    stream = world.events.WatchEvents(event_service_pb2.WatchEventsRequest(), metadata=world.account)
    first = await following(stream)
    assert first.heartbeat
    assert first.cursor

    delivery = await live(world, "after")

    numbers: list[int] = []
    while len(numbers) < (await world.get(delivery)).last_event_number:
        told = await following(stream)
        assert told.event.delivery_id == delivery
        numbers.append(told.event.number)
    assert numbers == list(range(1, len(numbers) + 1))
    stream.cancel()


async def test_a_reader_that_resumes_at_every_cursor_sees_each_event_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailing, "HEARTBEAT_SECONDS", 0.1)
    first = await world.events.ListEvents(event_service_pb2.ListEventsRequest(), metadata=world.account)
    cursor = first.next_cursor
    seen: list[str] = []
    writing = asyncio.create_task(_live_many(world, 12))
    while not writing.done() or len(seen) < len(await all_events(world)):
        stream = world.events.WatchEvents(event_service_pb2.WatchEventsRequest(cursor=cursor), metadata=world.account)
        for _ in range(7):
            told = await following(stream)
            cursor = told.cursor
            if told.event.id:
                seen.append(told.event.id)
            elif writing.done():
                break
        stream.cancel()
    await writing

    assert seen == [event.id for event in await all_events(world)]


async def _live_many(world: World, lives: int) -> None:
    await asyncio.gather(*(live(world, f"r{number}") for number in range(lives)))


async def test_events_of_one_delivery_are_told_in_their_order(world: World) -> None:
    await asyncio.gather(*(world.ingest(world.message("one", word, minute)) for minute, word in enumerate(LIFE * 4)))

    numbers = [event.number for event in await all_events(world)]

    assert numbers == sorted(numbers)


async def test_a_filter_lets_through_only_what_is_wanted(world: World) -> None:
    mine, _ = await live(world, "mine"), await live(world, "other")
    wanted = event_pb2.EventFilter(
        delivery_ids=[mine], statuses=[delivery_pb2.DELIVERY_STATUS_DELIVERED], exclude_synthetic=True
    )
    request = event_service_pb2.ListEventsRequest(filter=wanted)

    [event] = (await world.events.ListEvents(request, metadata=world.account)).events

    assert event.delivery_id == mine
    assert event.status == delivery_pb2.DELIVERY_STATUS_DELIVERED


async def test_a_reader_that_does_not_keep_up_is_cut_with_its_cursor(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailing, "QUEUE", 5)
    told = server.hub.tailer.follow(typeid.decode("ten", world.tenant_id), None)
    start = await anext(told)
    monkeypatch.undo()
    await live(world, "fast")
    await live(world, "faster")
    await _until_tailed(server, world)

    with pytest.raises(Problem) as cut:
        async for _ in told:
            pass

    assert cut.value.reason == "SLOW_READER"
    assert cut.value.metadata["cursor"] == start.cursor.encode(), "it resumes where it was, and misses nothing"


async def _until_tailed(server: Server, world: World) -> None:
    stream = world.events.WatchEvents(event_service_pb2.WatchEventsRequest(), metadata=world.account)
    await following(stream)
    marker = await live(world, "marker")
    while (await following(stream)).event.delivery_id != marker:
        pass
    stream.cancel()


async def test_a_watched_delivery_tells_its_state_then_each_event_and_ends_with_it(world: World) -> None:
    [result] = await world.ingest(world.message("w", "confirmed", 0))
    request = delivery_service_pb2.WatchDeliveryRequest(delivery_id=result.delivery_id)
    stream = aiter(world.deliveries.WatchDelivery(request, metadata=world.account))
    first = await anext(stream)
    assert first.delivery.status == delivery_pb2.DELIVERY_STATUS_DRIVER_ASSIGNED
    assert not first.HasField("event")

    await world.ingest(world.message("w", "arrived_at_store", 1))
    await world.ingest(world.message("w", "delivered", 2))

    statuses = [told.event.status async for told in stream if told.HasField("event")]
    assert statuses[-1] == delivery_pb2.DELIVERY_STATUS_DELIVERED
    assert delivery_pb2.DELIVERY_STATUS_PICKUP_ARRIVED in statuses


async def test_a_watch_that_missed_events_is_told_them_first(world: World) -> None:
    delivery = await live(world, "missed")
    request = delivery_service_pb2.WatchDeliveryRequest(delivery_id=delivery, after_event_number=3)

    told = [each async for each in world.deliveries.WatchDelivery(request, metadata=world.account)]

    last = (await world.get(delivery)).last_event_number
    assert [each.event.number for each in told[1:]] == list(range(4, last + 1))


async def test_a_stream_ends_when_its_token_is_revoked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tailing, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(liveness, "CHECK_SECONDS", 0.05)
    token = access_pb2.Token(level=access_pb2.ACCESS_LEVEL_ACCOUNT, scopes=[access_pb2.SCOPE_EVENTS_READ])
    made = await world.access.CreateToken(access_service_pb2.CreateTokenRequest(token=token), metadata=world.account)
    reader = (("authorization", f"Bearer {made.value}"),)
    stream = world.events.WatchEvents(event_service_pb2.WatchEventsRequest(), metadata=reader)
    await following(stream)

    revoke = access_service_pb2.RevokeTokenRequest(token_id=made.token.id)
    await world.access.RevokeToken(revoke, metadata=world.account)

    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await exhausted(stream)
    assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
