"""The gateway's sender between the real services and real subscribers."""

import asyncio
import contextlib
import hashlib
import hmac
import socket
from typing import Any

import pytest
import standardwebhooks
import svix
from crossdock.v1 import subscription_pb2 as pb
from crossdock.v1 import subscription_service_pb2 as contract
from pydantic import SecretStr

from cli.hub.addresses import Address, Reservation
from gateway.config import Settings
from gateway.dialects.registry import INBOUND, OUTBOUND
from gateway.server import Server as Gateway
from services.server import Server
from tests.conftest import SYSTEM_TOKEN
from tests.gateway.egress.far_servers import answer
from tests.gateway.sending.conftest import ALLOWED, Subscribers
from tests.gateway.sending.sinks import Sink, running_sink
from tests.gateway.webhook_services import running_gateway, sample
from tests.services.waiting import until

WORDS = ("confirmed", "arrived_at_store", "out_for_delivery", "delivered")
ORDERS = [f"o{number}" for number in range(20)]


@pytest.mark.usefixtures("gateway")
async def test_every_event_is_told_once_and_each_deliverys_in_order(subscribers: Subscribers, sink: Sink) -> None:
    made = await subscribers.create(sink.url())
    await subscribers.happen(ORDERS, WORDS)
    recorded = await subscribers.recorded()

    await until(lambda: sink.ids() >= recorded, 60)

    assert len(sink.heard) == len(recorded) > 80
    assert all(numbers == sorted(numbers) for numbers in sink.numbers().values())
    stats = await subscribers.until(made.id, lambda stats: stats.succeeded_count == len(recorded))
    assert (stats.backlog_count, stats.failed_count, stats.given_up_count) == (0, 0, 0)


@pytest.mark.usefixtures("gateway")
async def test_a_delivery_that_is_refused_waits_alone_and_goes_on_in_order(
    subscribers: Subscribers, sink: Sink
) -> None:
    sink.replies["/bad"] = answer("500 Oh No", b"canary of the subscriber")
    good, bad = await subscribers.create(sink.url("/good")), await subscribers.create(sink.url("/bad"))
    await subscribers.happen(ORDERS[:3], WORDS)
    recorded = await subscribers.recorded()

    await until(lambda: sink.ids("/good") >= recorded, 60)
    await subscribers.until(bad.id, lambda stats: stats.failed_count >= 3)
    [attempt, *_] = await subscribers.attempts(bad.id)
    sink.replies.clear()
    await subscribers.resume(bad.id)
    await asyncio.gather(*(subscribers.redeliver(bad.id, each.event_id) for each in await subscribers.attempts(bad.id)))
    await until(lambda: sink.ids("/bad") >= recorded, 60)

    assert (attempt.http_status, attempt.response_excerpt) == (500, "canary of the subscriber")
    assert attempt.outcome == pb.ATTEMPT_OUTCOME_REFUSED
    assert attempt.HasField("retry_time")
    assert attempt.url == sink.url("/bad")
    assert all(numbers == sorted(numbers) for numbers in sink.numbers("/bad").values())
    assert (await subscribers.stats(good.id)).failed_count == 0


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize("library", [svix, standardwebhooks], ids=["svix", "standardwebhooks"])
async def test_while_a_secret_is_rotated_the_official_libraries_verify_with_either(
    subscribers: Subscribers, sink: Sink, library: Any
) -> None:
    made = await subscribers.create(sink.url())
    request = contract.RotateSubscriptionSecretRequest(subscription_id=made.id)
    rotated = await subscribers.stub.RotateSubscriptionSecret(request, metadata=subscribers.world.account)

    await subscribers.happen(ORDERS[:1])
    await until(lambda: bool(sink.heard), 60)

    for secret in (made.secrets[0].value, rotated.subscription.secrets[0].value):
        told = sink.heard[0]
        library.Webhook(secret).verify(told.body.decode(), told.headers)
        with pytest.raises(library.webhooks.WebhookVerificationError):
            library.Webhook(secret).verify(told.body.decode() + " ", told.headers)


