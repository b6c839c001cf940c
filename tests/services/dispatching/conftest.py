"""A hub with a clock of its own, a store, and three carriers on real sockets. All tests share one database."""

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from runtime.postgres import EmbeddedPostgres
from services.hub import Hub
from tests.conftest import execute, in_a_thread
from tests.services.dispatching.stages import Theatre

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def database_url(postgres: EmbeddedPostgres, migrated: str) -> Iterator[str]:
    """The address of a migrated database; each test has a tenant of its own in it, and nothing stays due behind it."""
    name = f"dispatches_{next(_numbers)}"
    in_a_thread(lambda: execute(postgres, f"CREATE DATABASE {name} TEMPLATE {migrated} STRATEGY file_copy"))
    yield postgres.url(name)
    in_a_thread(lambda: execute(postgres, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture
async def theatre(hub: Hub) -> AsyncIterator[Theatre]:
    """Everything that a dispatch needs, and nothing that it does by itself."""
    theatre = await Theatre.open(hub)
    yield theatre
    await theatre.close()
