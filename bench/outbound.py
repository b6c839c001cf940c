"""Loads of what goes out: attempts a second, time to a subscriber, what subscriptions cost ingest, many streams."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from tempfile import TemporaryFile

import aiohttp
import asyncpg
import grpc
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_DISPOSED
from crossdock.v1.event_pb2 import EVENT_KIND_CREATED, EventFilter
from crossdock.v1.event_service_pb2 import WatchEventsRequest
from crossdock.v1.subscription_pb2 import Subscription

from bench import checks
from bench.clients import wrk
from bench.figures import Figures, percentile
from bench.messages import batches
from bench.peers import Peer
from bench.usage import Usage
from bench.worlds import World
from cli.hub_client import HubClient
from runtime import typeid

ATTEMPTS = 6_000
PER_SECOND = 500
"""How many events a second the latency is taken at."""
PATIENCE_SECONDS = 120.0
SETTLING_SECONDS = 2.0
"""So long new subscriptions, and the loads before, have time to come to rest."""
_BATCH = 100
_POSTERS = 16
_ORDERS = """
SELECT e.event_id, r.value FROM events e JOIN delivery_references r USING (tenant_id, delivery_id)
WHERE r.scope = 'skipcart.order' AND starts_with(r.value, $1)
"""
_BODY = '{"skipcart_order_id":"%s","event_status":"new","event_time_utc":"%s"}'


async def attempts(world: World, _: float, tag: str, *, subscriptions: int) -> tuple[Figures, str]:
    """From the first message at the sink to the last, of a backlog that is there; the latency is not told."""
    async with _sink() as sink, _hub(world) as hub:
        ids = await _subscribe(hub, sink, subscriptions, EventFilter(kinds=[EVENT_KIND_CREATED]))
        for each in ids:
            await hub.call(hub.subscriptions.PauseSubscription, contract.PauseSubscriptionRequest(subscription_id=each))
        wanted = await _ingest(world, tag, ATTEMPTS // subscriptions) * subscriptions
        with Usage(world.roles("hub")) as usage:
            resume = [contract.ResumeSubscriptionRequest(subscription_id=each) for each in ids]
            await asyncio.gather(*(hub.call(hub.subscriptions.ResumeSubscription, each) for each in resume))
            came, wrong = await _wait(sink, wanted)
        await _unsubscribe(hub, ids)
    moments = sorted(came.values())
    figures = Figures(len(moments) - 1, wrong, moments[-1] - moments[0], 0.0, 0.0, usage.costs)
    return figures, _told(len(came), wanted, wrong)


async def latency(world: World, seconds: float, tag: str) -> tuple[Figures, str]:
    """From the 200 of a webhook to its event at the sink, at `PER_SECOND`."""
    url, thanked = world.hub.ready["sources"]["skipcart"]["url"], dict[str, float]()
    async with _sink() as sink, _hub(world) as hub:
        ids = await _subscribe(hub, sink, 1, EventFilter(kinds=[EVENT_KIND_CREATED]))
        count, began = int(seconds * PER_SECOND), time.time()
        numbers = iter(range(count))
        with Usage(world.roles("hub")) as usage:
            async with aiohttp.ClientSession() as session:

                async def post() -> None:
                    for number in numbers:
                        await asyncio.sleep(began + number / PER_SECOND - time.time())
                        order = f"{tag}{number}"
                        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                        async with session.post(url, data=_BODY % (order, moment)) as answer:
                            answer.raise_for_status()
                        thanked[order] = time.time()

                await asyncio.gather(*(post() for _ in range(_POSTERS)))
            lasted = time.time() - began
            came, wrong = await _wait(sink, count)
        await _unsubscribe(hub, ids)
    orders = await _orders(world, tag)
    took = [
        max(0.0, moment - thanked[orders[key.partition(" ")[2]]]) * 1000
        for key, moment in came.items()
        if key.partition(" ")[2] in orders
    ]
    figures = Figures(len(took), wrong, lasted, percentile(took, 50), percentile(took, 99), usage.costs)
    return figures, _told(len(took), count, wrong)


async def ingest(
    world: World, seconds: float, tag: str, *, subscriptions: int, alike: bool = True
) -> tuple[Figures, str]:
    """Skipcart's webhooks beside subscriptions that want other events, all the same ones or each its own."""
    others = [EventFilter(statuses=[DELIVERY_STATUS_DISPOSED])]
    if not alike:
        others = [EventFilter(carriers=[f"carrier {number}"]) for number in range(subscriptions)]
    async with _hub(world) as hub:
        ids = await _subscribe(hub, None, subscriptions, *others)
        await asyncio.sleep(SETTLING_SECONDS)
        url = world.hub.ready["sources"]["skipcart"]["url"]
        with Usage(world.roles("hub")) as usage:
            figures = await wrk(url, 32, seconds, "webhooks.lua", [tag, "32"])
        await _unsubscribe(hub, ids)
    found = await checks.webhooks(world.hub.database_url, tag, figures.acknowledged, 32 + figures.failed)
    return replace(figures, costs=usage.costs), found


