"""Carriers on real sockets for the tests of the directory and of the calls."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import grpc
import pytest
from crossdock.v1.carrier_service_pb2_grpc import add_CarrierServiceServicer_to_server

from tests.services.carriers.speakers import Speaker
from tests.services.worlds import World


@pytest.fixture
async def carrier() -> AsyncIterator[Callable[..., Awaitable[Speaker]]]:
    """Makes carriers that are served until the test ends."""
    servers: list[grpc.aio.Server] = []

    async def make(ref: str = "sim-a", credentials: grpc.ServerCredentials | None = None) -> Speaker:
        speaker = Speaker(ref, lambda: datetime.now(UTC))
        server = await speaker.start()
        if credentials is not None:
            await server.stop(0)
            server = grpc.aio.server()
            add_CarrierServiceServicer_to_server(speaker, server)
            speaker.carrier.address = f"127.0.0.1:{server.add_secure_port('127.0.0.1:0', credentials)}"
            await server.start()
        servers.append(server)
        return speaker

    yield make
    for server in servers:
        await server.stop(0)


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: tuple[tuple[str, str], ...]) -> World:
    """A tenant on a server."""
    return await World.make(channel, system)
