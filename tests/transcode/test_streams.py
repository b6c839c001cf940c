"""Streams over HTTP, on a stand-in whose messages come when the test says so."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
from crossdock.v1 import event_pb2, event_service_pb2_grpc
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.delivery_service_pb2 import WatchDeliveryRequest, WatchDeliveryResponse
from crossdock.v1.delivery_service_pb2_grpc import DeliveryServiceServicer, add_DeliveryServiceServicer_to_server
from crossdock.v1.event_service_pb2 import WatchEventsRequest, WatchEventsResponse
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import Metadata, World
from tests.transcode.faces import our_face

SSE = {"accept": "text/event-stream"}
Context = grpc.aio.ServicerContext[Any, Any]


class Events(event_service_pb2_grpc.EventServiceServicer, DeliveryServiceServicer):
    """Tells what is put into `queue`: a response, None for the end, or a status to fail with."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.requests: list[Any] = []
        self.cancelled = asyncio.Event()

    async def WatchEvents(self, request: WatchEventsRequest, context: Context) -> AsyncIterator[WatchEventsResponse]:
        async for each in self._told(request, context):
            yield each

    async def WatchDelivery(
        self, request: WatchDeliveryRequest, context: Context
    ) -> AsyncIterator[WatchDeliveryResponse]:
        async for each in self._told(request, context):
            yield each

    async def _told(self, request: Any, context: Context) -> AsyncIterator[Any]:
        self.requests.append(request)
        try:
            while (told := await self.queue.get()) is not None:
                if isinstance(told, Status):
                    details = (("grpc-status-details-bin", told.SerializeToString()),)
                    await context.abort(grpc.StatusCode.UNAVAILABLE, told.message, details)
                yield told
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


@pytest.fixture
def events() -> Events:
    return Events()  # type: ignore[abstract]  # methods that no test calls are not there


