"""A stand-in for the services, a gateway in front of it, and a client of that; a file's own fixtures win."""

from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.server import Server
from tests.gateway.webhook_services import StandIn, running_gateway, serve_stand_in


@pytest.fixture
def services() -> StandIn:
    return StandIn()  # type: ignore[abstract]  # methods that no test calls are not there


@pytest.fixture
async def address(services: StandIn) -> AsyncIterator[str]:
    server, port = await serve_stand_in(services)
    yield f"127.0.0.1:{port}"
    services.gate.set()
    await server.stop(0)


@pytest.fixture
async def gateway(address: str) -> AsyncIterator[Server]:
    # A source is remembered for longer than a test takes on the slowest machine.
    async with running_gateway(address, source_seconds=300) as gateway:
        yield gateway


@pytest.fixture
async def client(gateway: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=60) as client:
        yield client
