"""Owns a PostgreSQL server embedded in the calling process: one data folder, one server; knows nothing of
what is stored in it.

PostgreSQL refuses to run as root, so under root it runs as `nobody`, who may be unable to walk to the data
folder. It is therefore handed the open folder (`/proc/self/fd/…`), which needs no permission on any parent.
"""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TypeVar

import asyncpg

from runtime.postgres_binaries import Binaries, find_binaries
from runtime.postgres_clusters import (
    SUPERUSER,
    DataFolderInUse,
    PostgresNotStarted,
    clear_remains,
    cluster_version,
    handed_over,
    lock_folder,
    make_cluster,
    read_kept,
    server_environment,
    unprivileged_user,
)
from runtime.postgres_process import PostgresProcess
from runtime.tethers import User, tethered

__all__ = ["DataFolderInUse", "EmbeddedPostgres", "PostgresNotStarted"]

T = TypeVar("T")

BIND_ATTEMPTS = 3

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # our statements are short: compiling them costs more than it saves
    # Inside the data folder: nothing is left in /dev/shm, whose size containers limit.
    "dynamic_shared_memory_type": "mmap",
    # What people type ends up in failing statements and in the DETAIL of errors: neither belongs in a log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A running server. All methods block: call them through `asyncio.to_thread` where that matters."""

    def __init__(self, data_dir: Path, lock: IO[str], process: PostgresProcess, port: int, password: str) -> None:
        self.data_dir = data_dir
        self.port = port
        self._lock = lock
        self._process = process
        self._password = password

    @classmethod
    def start(
        cls, data_dir: str | Path, *, durable: bool = True, settings: Mapping[str, str] = {}
    ) -> "EmbeddedPostgres":
        """Start the server of `data_dir`, making both if needed; returns when a connection succeeds.

        `durable=False` gives up crash safety for speed, in tests. `settings` are PostgreSQL's and override
        ours.
        """
        data_dir = Path(data_dir).absolute()
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = lock_folder(data_dir)
        try:
            return cls._start_locked(data_dir, lock, durable, settings)
        except BaseException:
            lock.close()
            raise

    @classmethod
    def _start_locked(
        cls, data_dir: Path, lock: IO[str], durable: bool, settings: Mapping[str, str]
    ) -> "EmbeddedPostgres":
        user = unprivileged_user()
        cluster = data_dir / "cluster"
        clear_remains(cluster)
        binaries = find_binaries(major=cluster_version(cluster), user=user)
        if not cluster.exists():
            make_cluster(data_dir, binaries, user, durable)
        password = read_kept(data_dir / "password", "the server's password")
        chosen = {**SETTINGS, **({} if durable else NOT_DURABLE), **settings}
        remembered = data_dir / "port"
        attempts = 0
        while True:
            port = _free_port(remembered if attempts == 0 else None)
            process = _launch(data_dir, binaries, user, {**chosen, "port": str(port)})
            server = cls(data_dir, lock, process, port, password)
            if server._became_ready():
                _RUNNING.add(server)
                _remember(port, remembered)
                return server
            attempts += 1
            if attempts == BIND_ATTEMPTS or "Address already in use" not in process.last_lines():
                raise PostgresNotStarted(f"PostgreSQL ended while starting:\n{process.last_lines()}")

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    def url(self, database: str) -> str:
        """SQLAlchemy's address of `database`. It contains the password."""
        return f"postgresql+asyncpg://{SUPERUSER}:{self._password}@127.0.0.1:{self.port}/{database}"

    def ensure_database(self, name: str) -> None:
        """Make database `name` unless it is there."""

        async def create(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
            if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                return
            quoted = name.replace('"', '""')
            with contextlib.suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await connection.execute(f'CREATE DATABASE "{quoted}"')

        self._run(create)

    def stop(self, grace_seconds: float = 30.0) -> None:
        """Cut the connections, write a checkpoint and end; after `grace_seconds` end at once."""
        self._end(signal.SIGINT, grace_seconds)

    def stop_immediately(self) -> None:
        """End as in a power cut, without checkpoint: the next start recovers from the write-ahead log."""
        self._end(signal.SIGQUIT, 10.0)

    def _end(self, wish: signal.Signals, grace_seconds: float) -> None:
        self._process.end(wish, grace_seconds)
        clear_remains(self.data_dir / "cluster")
        self._lock.close()
        _RUNNING.discard(self)

    def _run(self, action: Callable[["asyncpg.Connection[asyncpg.Record]"], Awaitable[T]]) -> T:
        async def connected() -> T:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=self.port, user=SUPERUSER, password=self._password,
                database="postgres", ssl=False, timeout=10,
            )  # fmt: skip
            try:
                return await action(connection)
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:  # the caller's thread may have a running loop of its own
            return thread.submit(asyncio.run, connected()).result()

    def _became_ready(self) -> bool:
        """Recovery after a crash takes as long as it takes: there is no deadline while the server lives."""

        async def ask(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
            await connection.execute("SELECT 1")

        while self._process.running:
            try:
                self._run(ask)
            except (OSError, TimeoutError, asyncpg.CannotConnectNowError):
                time.sleep(0.02)
            except asyncpg.PostgresError as error:
                self._process.end(signal.SIGINT, 10.0)
                raise PostgresNotStarted(f"PostgreSQL runs but refuses us: {error}") from error
            except BaseException:
                self._process.end(signal.SIGQUIT, 10.0)
                raise
            else:
                return True
        return False


# A server runs on when its owner forgets it, and so must the lock of its folder, which closes when collected.
_RUNNING: set[EmbeddedPostgres] = set()


def _launch(data_dir: Path, binaries: Binaries, user: User | None, settings: Mapping[str, str]) -> PostgresProcess:
    with handed_over(data_dir / "cluster") as (folder, fd):
        argv = [binaries.path("postgres"), "-D", folder]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        command = tethered(argv, on_parent_death=signal.SIGINT, user=user)
        return PostgresProcess(command, server_environment(), fd, data_dir / "postgres.log")


def _remember(port: int, remembered: Path) -> None:
    """Where a full disk forbids it the server serves nevertheless, and its next start may take another port."""
    line = f"{port}\n"
    with contextlib.suppress(OSError):
        if not remembered.exists() or remembered.read_text() != line:
            remembered.write_text(line)


def _free_port(remembered: Path | None) -> int:
    """The port of the last start if it is free, so that clients find the server again; else any."""
    wishes = [0]
    if remembered is not None:
        with contextlib.suppress(OSError, ValueError):
            wishes = [int(remembered.read_text()), 0]
    for wish in wishes:
        with socket.socket() as probe, contextlib.suppress(OSError, OverflowError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", wish))
            return int(probe.getsockname()[1])
    raise PostgresNotStarted("there is no free TCP port on 127.0.0.1")
