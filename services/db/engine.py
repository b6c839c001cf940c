"""The way to PostgreSQL: the pool with its limits, and transactions that a cancelled call cannot tear."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.config import Settings

log = structlog.get_logger()

CONNECT_SECONDS = 5.0


class UnsafeDatabase(Exception):
    """PostgreSQL is set up to lose acknowledged writes in a crash."""


def create_engine(settings: Settings, *, pool_size: int | None = None) -> AsyncEngine:
    """A pool of connections. One too many waits ``pool_wait_seconds`` and is then an error, never a hang."""
    milliseconds = int(settings.deadline_seconds * 1000)
    return create_async_engine(
        settings.database_url.get_secret_value(),
        pool_size=pool_size or settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_wait_seconds,
        # The connection used last has the warmest statement cache.
        pool_use_lifo=True,
        # Errors would otherwise quote what people sent.
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_SECONDS,
            # For a database that went away without a word: statement_timeout speaks first.
            "command_timeout": settings.deadline_seconds + 5.0,
            "server_settings": {
                "application_name": "crossdock services",
                "timezone": "UTC",
                "jit": "off",
                "statement_timeout": str(milliseconds),
                "idle_in_transaction_session_timeout": str(2 * milliseconds),
            },
        },
    )


async def require_safe_commits(engine: AsyncEngine, *, allow_unsafe: bool) -> None:
    """Raises UnsafeDatabase where an answered call could be forgotten; with ``allow_unsafe`` only says so."""
    query = sa.text("SELECT current_setting('synchronous_commit'), current_setting('fsync')")
    async with engine.connect() as connection:
        synchronous_commit, fsync = (await connection.execute(query)).one()
    if synchronous_commit != "off" and fsync != "off":
        return
    found = f"synchronous_commit={synchronous_commit}, fsync={fsync}"
    if not allow_unsafe:
        raise UnsafeDatabase(f"PostgreSQL runs with {found} and would lose acknowledged writes in a crash")
    log.warning("acknowledged writes can be lost", synchronous_commit=synchronous_commit, fsync=fsync)


@asynccontextmanager
async def transaction(engine: AsyncEngine, *, commit: bool = True) -> AsyncIterator[AsyncConnection]:
    """A connection in a transaction, which is rolled back on any error, and also without ``commit``.

    The end is never cut short: who is cancelled meanwhile is told after it. So a transaction is committed or not,
    and the connection goes back to the pool whole.
    """
    async with engine.connect() as connection:
        await connection.begin()
        try:
            yield connection
        except BaseException:
            # What went wrong first is the story; a connection that cannot roll back is thrown away.
            with suppress(sa.exc.SQLAlchemyError, OSError):
                await _to_the_end(connection.rollback())
            raise
        await _to_the_end(connection.commit() if commit else connection.rollback())


async def _to_the_end(ending: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(ending)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # looked at, so that nobody complains that it was not
        raise cancelled
    task.result()
