"""A simulator, and a server that takes what it posts."""

from collections.abc import AsyncIterator

import pytest

from tests.carriers.front_doors import FrontDoor, open_door
from tests.carriers.worlds import World, running_simulator


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
