"""Services in this process, whose carriers are a simulator behind a fault proxy."""

from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest

from services.server import Server
from tests.proofs.lives import Lives, running_lives
from tests.services.worlds import Metadata


@pytest.fixture
async def lives(server: Server, channel: grpc.aio.Channel, system: Metadata) -> AsyncIterator[Lives]:
    """Silent bookings are looked up after a second."""
    async with running_lives(channel, system, poll=timedelta(seconds=1)) as lives:
        yield lives