async def ingest_told(world: World, seconds: float, tag: str) -> tuple[Figures, str]:
    """The same beside one subscription that is told of everything: the machine sends as much as it takes in."""
    async with _sink() as sink, _hub(world) as hub:
        ids = await _subscribe(hub, sink, 1, EventFilter())
        url = world.hub.ready["sources"]["skipcart"]["url"]
        with Usage(world.roles("hub")) as usage:
            figures = await wrk(url, 32, seconds, "webhooks.lua", [tag, "32"])
        await _unsubscribe(hub, ids)
    found = await checks.webhooks(world.hub.database_url, tag, figures.acknowledged, 32 + figures.failed)
    return replace(figures, costs=usage.costs), found


async def streams(world: World, _: float, tag: str, *, count: int) -> tuple[Figures, str]:
    """One event to many streams of `WatchEvents`: the latencies are from its 200 to the streams."""
    ready, came = world.hub.ready, list[float]()
    async with grpc.aio.insecure_channel(ready["grpc"]), _hub(world) as hub:
        listening = 0

        async def listen() -> None:
            nonlocal listening
            async with aclosing(hub.stream(hub.events.WatchEvents, WatchEventsRequest())) as answers:
                async for answer in answers:
                    if answer.heartbeat:
                        listening += 1
                        continue
                    came.append(time.time())
                    return

        tasks = [asyncio.create_task(listen()) for _ in range(count)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while listening < count:  # noqa: ASYNC110  many tasks count
                await asyncio.sleep(0.05)
            with Usage(world.roles("hub")) as usage:
                async with aiohttp.ClientSession() as session:
                    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                    body = _BODY % (f"{tag}1", moment)
                    async with session.post(ready["sources"]["skipcart"]["url"], data=body) as answer:
                        answer.raise_for_status()
                thanked = time.time()
                await asyncio.gather(*tasks)
    took = [max(0.0, each - thanked) * 1000 for each in came]
    figures = Figures(len(took), 0, max(took) / 1000 or 1e-3, percentile(took, 50), percentile(took, 99), usage.costs)
    return figures, _told(len(took), count, 0)


@asynccontextmanager
async def _sink() -> AsyncIterator[Peer]:
    with TemporaryFile("w") as log:
        peer = await Peer.http("bench.sink:app", {}, log, "--no-access-log")
        try:
            yield peer
        finally:
            await peer.stop()


@asynccontextmanager
async def _hub(world: World) -> AsyncIterator[HubClient]:
    async with HubClient(world.hub.ready["grpc"], world.hub.ready["account_token"]) as hub:
        yield hub


async def _subscribe(hub: HubClient, sink: Peer | None, count: int, *wanted: EventFilter) -> list[str]:
    """New subscriptions with these filters by turns, whose secrets the sink knows."""
    base = sink.url if sink else "http://127.0.0.1:1"
    secrets, ids = {}, []
    for number in range(count):
        subscription = Subscription(
            url=f"{base}/hooks/{number}",
            filter=wanted[number % len(wanted)],
            max_in_flight=50 if count == 1 else 10,
        )
        request = contract.CreateSubscriptionRequest(subscription=subscription)
        made = (await hub.call(hub.subscriptions.CreateSubscription, request)).subscription
        secrets[str(number)] = made.secrets[0].value
        ids.append(made.id)
    if sink:
        async with aiohttp.ClientSession() as session, session.post(f"{sink.url}/know", json=secrets) as answer:
            answer.raise_for_status()
    return ids


async def _unsubscribe(hub: HubClient, ids: list[str]) -> None:
    for each in ids:
        await hub.call(hub.subscriptions.DeleteSubscription, contract.DeleteSubscriptionRequest(subscription_id=each))


async def _ingest(world: World, tag: str, orders: int) -> int:
    """Messages about at least so many new orders; how many deliveries began."""
    ready, metadata = world.hub.ready, (("authorization", f"Bearer {world.system_token}"),)
    requests = batches(ready["sources"]["skipcart"]["id"], tag, _BATCH)
    connection = await asyncpg.connect(checks.plain(world.hub.database_url))
    counted = "SELECT count(*) FROM delivery_references WHERE scope = 'skipcart.order' AND starts_with(value, $1)"
    try:
        async with grpc.aio.insecure_channel(ready["grpc"]) as channel:
            method = channel.unary_unary(
                "/crossdock.v1.WebhookService/BatchIngestWebhooks",
                request_serializer=bytes,
                response_deserializer=bytes,
            )
            while (begun := await connection.fetchval(counted, tag)) < orders:
                await method(next(requests), metadata=metadata, timeout=30)
    finally:
        await connection.close()
    return int(begun)


async def _wait(sink: Peer, wanted: int) -> tuple[dict[str, float], int]:
    """What came, when it is all there or nothing has come for a while; and how many had a wrong signature."""
    async with aiohttp.ClientSession() as session:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            async with session.get(f"{sink.url}/came?count=1") as answer:
                if (await answer.json())["came"] >= wanted:
                    break
            await asyncio.sleep(0.1)
        async with session.get(f"{sink.url}/came") as answer:
            found = await answer.json()
    return found["came"], len(found["wrong"])


async def _orders(world: World, tag: str) -> dict[str, str]:
    """The carrier's order of each event."""
    connection = await asyncpg.connect(checks.plain(world.hub.database_url))
    try:
        rows = await connection.fetch(_ORDERS, tag)
    finally:
        await connection.close()
    return {typeid.encode("evt", row["event_id"]): row["value"] for row in rows}


def _told(came: int, wanted: int, wrong: int) -> str:
    told = f"{came} of {wanted} came, {wrong} with a wrong signature"
    return told if came == wanted and not wrong else f"{checks.WRONG}{told}"
