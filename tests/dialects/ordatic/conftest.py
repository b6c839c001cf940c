from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest
from pydantic import SecretStr

from gateway.dialects.registry import INBOUND
from tests.conftest import SYSTEM_TOKEN
from tests.dialects.ordatic.lives import Ordatic, source_of
from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import World

if TYPE_CHECKING:
    from services.server import Server as Services


@pytest.fixture
async def hub_client(server: "Services") -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_gateway(server.address, INBOUND, system_token=SecretStr(SYSTEM_TOKEN)) as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=60) as client,
    ):
        yield client


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: tuple[tuple[str, str], ...]) -> World:
    return await World.make(channel, system)


@pytest.fixture
async def ordatic(world: World, hub_client: httpx.AsyncClient) -> Ordatic:
    """For the one store, and free to make orders and deliveries known."""
    return await source_of(world, hub_client, location_id=world.location_id)
