"""Owns the embedded PostgreSQL of a hub: started first, watched, started again when it dies; knows no schema."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from cli.hub.problems import HubNotStarted
from runtime.postgres import DataFolderInUse, EmbeddedPostgres, PostgresNotStarted
from runtime.postgres_binaries import PostgresNotFound

DATABASE = "crossdock"
LOOK_SECONDS = 0.2
FIRST_WAIT_SECONDS = 0.2
MOST_WAIT_SECONDS = 10.0
HEALTHY_SECONDS = 60.0

log = structlog.get_logger()


class WatchedPostgres:
    """PostgreSQL on a data folder for as long as the hub runs."""

    def __init__(self, data_dir: Path, server: EmbeddedPostgres, moved: Callable[[], Awaitable[None]]) -> None:
        self._data_dir = data_dir
        self._server = server
        self._moved = moved
        self._watching = asyncio.create_task(self._watch(), name="watches PostgreSQL")

    @classmethod
    async def start(cls, data_dir: Path, moved: Callable[[], Awaitable[None]]) -> "WatchedPostgres":
        """`moved` is called when a restart could not have the port of before. Raises HubNotStarted."""
        return cls(data_dir, await asyncio.to_thread(_start, data_dir), moved)

    @property
    def url(self) -> str:
        return self._server.url(DATABASE)

    @property
    def pid(self) -> int:
        return self._server.pid

    async def stop(self, *, hurried: bool) -> None:
        """End it, at once and without checkpoint when hurried: the next start recovers."""
        self._watching.cancel()
        await asyncio.wait([self._watching])
        await asyncio.to_thread(self._server.stop_immediately if hurried else self._server.stop)

    async def _watch(self) -> None:
        wait, started = FIRST_WAIT_SECONDS, time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._server.running:
                continue
            if time.monotonic() - started > HEALTHY_SECONDS:
                wait = FIRST_WAIT_SECONDS
            log.error("PostgreSQL ended", restarts_in_seconds=wait)
            await asyncio.sleep(wait)
            wait, started = min(MOST_WAIT_SECONDS, wait * 2), time.monotonic()
            await self._restart()

    async def _restart(self) -> None:
        port = self._server.port
        # Shielded: a cancelled start must not leave a server that nobody knows.
        starting = asyncio.ensure_future(asyncio.to_thread(self._start_again))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait([starting])
            raise
        except (HubNotStarted, PostgresNotStarted, OSError) as error:
            log.error("PostgreSQL did not start", error=str(error))  # noqa: TRY400  the message says it all
            return
        log.info("PostgreSQL restarted", pid=self._server.pid)
        if self._server.port != port:
            await self._moved()

    def _start_again(self) -> None:
        self._server.stop()
        self._server = _start(self._data_dir)


def _start(data_dir: Path) -> EmbeddedPostgres:
    try:
        server = EmbeddedPostgres.start(data_dir)
    except DataFolderInUse as error:
        raise HubNotStarted(str(error)) from error
    except PostgresNotFound as error:
        raise HubNotStarted(str(error)) from error
    except (PostgresNotStarted, OSError) as error:
        raise HubNotStarted(f"{error}\nIts log is {data_dir / 'postgres.log'}") from error
    server.ensure_database(DATABASE)
    return server
