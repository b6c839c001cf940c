"""A simulator, a server that takes what it posts, and a whole hub that does."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from pydantic import SecretStr

from gateway.dialects.registry import INBOUND
from tests.carriers.front_doors import FrontDoor, open_door
from tests.carriers.hubs import Hub
from tests.carriers.worlds import World, running_simulator
from tests.conftest import SYSTEM_TOKEN
from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import World as Tenant

if TYPE_CHECKING:
    from services.server import Server as Services


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running_simulator() as world:
        yield world


@pytest.fixture
async def door(world: World) -> AsyncIterator[FrontDoor]:
    """All carriers post there."""
    async with open_door() as door:
        for carrier, secret in (
            ("swift", ""),
            ("evergreen", "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0"),
            ("pronto", "the value"),
        ):
            await world.configure(carrier, f"{door.url}/{carrier}", secret)
        yield door


@pytest.fixture
async def hub(server: "Services", channel: grpc.aio.Channel, system: Any) -> AsyncIterator[Hub]:
    tenant = await Tenant.make(channel, system)
    async with (
        running_gateway(server.address, INBOUND, system_token=SecretStr(SYSTEM_TOKEN)) as gateway,
        running_simulator(hub=gateway.url) as simulator,
    ):
        hub = Hub(tenant, simulator)
        await hub.connect(gateway.url)
        yield hub