@pytest.fixture
async def address(events: Events) -> AsyncIterator[str]:
    server = grpc.aio.server()
    event_service_pb2_grpc.add_EventServiceServicer_to_server(events, server)
    add_DeliveryServiceServicer_to_server(events, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(0)


@pytest.fixture
async def url(address: str) -> AsyncIterator[str]:
    async with grpc.aio.insecure_channel(address) as channel, our_face(channel) as url:
        yield url


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        yield client


def event(cursor: str) -> WatchEventsResponse:
    return WatchEventsResponse(event=event_pb2.Event(id=f"evt-{cursor}", number=7), cursor=cursor)


def too_slow() -> Status:
    status = Status(code=grpc.StatusCode.UNAVAILABLE.value[0], message="too slow")
    status.details.add().Pack(ErrorInfo(reason="SLOW_READER", domain="crossdock", metadata={"cursor": "b"}))
    status.details.add().Pack(RetryInfo(retry_delay=Duration(nanos=100_000_000)))
    return status


async def test_each_message_is_a_line_and_comes_at_once(events: Events, client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/v1/events:watch?filter.carriers=x") as answer:
        lines = answer.aiter_lines()
        for cursor in ("a", "b"):
            events.queue.put_nowait(event(cursor))
            told = json.loads(await asyncio.wait_for(anext(lines), 60))
            assert told == {"event": {"id": f"evt-{cursor}", "number": "7"}, "cursor": cursor}
        events.queue.put_nowait(None)
        assert [line async for line in lines] == []

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert list(events.requests[0].filter.carriers) == ["x"]


async def test_a_silent_stream_begins_all_the_same(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/v1/events:watch") as answer:
        assert answer.status_code == 200


async def test_a_refusal_before_the_first_message_is_an_ordinary_problem(
    events: Events, client: httpx.AsyncClient
) -> None:
    events.queue.put_nowait(too_slow())

    answer = await client.get("/v1/events:watch", headers=SSE)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["details"][0]["reason"] == "SLOW_READER"


async def test_an_error_in_the_midst_is_the_last_line(events: Events, client: httpx.AsyncClient) -> None:
    for each in (event("a"), too_slow()):
        events.queue.put_nowait(each)

    answer = await client.get("/v1/events:watch")

    first, last = (json.loads(line) for line in answer.text.splitlines())
    assert first["cursor"] == "a"
    assert last["error"]["status"] == "UNAVAILABLE"
    assert last["error"]["details"][0]["metadata"] == {"cursor": "b"}


async def test_server_sent_events_carry_the_cursor_and_heartbeats_only_move_it(
    events: Events, client: httpx.AsyncClient
) -> None:
    for each in (event("a"), WatchEventsResponse(cursor="b", heartbeat=True), too_slow()):
        events.queue.put_nowait(each)

    answer = await client.get("/v1/events:watch", headers=SSE)

    first, second, third, rest = answer.text.split("\n\n")
    assert answer.headers["content-type"] == "text/event-stream"
    assert first.splitlines()[0] == "id: a"
    assert json.loads(first.splitlines()[1].removeprefix("data: "))["event"]["id"] == "evt-a"
    assert second == "id: b\n: heartbeat"
    assert third.splitlines()[:2] == ["retry: 1000", "event: problem"]
    assert rest == ""


async def test_a_reader_resumes_behind_the_last_event_it_has(events: Events, client: httpx.AsyncClient) -> None:
    for _ in range(2):
        events.queue.put_nowait(None)

    await client.get("/v1/events:watch?startTime=2026-01-01T00:00:00Z", headers={**SSE, "Last-Event-ID": "b"})
    await client.get("/v1/events:watch?cursor=a", headers={"Last-Event-ID": "b"})

    assert (events.requests[0].cursor, events.requests[0].HasField("start_time")) == ("b", False)
    assert events.requests[1].cursor == "a"  # lines know no such header


async def test_a_deliverys_events_are_resumed_by_number(events: Events, client: httpx.AsyncClient) -> None:
    event = event_pb2.Event(number=5)
    for each in (WatchDeliveryResponse(delivery=Delivery(last_event_number=9)), WatchDeliveryResponse(event=event)):
        events.queue.put_nowait(each)
    events.queue.put_nowait(None)

    answer = await client.get("/v1/deliveries/dlv_1:watch", headers={**SSE, "Last-Event-ID": "4"})
    bad = await client.get("/v1/deliveries/dlv_1:watch", headers={**SSE, "Last-Event-ID": "x"})

    state, told, _ = answer.text.split("\n\n")
    assert events.requests[0].after_event_number == 4
    assert not state.startswith("id:")  # the events before this state may still be to come
    assert told.startswith("id: 5\n")
    assert bad.status_code == 400


async def test_the_call_ends_when_the_client_leaves(events: Events, client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/v1/events:watch") as answer:
        events.queue.put_nowait(event("a"))
        await anext(answer.aiter_lines())

    await asyncio.wait_for(events.cancelled.wait(), 60)


async def test_readers_are_told_to_come_again_when_the_process_ends(events: Events, address: str) -> None:
    async with running_gateway(address) as gateway:
        client = httpx.AsyncClient(base_url=gateway.url, timeout=60)
        async with client.stream("GET", "/v1/events:watch") as answer:
            lines = answer.aiter_lines()
            events.queue.put_nowait(event("a"))
            await anext(lines)
            stopping = asyncio.create_task(gateway.stop(60))
            last = json.loads(await anext(lines))
            assert [line async for line in lines] == []
        await client.aclose()
        await stopping

    assert last["error"]["details"][0]["reason"] == "SHUTTING_DOWN"
    assert events.cancelled.is_set()


async def test_a_client_that_does_not_read_is_not_read_for(events: Events, url: str) -> None:
    port = int(url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 12)
    writer.write(b"GET /v1/events:watch HTTP/1.1\r\nhost: x\r\n\r\n")
    await writer.drain()
    large = WatchEventsResponse(cursor="x" * 100_000)
    count = 2_000
    for _ in range(count):
        events.queue.put_nowait(large)

    left = count
    for _ in range(100):
        await asyncio.sleep(0.02)
        if events.queue.qsize() == left:
            break
        left = events.queue.qsize()

    assert left > count / 2  # the rest of 200 MB waits where it came from
    writer.close()


async def test_the_real_log_is_followed_over_http(channel: grpc.aio.Channel, system: Metadata) -> None:
    world = await World.make(channel, system)
    async with (
        our_face(channel) as url,
        httpx.AsyncClient(headers=dict(world.account), timeout=60) as client,
        client.stream("GET", f"{url}/v1/events:watch") as answer,
    ):
        lines = answer.aiter_lines()
        await anext(lines)  # its first cursor: from there on it is followed
        made = await world.delivery(carrier="A")
        told: dict[str, Any] = {}
        async for line in lines:
            told = json.loads(line)
            if "event" in told:
                break

    assert told["event"]["deliveryId"] == made.id
