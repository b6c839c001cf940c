"""Twenty times more calls than the limit, four times over."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from crossdock.v1 import location_service_pb2 as pb
from crossdock.v1.event_service_pb2 import WatchEventsRequest, WatchEventsResponse

from tests.services.answers import failure_of
from tests.services.conftest import Serve
from tests.services.stand_ins import EventServiceStub, LocationServiceStub, get_location, watch_events
from tests.services.waiting import until

LIMIT = 10
WAVES = 4
TIMES = 20
REQUEST = pb.GetLocationRequest(location_id="loc_x")
Metadata = tuple[tuple[str, str], ...]


async def test_what_is_too_much_is_refused_at_once_and_the_rest_is_served(serve: Serve, system: Metadata) -> None:
    gate = asyncio.Event()
    under_way = peak = 0

    async def wait(_: pb.GetLocationRequest) -> pb.GetLocationResponse:
        nonlocal under_way, peak
        under_way += 1
        peak = max(peak, under_way)
        try:
            await gate.wait()
        finally:
            under_way -= 1
        return pb.GetLocationResponse()

    server, channel = await serve(get_location(wait), max_concurrent_rpcs=LIMIT, log_calls=False)
    stub = LocationServiceStub(channel)
    await channel.channel_ready()

    async def call() -> str:
        try:
            await stub.GetLocation(REQUEST, metadata=system, timeout=60)
        except grpc.aio.AioRpcError as error:
            return error.code().name
        return "served"

    for _ in range(WAVES):
        gate.clear()
        calls = [asyncio.create_task(call()) for _ in range(LIMIT)]
        await until(lambda: under_way == LIMIT)
        for _ in range(TIMES - 1):
            calls += (group := [asyncio.create_task(call()) for _ in range(LIMIT)])
            await asyncio.wait(group)  # they end while those that were taken still wait
        gate.set()
        outcomes = await asyncio.gather(*calls)

        assert outcomes.count("served") == LIMIT
        assert outcomes.count("RESOURCE_EXHAUSTED") == LIMIT * (TIMES - 1)

    assert peak == server.calls.peak == LIMIT
    await until(lambda: server.calls.taken == under_way == 0)
    await stub.GetLocation(REQUEST, metadata=system)


async def test_a_burst_on_one_connection_never_exceeds_the_limit(serve: Serve, system: Metadata) -> None:
    async def pause(_: pb.GetLocationRequest) -> pb.GetLocationResponse:
        await asyncio.sleep(0.01)
        return pb.GetLocationResponse()

    server, channel = await serve(get_location(pause), max_concurrent_rpcs=LIMIT, log_calls=False)
    stub = LocationServiceStub(channel)

    outcomes = await asyncio.gather(
        *(stub.GetLocation(REQUEST, metadata=system) for _ in range(LIMIT * TIMES)), return_exceptions=True
    )

    refused = [each for each in outcomes if isinstance(each, grpc.aio.AioRpcError)]
    assert {each.code() for each in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert server.calls.peak == LIMIT
    await until(lambda: not server.calls.taken)


async def test_streams_do_not_take_the_places_of_calls(serve: Serve, system: Metadata) -> None:
    async def stay(_: WatchEventsRequest) -> AsyncIterator[WatchEventsResponse]:
        yield WatchEventsResponse(cursor="here")
        await asyncio.Event().wait()

    async def answer(_: pb.GetLocationRequest) -> pb.GetLocationResponse:
        return pb.GetLocationResponse()

    server, channel = await serve(
        watch_events(stay), get_location(answer), max_concurrent_rpcs=1, max_concurrent_streams=3
    )
    events: Any = EventServiceStub(channel)

    streams = [events.WatchEvents(WatchEventsRequest(), metadata=system) for _ in range(3)]
    for stream in streams:
        assert (await stream.read()).cursor == "here"
    one_too_many = await failure_of(events.WatchEvents(WatchEventsRequest(), metadata=system).read())
    await LocationServiceStub(channel).GetLocation(REQUEST, metadata=system)

    assert one_too_many.reason == "OVERLOADED"
    assert one_too_many.metadata == {"limit": "3"}
    for stream in streams:
        stream.cancel()
    await until(lambda: not server.streams.taken)
