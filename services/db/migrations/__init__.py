"""The history of the schema; brings a database to the newest version and knows nothing of the program's tables.

Any number of processes may start at once, and any may be killed: one migrates at a time, each step in its own
transaction, and the next process goes on after the last step that was committed.
"""

import asyncio
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from services.db.columns import Xid8

LOCK = 0x63726F7373646F01
"""The advisory lock under which the schema is changed."""
_ASK_AGAIN_SECONDS = 0.1

ischema_names["xid8"] = Xid8  # so that a comparison of a database with the tables knows the type


async def upgrade(engine: AsyncEngine) -> None:
    """Brings the engine's database to the newest version, over a connection of its own that has no time-outs."""
    own = create_async_engine(engine.url, poolclass=NullPool, connect_args={"timeout": 5.0})
    try:
        async with own.connect() as connection:
            if await _version(connection) == newest():
                return
            await connection.rollback()
            await _lock(connection)
            try:
                await connection.run_sync(_upgrade)
            finally:
                await connection.execute(sa.select(sa.func.pg_advisory_unlock(LOCK)))
                await connection.commit()
    finally:
        await own.dispose()


def newest() -> str:
    """The version that this program knows last, by the names of its files."""
    return max(path.name.partition("_")[0] for path in (Path(__file__).parent / "versions").glob("[0-9]*_*.py"))


async def _version(connection: AsyncConnection) -> str:
    """The database's; empty when it has none yet."""
    if await connection.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
        return ""
    return await connection.scalar(sa.text("SELECT version_num FROM alembic_version")) or ""


async def _lock(connection: AsyncConnection) -> None:
    """Asks again and again: a statement that waits for a lock would hold up CREATE INDEX CONCURRENTLY."""
    while True:
        got = await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(LOCK)))
        await connection.commit()
        if got:
            return
        await asyncio.sleep(_ASK_AGAIN_SECONDS)


def _upgrade(connection: sa.Connection) -> None:
    # Here, because Alembic takes 7 MiB, and most processes find a database that needs none of it.
    from alembic import command
    from alembic.config import Config

    config = Config()  # all that an alembic.ini would say
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
