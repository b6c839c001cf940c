"""A gateway in front of real services, with two locations that order and deliver in Paris and in Chicago."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest_asyncio
from crossdock.v1 import access_pb2, location_pb2, location_service_pb2
from pydantic import SecretStr

from gateway.config import Settings
from gateway.server import Server
from runtime.postgres import EmbeddedPostgres
from services.config import Settings as ServicesSettings
from services.server import Server as Services
from tests.conftest import SYSTEM_TOKEN, execute
from tests.services.worlds import Metadata, World

Answer = httpx.Response
_numbers = itertools.count(1)


@dataclass
class Shop:
    """A location with its clients: `local` has its own token, `account` the account's."""

    world: World
    location_id: str
    local: httpx.AsyncClient
    account: httpx.AsyncClient
    url: str

    async def order(self, **members: Any) -> str:
        """The id of a new order that is to be delivered."""
        answer = await self.local.post("/location/orders", json={"status": "new", "service_type": "delivery"} | members)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def delivery(self, **members: Any) -> str:
        """The id of a new order with a delivery."""
        order = await self.order()
        answer = await self.local.post(
            f"/location/orders/{order}/delivery", json={"carrier": "UPS", "status": "pending"} | members
        )
        assert answer.status_code == 200, answer.text
        return order

    async def get(self, order: str) -> dict[str, Any]:
        """The delivery of an order."""
        answer = await self.local.get(f"/location/orders/{order}/delivery")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def patch(self, order: str, **members: Any) -> Answer:
        """The answer to an update of the order's delivery."""
        return await self.local.patch(f"/location/orders/{order}/delivery", json=members)


def client_with(url: str, metadata: Metadata) -> httpx.AsyncClient:
    """A client with the token that is in a call's metadata."""
    token = dict(metadata)["authorization"].removeprefix("Bearer ")
    return httpx.AsyncClient(base_url=url, headers={"X-Access-Token": token}, timeout=60)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(postgres: EmbeddedPostgres, migrated: str) -> AsyncIterator[Services]:
    """One services process for all tests of a module: each has tenants of its own."""
    name = f"hubrise_{next(_numbers)}"
    await execute(postgres, f"CREATE DATABASE {name} TEMPLATE {migrated} STRATEGY file_copy")
    settings = ServicesSettings(
        database_url=SecretStr(postgres.url(name)),
        encryption_key=SecretStr("11" * 32),
        system_token=SecretStr(SYSTEM_TOKEN),
        grpc="127.0.0.1:0",
        metrics="",
        allow_unsafe_commits=True,
        notice_seconds=0,
    )
    server = await Services.start(settings)
    yield server
    await server.stop(0)
    await execute(postgres, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(services: Services) -> AsyncIterator[str]:
    """Where the dialect is served."""
    gateway = await Server.start(Settings(http="127.0.0.1:0", services=services.address, notice_seconds=0), {})
    yield f"{gateway.url}/hubrise/v1"
    await gateway.stop(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services_channel(services: Services) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the services, for what tests arrange behind the dialect's back."""
    async with grpc.aio.insecure_channel(services.address) as channel:
        yield channel


@pytest_asyncio.fixture(loop_scope="module")
async def shop(services_channel: grpc.aio.Channel, system: Metadata, url: str) -> AsyncIterator[Shop]:
    """A shop in Paris."""
    world = await World.make(services_channel, system, f"tenant{next(_numbers)}")
    async with open_shop(world, url, "Europe/Paris") as shop:
        yield shop


@pytest_asyncio.fixture(loop_scope="module")
async def other_shop(shop: Shop) -> AsyncIterator[Shop]:
    """Another shop of the same account, in Chicago."""
    async with open_shop(shop.world, shop.url, "America/Chicago") as other:
        yield other


@pytest_asyncio.fixture(loop_scope="module")
async def strangers_shop(services_channel: grpc.aio.Channel, system: Metadata, url: str) -> AsyncIterator[Shop]:
    """A shop of another account."""
    world = await World.make(services_channel, system, f"tenant{next(_numbers)}")
    async with open_shop(world, url, "Europe/Paris") as shop:
        yield shop


@asynccontextmanager
async def open_shop(world: World, url: str, time_zone: str) -> AsyncIterator[Shop]:
    """A new location of the world's tenant, with its clients."""
    location = location_pb2.Location(name="Store", time_zone=time_zone, currency_code="EUR")
    made = await world.locations.CreateLocation(
        location_service_pb2.CreateLocationRequest(location=location), metadata=world.account
    )
    local = await world.token(access_pb2.ACCESS_LEVEL_LOCATION, location_id=made.location.id)
    async with client_with(url, local) as at_location, client_with(url, world.account) as at_account:
        yield Shop(world, made.location.id, at_location, at_account, url)