@pytest.mark.usefixtures("gateway")
async def test_an_endpoint_that_is_gone_is_asked_no_more_and_nothing_is_lost(
    subscribers: Subscribers, sink: Sink
) -> None:
    sink.replies["/hook"] = answer("410 Gone")
    made = await subscribers.create(sink.url(), max_in_flight=1)
    await subscribers.happen(ORDERS)
    recorded = await subscribers.recorded()

    await subscribers.until(made.id, lambda stats: stats.failed_count > 0)
    paused = await subscribers.get(made.id)
    asked = len(sink.seen)
    sink.replies.clear()
    await subscribers.resume(made.id)
    await until(lambda: sink.ids() >= recorded, 60)

    assert (paused.state, asked) == (pb.SUBSCRIPTION_STATE_PAUSED_GONE, 1)


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize("status", ["429 Slow Down", "503 Not Now"])
async def test_an_endpoint_that_asks_for_it_is_slowed_down(subscribers: Subscribers, sink: Sink, status: str) -> None:
    sink.replies["/hook"] = answer(status, b"", "retry-after: 3600")
    made = await subscribers.create(sink.url(), max_in_flight=1)
    await subscribers.happen(ORDERS)

    await subscribers.until(made.id, lambda stats: stats.failed_count > 0)

    [attempt] = await subscribers.attempts(made.id)
    assert attempt.outcome == pb.ATTEMPT_OUTCOME_THROTTLED
    assert attempt.retry_after.seconds == 3600
    assert attempt.retry_time.seconds >= attempt.start_time.seconds + 3600
    assert len(sink.seen) == 1, "the others of the lease were not tried"


@pytest.mark.usefixtures("gateway")
async def test_a_test_reaches_the_endpoint_in_every_dialect(subscribers: Subscribers, sink: Sink) -> None:
    made = {name: await subscribers.create(sink.url(f"/{name}"), dialect=name) for name in OUTBOUND}

    attempts = await asyncio.gather(*(subscribers.test(each.id) for each in made.values()))

    assert {each.outcome for each in attempts} == {pb.ATTEMPT_OUTCOME_SUCCEEDED}
    assert {each.cause for each in attempts} == {pb.SEND_CAUSE_TEST}
    assert {each.path for each in sink.heard} == {f"/{name}" for name in OUTBOUND}
    by_path = {each.path: each for each in sink.heard}
    for name, header in (("hubrise", "x-hubrise-hmac-sha256"), ("deliverysolutions", "x-ds-signature")):
        told = by_path[f"/{name}"]
        expected = hmac.digest(made[name].secrets[0].value.encode(), told.body, hashlib.sha256).hex()
        assert told.headers[header] == expected
    assert by_path["/ordatic"].headers["authorization"] == made["ordatic"].secrets[0].value


@pytest.mark.usefixtures("gateway")
async def test_headers_of_the_subscription_go_with_every_message(subscribers: Subscribers, sink: Sink) -> None:
    await subscribers.create(sink.url("/hook?key=1"), headers=[{"name": "X-Shop", "value": "7709"}])
    await subscribers.happen(ORDERS[:1])
    await until(lambda: bool(sink.heard), 60)

    told = sink.heard[0]
    assert (told.path, told.headers["x-shop"]) == ("/hook?key=1", "7709")
    assert told.headers["content-type"] == "application/cloudevents+json"
    assert told.headers["user-agent"] == "Crossdock-Webhooks/1"
    assert told.headers["webhook-id"] == told.document["id"]


