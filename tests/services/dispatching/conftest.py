"""A hub with a clock of its own, a store, and three carriers on real sockets."""

from collections.abc import AsyncIterator

import pytest

from services.hub import Hub
from tests.services.dispatching.stages import Theatre


@pytest.fixture
async def theatre(hub: Hub) -> AsyncIterator[Theatre]:
    """Everything that a dispatch needs, and nothing that it does by itself."""
    theatre = await Theatre.open(hub)
    yield theatre
    await theatre.close()
