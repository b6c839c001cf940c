"""Servers with servicers of the test's own, and two tenants on the ordinary one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from services.config import Settings
from services.registry import Registration
from services.server import Server
from tests.services.accounts import Account, Metadata, open_account

Serve = Callable[..., Awaitable[tuple[Server, grpc.aio.Channel]]]


@pytest.fixture
async def serve(settings: Settings) -> AsyncIterator[Serve]:
    """Starts a server with these servicers and changed settings, and opens a channel to it."""
    async with AsyncExitStack() as stack:

        async def start(*servicers: Registration, **changed: Any) -> tuple[Server, grpc.aio.Channel]:
            server = await Server.start(settings.model_copy(update=changed), servicers)
            stack.push_async_callback(server.stop, 0)
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(server.address))
            return server, channel

        yield start


@pytest.fixture
async def account(channel: grpc.aio.Channel, system: Metadata) -> Account:
    """A tenant."""
    return await open_account(channel, system, "dummyaccount1")


@pytest.fixture
async def other_account(channel: grpc.aio.Channel, system: Metadata, account: Account) -> Account:
    """Another tenant."""
    return await open_account(channel, system, "dummyaccount2")