async def test_what_is_under_way_is_finished_and_given_back_at_the_end(
    server: Server, subscribers: Subscribers, sink: Sink
) -> None:
    release, arrived = asyncio.Event(), asyncio.Event()

    async def wait(_: Any, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await release.wait()
        writer.write(answer("204 No Content", b""))
        await writer.drain()

    sink.serve = wait
    made = await subscribers.create(sink.url(), max_in_flight=1)
    settings: dict[str, Any] = {"system_token": SecretStr(SYSTEM_TOKEN), "egress_allow": ALLOWED}
    first = await Gateway.start(_settings(server, **settings), INBOUND)
    await subscribers.happen(ORDERS)
    await asyncio.wait_for(arrived.wait(), 60)

    stopping = asyncio.create_task(first.stop(60))
    await until(lambda: first.draining, 60)
    release.set()
    await stopping
    told_by_first = len(sink.seen)
    succeeded = (await subscribers.stats(made.id)).succeeded_count
    sink.serve = None
    recorded = await subscribers.recorded()
    async with running_gateway(server.address, INBOUND, sending=True, **settings):
        await subscribers.until(made.id, lambda stats: stats.succeeded_count == len(recorded))

    assert told_by_first == succeeded < len(recorded)
    assert len(sink.seen) == len(recorded), "nothing was sent twice"


def _settings(server: Server, **settings: Any) -> Settings:
    return Settings(http="127.0.0.1:0", services=server.address, notice_seconds=0, **settings)


async def test_bad_subscribers_slow_nobody(server: Server, subscribers: Subscribers, sink: Sink) -> None:
    hanging = asyncio.Event()
    written = 0

    async def hang(_: Any, __: asyncio.StreamWriter) -> None:
        hanging.set()
        await asyncio.Event().wait()

    async def drip(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def flood(_: Any, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        size = 1 << 30
        # What waits in buffers on this side is not taken by anybody.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {size}\r\n\r\n".encode())
        for _block in range(size >> 16):
            writer.write(bytes(1 << 16))
            await writer.drain()
            written += 1 << 16

    settings = {"system_token": SecretStr(SYSTEM_TOKEN), "egress_allow": ALLOWED, "sending": True}
    bad_ones = [hang, drip, flood]
    async with contextlib.AsyncExitStack() as stack:
        bad = [await stack.enter_async_context(running_sink(serve=serve)) for serve in bad_ones]
        # As few as there could be: each of the bad ones may hold two connections, and no more.
        await stack.enter_async_context(
            running_gateway(server.address, INBOUND, **settings, sending_concurrency=8, sending_leases=6)
        )
        made = [await subscribers.create(each.url(), timeout={"seconds": 30}) for each in bad]
        await subscribers.happen(ORDERS, WORDS[:1])
        await asyncio.wait_for(hanging.wait(), 60)
        healthy = [await subscribers.create(sink.url(f"/{number}")) for number in range(3)]
        before = await subscribers.recorded()
        await subscribers.happen(ORDERS, WORDS[1:], minute=1)
        since = await subscribers.recorded() - before

        await until(lambda: all(sink.ids(f"/{number}") >= since for number in range(3)), 60)

        hung = await subscribers.stats(made[0].id)
        assert hung.succeeded_count == 0
        for each in healthy:
            stats = await subscribers.until(each.id, lambda stats: stats.backlog_count == 0)
            assert stats.failed_count == 0
        await subscribers.until(made[2].id, lambda stats: stats.succeeded_count >= len(before))
    assert written / len(bad[2].seen) < 1 << 20, "so much of each GiB was taken before it was cut off"


@pytest.mark.usefixtures("server")
async def test_a_sender_waits_for_services_that_are_away(
    settings: Any, server: Server, subscribers: Subscribers, sink: Sink, gateway: Gateway
) -> None:
    await subscribers.create(sink.url())
    port = int(server.address.rpartition(":")[2])
    await server.stop(0)
    kept = Reservation.take(Address("127.0.0.1", port), "--grpc")  # or another test's server may get it
    await until(lambda: _calls_failed(gateway) > 0, 60)

    again = await Server.start(settings.model_copy(update={"grpc": f"127.0.0.1:{port}"}))
    try:
        await subscribers.happen(ORDERS, WORDS[:1])
        recorded = await subscribers.recorded()
        await until(lambda: sink.ids() >= recorded, 60)
    finally:
        await gateway.stop(1)
        await again.stop(0)
        kept.release()


def _calls_failed(gateway: Gateway) -> float:
    codes = ("UNAVAILABLE", "CANCELLED")
    name = "crossdock_sender_calls_failed_total"
    return sum(sample(gateway, name, method="LeaseSubscriptions", code=code) for code in codes)
