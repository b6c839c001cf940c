"""Carriers on real sockets for the tests of the directory and of the calls."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import grpc
import pytest

from tests.services.carriers.speakers import Speaker
from tests.services.worlds import World


@pytest.fixture
async def carrier() -> AsyncIterator[Callable[..., Awaitable[Speaker]]]:
    """Makes carriers that are served until the test ends."""
    servers: list[grpc.aio.Server] = []

    async def make(ref: str = "sim-a") -> Speaker:
        speaker = Speaker(ref, lambda: datetime.now(UTC))
        servers.append(await speaker.start())
        return speaker

    yield make
    for server in servers:
        await server.stop(0)


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: tuple[tuple[str, str], ...]) -> World:
    """A tenant on a server."""
    return await World.make(channel, system)
