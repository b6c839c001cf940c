"""The history of the schema; brings a database to the newest version and knows nothing of the program's tables.

Any number of processes may start at once, and any may be killed: one migrates at a time, each step in its own
transaction, and the next process goes on after the last step that was committed.
"""

import asyncio
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from services.db.columns import Xid8

LOCK = 0x63726F7373646F01
"""The advisory lock under which the schema is changed."""
_ASK_AGAIN_SECONDS = 0.1

ischema_names["xid8"] = Xid8  # so that a comparison of a database with the tables knows the type


def configuration() -> Config:
    """Alembic's configuration: all that an alembic.ini would say."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """Brings the engine's database to the revision, over a connection of its own that has no time-outs."""
    own = create_async_engine(engine.url, poolclass=NullPool, connect_args={"timeout": 5.0})
    try:
        async with own.connect() as connection:
            await _lock(connection)
            try:
                await connection.run_sync(_upgrade, revision)
            finally:
                await connection.execute(sa.select(sa.func.pg_advisory_unlock(LOCK)))
                await connection.commit()
    finally:
        await own.dispose()


async def _lock(connection: AsyncConnection) -> None:
    """Asks again and again: a statement that waits for a lock would hold up CREATE INDEX CONCURRENTLY."""
    while True:
        got = await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(LOCK)))
        await connection.commit()
        if got:
            return
        await asyncio.sleep(_ASK_AGAIN_SECONDS)


def _upgrade(connection: sa.Connection, revision: str) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
