"""One embedded PostgreSQL for the whole run, a fresh migrated database per test, a real server on top of it."""

import asyncio
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

# Tests start programs while gRPC runs; its preparations for a fork crash the child now and then.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
# Whoever needs a proxy to reach the world needs none for this machine.
os.environ["no_proxy"] = "*"

import asyncpg
import grpc
import pytest
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as examples

from runtime import logging
from runtime.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from services.config import Settings
    from services.hub import Hub
    from services.server import Server

T = TypeVar("T")

# The same examples on every machine, however slow it is. HYPOTHESIS_PROFILE=search looks for others.
_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
examples.register_profile("same", derandomize=True, **_PATIENT)  # type: ignore[arg-type]
examples.register_profile("search", **_PATIENT)  # type: ignore[arg-type]
examples.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

TESTS = Path(__file__).parent
SYSTEM_TOKEN = "the deployment's own key in tests"
TEMPLATE = "migrated"
MEMORY, ROOM_BYTES = Path("/dev/shm"), 3 << 30
LONG_ONES = ("proofs", "openapi", "transcode", "cli")
"""Folders with files that take long; they begin first, so that no process ends with one while the others idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the long ones first and leaves the others in their order."""

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(TESTS).parts[0]
        return LONG_ONES.index(folder) if folder in LONG_ONES else len(LONG_ONES)

    items.sort(key=place)


def in_a_thread(make: Callable[[], Awaitable[T]]) -> T:
    """Runs a coroutine for a fixture that is not asynchronous, whatever loop may be running."""

    async def run() -> T:
        return await make()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


async def execute(postgres: EmbeddedPostgres, statement: str) -> None:
    """Runs a statement on the server, outside of any test's database."""
    connection = await asyncpg.connect(postgres.url("postgres").replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """As a process logs; structlog's own default would take a tenth of a second to paint each traceback."""
    logging.configure("tests", console=False)
    structlog.configure(cache_logger_on_first_use=False)  # so that tests can capture what any logger says


@contextmanager
def quick_folder(otherwise: Path) -> Iterator[Path]:
    """A folder in memory where there is room for it.

    ext4 takes longer for each new file the more were removed lately: a database is made in 15 ms in memory, and there
    in 400 ms after some hundred tests.
    """
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM_BYTES:
        yield otherwise
        return
    for left in MEMORY.glob("crossdock-tests-*"):  # by runs that were killed
        if time.time() - left.stat().st_mtime > 86_400:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="crossdock-tests-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server that is quick because it need not survive a crash."""
    # A small cache: copying and dropping databases looks through all of it.
    settings = {"max_connections": "200", "shared_buffers": "32MB", "wal_init_zero": "off", "max_wal_size": "128MB"}
    with quick_folder(tmp_path_factory.mktemp("postgres")) as folder:
        server = EmbeddedPostgres.start(folder, durable=False, settings=settings)
        yield server
        server.stop_immediately()


@pytest.fixture(scope="session")
def migrated(postgres: EmbeddedPostgres) -> str:
    """The name of a database with the newest schema and this week's partitions, to be copied."""
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    from services.db import partitions
    from services.db.migrations import upgrade

    async def migrate() -> None:
        engine = create_async_engine(postgres.url(TEMPLATE), poolclass=NullPool)
        await upgrade(engine)
        await partitions.make_ahead(engine)
        await engine.dispose()

    postgres.ensure_database(TEMPLATE)
    in_a_thread(migrate)
    return TEMPLATE


_numbers = itertools.count(1)


@pytest.fixture
async def empty_database_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """The address of a database of the test's own with nothing in it."""
    name = f"test_{next(_numbers)}"
    await execute(postgres, f"CREATE DATABASE {name} STRATEGY file_copy")
    yield postgres.url(name)
    await execute(postgres, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
async def database_url(postgres: EmbeddedPostgres, migrated: str) -> AsyncIterator[str]:
    """The address of a migrated database of the test's own."""
    name = f"test_{next(_numbers)}"
    await execute(postgres, f"CREATE DATABASE {name} TEMPLATE {migrated} STRATEGY file_copy")
    yield postgres.url(name)
    await execute(postgres, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> "Settings":
    """What the test's server is told. Change a copy: ``settings.model_copy(update={…})``."""
    from pydantic import SecretStr

    from services.config import Settings

    for name in [name for name in os.environ if name.startswith("CROSSDOCK_")]:
        monkeypatch.delenv(name)
    return Settings(
        database_url=SecretStr(database_url),
        encryption_key=SecretStr("11" * 32),
        system_token=SecretStr(SYSTEM_TOKEN),
        grpc="127.0.0.1:0",
        metrics="",
        allow_unsafe_commits=True,
        carriers_allow="localhost,127.0.0.0/8",
        notice_seconds=0,
        grace_seconds=60,
        # What a busy machine needs is no fault.
        deadline_seconds=120,
        pool_wait_seconds=60,
    )


@pytest.fixture
async def engine(settings: "Settings") -> AsyncIterator["AsyncEngine"]:
    """A pool on the test's database."""
    from services.db.engine import create_engine

    engine = create_engine(settings)
    yield engine
    await engine.dispose()


@pytest.fixture
async def hub(settings: "Settings", engine: "AsyncEngine") -> AsyncIterator["Hub"]:
    """What servicers share, without a server: for tests one step below the wire."""
    from services.hub import make_hub

    hub = make_hub(settings, engine)
    yield hub
    await hub.close()


@pytest.fixture
async def server(settings: "Settings") -> AsyncIterator["Server"]:
    """All servicers, served over loopback."""
    from services.server import Server

    server = await Server.start(settings)
    yield server
    await server.stop(0)


@pytest.fixture
async def channel(server: "Server") -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the server, without credentials: see ``system``."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture
def system() -> tuple[tuple[str, str], ...]:
    """The metadata with which the deployment itself calls; add ``("x-crossdock-tenant", id)`` for a tenant."""
    return (("authorization", f"Bearer {SYSTEM_TOKEN}"),)
