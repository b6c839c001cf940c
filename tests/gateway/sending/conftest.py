"""Real services, a real gateway that sends quickly, a sink that listens, and a tenant with something to tell."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import asyncpg
import grpc
import pytest
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_pb2 import Attempt, Subscription, SubscriptionStats
from crossdock.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from pydantic import SecretStr

from gateway.dialects.registry import INBOUND
from gateway.server import Server as Gateway
from runtime import typeid
from services.config import Settings
from services.server import Server
from tests.conftest import SYSTEM_TOKEN
from tests.gateway.sending.sinks import Sink, running_sink
from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import Metadata, World

ALLOWED = "http://127.0.0.0/8"


@dataclass
class Subscribers:
    """A tenant's subscriptions, through the contract."""

    world: World
    database_url: str

    def __post_init__(self) -> None:
        self.stub = SubscriptionServiceStub(self.world.channel)

    async def create(self, url: str, secret: str = "", **members: Any) -> Subscription:
        request = contract.CreateSubscriptionRequest(subscription=Subscription(url=url, **members), secret=secret)
        return (await self.stub.CreateSubscription(request, metadata=self.world.account)).subscription

    async def get(self, identifier: str) -> Subscription:
        request = contract.GetSubscriptionRequest(subscription_id=identifier)
        return (await self.stub.GetSubscription(request, metadata=self.world.account)).subscription

    async def attempts(self, identifier: str, **filters: Any) -> list[Attempt]:
        """The youngest first."""
        request = contract.ListAttemptsRequest(subscription_id=identifier, page_size=1000, **filters)
        return list((await self.stub.ListAttempts(request, metadata=self.world.account)).attempts)

    async def stats(self, identifier: str) -> SubscriptionStats:
        request = contract.GetSubscriptionStatsRequest(subscription_id=identifier)
        return (await self.stub.GetSubscriptionStats(request, metadata=self.world.account)).stats

    async def test(self, identifier: str) -> Attempt:
        request = contract.TestSubscriptionRequest(subscription_id=identifier)
        return (await self.stub.TestSubscription(request, metadata=self.world.account)).attempt

    async def resume(self, identifier: str) -> None:
        request = contract.ResumeSubscriptionRequest(subscription_id=identifier)
        await self.stub.ResumeSubscription(request, metadata=self.world.account)

    async def happen(self, names: Iterable[str], words: Iterable[str] = ("confirmed",), minute: int = 0) -> None:
        """Messages of a carrier about its orders, one batch per word."""
        for step, word in enumerate(words):
            await self.world.ingest(*(self.world.message(name, word, minute + step) for name in names))

    async def redeliver(self, identifier: str, event_id: str) -> None:
        request = contract.RedeliverEventRequest(subscription_id=identifier, event_id=event_id)
        await self.stub.RedeliverEvent(request, metadata=self.world.account)

    async def until(self, identifier: str, condition: Callable[[SubscriptionStats], bool]) -> SubscriptionStats:
        """The figures of a subscription as soon as they are as they should be."""
        async with asyncio.timeout(60):
            while not condition(stats := await self.stats(identifier)):  # noqa: ASYNC110  elsewhere
                await asyncio.sleep(0.02)
        return stats

    async def recorded(self) -> set[str]:
        """The ids of all events of deliveries that are committed: the log itself tells them a moment later."""
        connection = await asyncpg.connect(self.database_url.replace("+asyncpg", ""))
        try:
            rows = await connection.fetch("SELECT event_id FROM events WHERE delivery_id IS NOT NULL")
        finally:
            await connection.close()
        return {typeid.encode("evt", row["event_id"]) for row in rows}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Subscribers on this machine are allowed."""
    return settings.model_copy(update={"egress_allow": ALLOWED})


@pytest.fixture
async def subscribers(server: Server, channel: grpc.aio.Channel, system: Metadata, database_url: str) -> Subscribers:
    return Subscribers(await World.make(channel, system), database_url)


@pytest.fixture
async def gateway(server: Server, sink: Sink) -> AsyncIterator[Gateway]:
    """Ends before the sink does."""
    settings = {"system_token": SecretStr(SYSTEM_TOKEN), "egress_allow": ALLOWED, "sending": True}
    async with running_gateway(server.address, INBOUND, **settings) as gateway:
        yield gateway


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with running_sink() as sink:
        yield sink
