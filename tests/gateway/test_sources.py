import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from crossdock.v1 import webhook_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from prometheus_client import CollectorRegistry

from gateway.services_client import ServicesClient
from gateway.verifiers import Scheme
from gateway.webhooks import sources
from gateway.webhooks.measures import WebhookMeasures
from gateway.webhooks.sources import Sources, SourceUnavailable
from runtime import typeid
from tests.gateway.webhook_services import SYSTEM_TOKEN, StandIn, serve_stand_in


class Clock:
    """Both clocks of the cache."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def services() -> StandIn:
    return StandIn()  # type: ignore[abstract]  # methods that no test calls are not there


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def cache(services: StandIn, clock: Clock) -> AsyncIterator[Sources]:
    server, port = await serve_stand_in(services)
    client = ServicesClient(grpc.aio.insecure_channel(f"127.0.0.1:{port}"), SYSTEM_TOKEN)
    measures = WebhookMeasures(CollectorRegistry())
    yield Sources(client, measures, seconds=5, stale_seconds=60, clock=clock, monotonic=clock)
    await client.close()
    await server.stop(0)


async def test_a_source_is_remembered_for_its_seconds(services: StandIn, cache: Sources, clock: Clock) -> None:
    source = services.add()

    for moment in (0, 4.9, 5.1, 9):
        clock.now = 1_000_000 + moment
        assert await cache.find(source.id) is not None

    assert services.calls["resolve"] == 2


async def test_all_who_ask_at_once_share_one_look_up(services: StandIn, cache: Sources) -> None:
    source = services.add()

    found = await asyncio.gather(*(cache.find(source.id) for _ in range(100)))

    assert len({id(each) for each in found}) == 1
    assert services.calls["resolve"] == 1


async def test_one_who_hangs_up_does_not_end_the_look_up_of_the_others(services: StandIn, cache: Sources) -> None:
    source = services.add()
    asking = [asyncio.create_task(cache.find(source.id)) for _ in range(3)]
    await asyncio.sleep(0)

    asking[0].cancel()

    assert all(await asyncio.gather(*asking[1:]))
    assert services.calls["resolve"] == 1


async def test_an_unknown_source_that_appears_is_found_after_the_seconds(
    services: StandIn, cache: Sources, clock: Clock
) -> None:
    source = services.add()
    del services.sources[source.id]
    assert await cache.find(source.id) is None
    services.sources[source.id] = source
    assert await cache.find(source.id) is None

    clock.now += 5.1

    assert await cache.find(source.id) is not None


async def test_a_secret_ends_when_it_ends_though_its_source_is_remembered(
    services: StandIn, cache: Sources, clock: Clock
) -> None:
    secrets = [
        webhook_pb2.SourceSecret(value="new-secret-of-it"),
        webhook_pb2.SourceSecret(value="old-secret-of-it", expire_time=Timestamp(seconds=1_000_002)),
    ]
    source = services.add(secrets=secrets)
    before = await cache.find(source.id)
    services.lost = grpc.StatusCode.UNAVAILABLE
    clock.now += 2.5

    after = await cache.find(source.id)

    assert before is not None
    assert before.auths[0].secrets == ("new-secret-of-it", "old-secret-of-it")
    assert after is not None
    assert after.auths[0].secrets == ("new-secret-of-it",)


async def test_an_outage_is_bridged_for_a_while_and_costs_one_look_up_a_second(
    services: StandIn, cache: Sources, clock: Clock
) -> None:
    source = services.add()
    await cache.find(source.id)
    services.lost = grpc.StatusCode.UNAVAILABLE
    services.calls.clear()

    for tenth in range(51, 151):
        clock.now = 1_000_000 + tenth / 10
        assert await cache.find(source.id) is not None
    assert services.calls["resolve"] <= 11
    clock.now = 1_000_000 + 61

    with pytest.raises(SourceUnavailable):
        await cache.find(source.id)


async def test_no_more_look_ups_of_strangers_are_under_way_than_the_services_like(
    services: StandIn, cache: Sources
) -> None:
    strangers = [typeid.encode("src", typeid.new_uuid7()) for _ in range(sources.MAX_LOOK_UPS + 20)]

    found = await asyncio.gather(*(cache.find(each) for each in strangers), return_exceptions=True)

    assert sum(isinstance(each, SourceUnavailable) for each in found) == 20
    assert services.calls["resolve"] == sources.MAX_LOOK_UPS


async def test_what_can_be_no_id_is_not_looked_up(services: StandIn, cache: Sources) -> None:
    for text in ("", "src_", "dlv_01m834kek5e1sbbmhdyhtmd71t", "src_zzzzzzzzzzzzzzzzzzzzzzzzzz", "\0", "x" * 10_000):
        assert await cache.find(text) is None

    assert services.calls.total() == 0


async def test_settings_that_make_no_sense_let_nobody_in(services: StandIn, cache: Sources) -> None:
    odd = [
        services.add(allowed_networks=["no network"]),
        services.add(auth_scheme=webhook_pb2.AUTH_SCHEME_UNSPECIFIED),
        services.add(secrets=[]),
        services.add(auth_scheme=webhook_pb2.AUTH_SCHEME_BASIC, secrets=[webhook_pb2.SourceSecret(value="a:")]),
    ]

    for each in odd:
        found = await cache.find(each.id)
        assert found is not None
        assert found.auths == ()


async def test_networks_hold_for_every_secret(services: StandIn, cache: Sources) -> None:
    source = services.add(
        auth_scheme=webhook_pb2.AUTH_SCHEME_BASIC,
        allowed_networks=["198.51.100.0/24"],
        secrets=[webhook_pb2.SourceSecret(value="a:b"), webhook_pb2.SourceSecret(value="c:d")],
    )

    found = await cache.find(source.id)

    assert found is not None
    assert [(each.scheme, each.username, len(each.networks)) for each in found.auths] == [
        (Scheme.BASIC, "a", 1),
        (Scheme.BASIC, "c", 1),
    ]
