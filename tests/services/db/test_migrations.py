"""The migrations make what `tables` describes, however many processes start at once and whenever one is killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.db import migrations, partitions, schema

ROOT = Path(migrations.__file__).resolve().parents[3]


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    """A pool on an empty database."""
    engine = create_async_engine(empty_database_url)
    yield engine
    await engine.dispose()


def differences(connection: sa.Connection) -> list[object]:
    """What an upgrade would still have to do to the database."""

    def is_no_partition(name: str | None, kind: str, _: object) -> bool:
        starts = tuple(f"{table}_p" for table in schema.PARTITIONED)
        return not (kind == "table" and name and name.startswith(starts)) and name != "alembic_version"

    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True, "include_name": is_no_partition}
    )
    return list(compare_metadata(context, schema.metadata))


async def partitioning(connection: AsyncConnection) -> dict[str, str]:
    """By what the partitioned tables are partitioned, which Alembic does not compare."""
    query = sa.text("SELECT partrelid::regclass::text, pg_get_partkeydef(partrelid) FROM pg_partitioned_table")
    return {row[0]: row[1] for row in await connection.execute(query)}


async def test_a_migrated_database_is_what_the_tables_describe(empty: AsyncEngine) -> None:
    await migrations.upgrade(empty)

    async with empty.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await partitioning(connection) == {
            table: f"RANGE ({column})" for table, column in schema.PARTITIONED.items()
        }
        comments = sa.text("SELECT relname, obj_description(oid) FROM pg_class WHERE relkind IN ('r', 'p')")
        told = {row[0]: row[1] for row in await connection.execute(comments)}
    assert {name: told[name] for name in schema.metadata.tables} == {
        name: table.comment for name, table in schema.metadata.tables.items()
    }


async def test_the_comparison_sees_a_difference(empty: AsyncEngine) -> None:
    await migrations.upgrade(empty)
    async with empty.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE orders ALTER COLUMN status TYPE integer"))
        await connection.execute(sa.text("DROP INDEX deliveries_live_order_key"))

        assert len(await connection.run_sync(differences)) == 2


async def test_processes_that_start_at_once_migrate_once(empty: AsyncEngine) -> None:
    await asyncio.gather(*(_start(empty) for _ in range(8)))

    async with empty.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.scalar(sa.text("SELECT count(*) FROM alembic_version")) == 1
        assert await connection.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")) == 0
    assert await partitions.make_ahead(empty) == []


async def _start(engine: AsyncEngine) -> None:
    await migrations.upgrade(engine)
    await partitions.make_ahead(engine)


async def test_a_killed_migration_leaves_nothing_and_the_next_one_finishes(
    empty: AsyncEngine, empty_database_url: str
) -> None:
    """The first process is killed near its end, while it waits for somebody with a table of the same name."""
    program = (
        "import asyncio, sys\n"
        "from sqlalchemy.ext.asyncio import create_async_engine\n"
        "from services.db import migrations\n"
        "asyncio.run(migrations.upgrade(create_async_engine(sys.argv[1])))\n"
    )
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with empty.connect() as blocker, empty.connect() as watcher, asyncio.timeout(60):
        # An uncommitted table of the same name: CREATE TABLE waits to learn whether it will be there.
        await blocker.execute(sa.text("CREATE TABLE probes (probe int)"))
        killed = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            empty_database_url,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'gen'}"},
        )
        while not await watcher.scalar(waiting):
            await watcher.rollback()
            await asyncio.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
        await killed.wait()
        await blocker.rollback()
    await asyncio.wait_for(migrations.upgrade(empty), 60)

    async with empty.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_alembic_is_loaded_for_a_database_that_is_not_up_to_date_alone(
    empty: AsyncEngine, empty_database_url: str
) -> None:
    program = (
        "import asyncio, sys\n"
        "import services.main\n"
        "from sqlalchemy.ext.asyncio import create_async_engine\n"
        "from services.db import migrations\n"
        "asyncio.run(migrations.upgrade(create_async_engine(sys.argv[1])))\n"
        "print(*({'alembic', 'mako'} & set(sys.modules)))\n"
    )

    async def loaded() -> set[str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            empty_database_url,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'gen'}"},
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0
        return set(said.decode().split())

    assert await loaded() == {"alembic", "mako"}
    assert await loaded() == set()
    async with empty.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == migrations.newest()
