import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from runtime.postgres import DataFolderInUse, EmbeddedPostgres, PostgresNotStarted
from runtime.postgres_clusters import unprivileged_user

ROOT = Path(__file__).parents[2]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="about running as root")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all tests that leave it usable; under root its parents are closed to nobody."""
    return tmp_path_factory.mktemp("postgres") / "not yet" / "data"


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres.start(data_dir, durable=False)
    yield server
    server.stop()


def ask(server: EmbeddedPostgres, *statements: str, database: str = "postgres") -> Any:
    """The value that the last statement gives."""

    async def run() -> Any:
        connection = await asyncpg.connect(server.url(database).replace("+asyncpg", ""))
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(run())


def until(fact: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def shared_memory_of(pid: int) -> list[str]:
    rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[4] == str(pid)]


def test_a_server_answers_and_its_data_survive_a_restart(data_dir: Path) -> None:
    server = EmbeddedPostgres.start(data_dir)
    server.ensure_database("hub")
    ask(
        server,
        "DROP TABLE IF EXISTS t",
        "CREATE TABLE t (n int)",
        "INSERT INTO t VALUES (7)",
        "SELECT 1",
        database="hub",
    )
    port = server.port
    server.stop()
    assert not server.running

    again = EmbeddedPostgres.start(data_dir)
    try:
        assert ask(again, "SELECT n FROM t", database="hub") == 7
        assert again.port == port
    finally:
        again.stop()


def test_a_server_whose_port_cannot_be_remembered_serves_and_is_ended_by_its_owner(data_dir: Path) -> None:
    (data_dir / "port").unlink(missing_ok=True)
    (data_dir / "port").mkdir(parents=True)
    try:
        server = EmbeddedPostgres.start(data_dir)
        try:
            assert ask(server, "SELECT 7") == 7
        finally:
            server.stop()
    finally:
        (data_dir / "port").rmdir()


def test_making_a_database_twice_is_once(server: EmbeddedPostgres) -> None:
    for _ in range(2):
        server.ensure_database('Quoted "name"')

    assert ask(server, "SELECT count(*) FROM pg_database WHERE datname = 'Quoted \"name\"'") == 1


async def test_it_can_be_used_inside_of_a_running_loop(server: EmbeddedPostgres) -> None:
    server.ensure_database("inside")

    await asyncio.to_thread(server.ensure_database, "inside")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
        ("max_connections", "100"),
        ("listen_addresses", "127.0.0.1"),
    ],
)
def test_settings_are_as_the_hub_needs_them(server: EmbeddedPostgres, setting: str, value: str) -> None:
    assert ask(server, f"SHOW {setting}") == value


def test_case_is_unicodes(server: EmbeddedPostgres) -> None:
    assert ask(server, "SELECT lower('ÄÖÜ')") == "äöü"


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_durability_is_on_unless_given_up(data_dir: Path, setting: str) -> None:
    durable = EmbeddedPostgres.start(data_dir)
    with_it = ask(durable, f"SHOW {setting}")
    durable.stop()
    careless = EmbeddedPostgres.start(data_dir, durable=False)
    without_it = ask(careless, f"SHOW {setting}")
    careless.stop()

    assert (with_it, without_it) == ("on", "off")


def test_a_callers_setting_wins(data_dir: Path) -> None:
    server = EmbeddedPostgres.start(data_dir, settings={"max_connections": "30"})
    try:
        assert ask(server, "SHOW max_connections") == "30"
    finally:
        server.stop()


async def test_without_the_password_nobody_comes_in(server: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host="127.0.0.1", port=server.port, user="crossdock", password="guess", database="postgres"
        )


def test_the_password_is_for_its_owners_eyes(server: EmbeddedPostgres) -> None:
    mode = (server.data_dir / "password").stat().st_mode

    assert stat.S_IMODE(mode) == 0o600
    password = (server.data_dir / "password").read_text().strip()
    assert password in server.url("postgres")
    assert password not in (server.data_dir / "postgres.log").read_text()


def test_failing_statements_and_their_values_stay_out_of_the_log(server: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        ask(
            server,
            "CREATE TEMP TABLE t (phone text PRIMARY KEY)",
            "INSERT INTO t VALUES ('canary')",
            "INSERT INTO t VALUES ('canary')",
        )
    server.stop()

    assert "canary" not in (server.data_dir / "postgres.log").read_text()


def test_a_second_start_on_a_live_folder_is_refused_and_harms_nothing(server: EmbeddedPostgres) -> None:
    with pytest.raises(DataFolderInUse, match=rf"is in use by process {os.getpid()}"):
        EmbeddedPostgres.start(server.data_dir)

    assert ask(server, "SELECT 1") == 1


@pytest.mark.parametrize("end", ["stop_immediately", "kill"])
def test_committed_data_survive_a_crash_of_the_server(data_dir: Path, end: str) -> None:
    server = EmbeddedPostgres.start(data_dir)
    pid = server.pid
    ask(
        server,
        "CREATE TABLE IF NOT EXISTS crashes (how text)",
        f"INSERT INTO crashes VALUES ('{end}')",
        "SELECT 1",
    )
    if end == "kill":
        os.kill(pid, signal.SIGKILL)
        until(lambda: not server.running)
        server.stop()
    else:
        server.stop_immediately()
    assert shared_memory_of(pid) == []

    again = EmbeddedPostgres.start(data_dir)
    try:
        assert ask(again, f"SELECT count(*) FROM crashes WHERE how = '{end}'") == 1
    finally:
        again.stop()


def test_a_stale_pid_file_whose_number_is_in_use_stops_nothing(data_dir: Path) -> None:
    server = EmbeddedPostgres.start(data_dir, durable=False)
    server.stop()
    user = unprivileged_user()
    stranger = subprocess.Popen(["sleep", "60"], user=user.uid if user else None)
    try:
        lines = f"{stranger.pid}\n/somewhere\n0\n{server.port}\n\nlocalhost\n  1 1\nready\n"
        (data_dir / "cluster" / "postmaster.pid").write_text(lines)

        again = EmbeddedPostgres.start(data_dir, durable=False)

        again.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


PARENT = """
import gc, sys, threading
from runtime.postgres import EmbeddedPostgres
pids = []
def start():
    pids.append(EmbeddedPostgres.start(sys.argv[1]).pid)
thread = threading.Thread(target=start)
thread.start()
thread.join()  # the server outlives the thread that asked for it, and nobody holds its object
gc.collect()
print(*pids, flush=True)
sys.stdin.read()
"""


def test_nothing_is_left_when_the_parent_is_killed_and_the_next_start_takes_over(data_dir: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(data_dir)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert runs(pid)
        with pytest.raises(DataFolderInUse, match=f"process {parent.pid}"):
            EmbeddedPostgres.start(data_dir)
        parent.kill()

    server = EmbeddedPostgres.start(data_dir)  # at once: it waits for the old server's end
    try:
        assert not runs(pid)
        assert shared_memory_of(pid) == []
        assert ask(server, "SELECT 1") == 1
    finally:
        server.stop()


def test_a_start_waits_while_the_server_of_a_killed_parent_still_shuts_down(data_dir: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(data_dir)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(pid, signal.SIGSTOP)  # a shutdown that takes long
        parent.kill()

    with ThreadPoolExecutor(1) as thread:
        start = thread.submit(EmbeddedPostgres.start, data_dir)
        try:
            with pytest.raises(TimeoutError):
                start.result(timeout=1)
        finally:
            os.kill(pid, signal.SIGCONT)

        server = start.result(timeout=60)

    server.stop()
    assert not runs(pid)


def test_a_port_taken_meanwhile_is_exchanged_for_another(data_dir: Path) -> None:
    EmbeddedPostgres.start(data_dir, durable=False).stop()
    with socket.create_server(("127.0.0.1", int((data_dir / "port").read_text()))) as taken:
        server = EmbeddedPostgres.start(data_dir, durable=False)
        try:
            assert server.port != taken.getsockname()[1]
        finally:
            server.stop()


def test_a_half_made_cluster_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "cluster.partial").mkdir()
    (tmp_path / "cluster.partial" / "PG_VERSION").write_text("18\n")
    (tmp_path / "password").write_text("of the killed attempt")

    server = EmbeddedPostgres.start(tmp_path, durable=False)

    server.stop()
    assert not (tmp_path / "cluster.partial").exists()


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    with pytest.raises(PostgresNotStarted, match="max_connections"):
        EmbeddedPostgres.start(data_dir, settings={"max_connections": "many"})

    EmbeddedPostgres.start(data_dir).stop()  # and the folder is free again


def test_a_lost_password_is_told(tmp_path: Path) -> None:
    EmbeddedPostgres.start(tmp_path, durable=False).stop()
    (tmp_path / "password").unlink()

    with pytest.raises(PostgresNotStarted, match="the server's password, is missing"):
        EmbeddedPostgres.start(tmp_path)


@needs_root
def test_under_root_the_server_is_nobody_and_no_parent_changes(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    parents = [closed, *closed.parents]
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in parents]

    server = EmbeddedPostgres.start(closed / "data", durable=False)

    try:
        assert "\nUid:\t65534\t65534\t65534\t65534\n" in Path(f"/proc/{server.pid}/status").read_text()
        assert [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in parents] == before
    finally:
        server.stop()


DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


@pytest.mark.skipif(not DEBIAN, reason="Debian's PostgreSQL is not installed")
def test_debians_postgresql_serves_too_and_keeps_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSDOCK_POSTGRES_BIN", str(DEBIAN[0].parent))
    EmbeddedPostgres.start(tmp_path, durable=False).stop()
    monkeypatch.delenv("CROSSDOCK_POSTGRES_BIN")

    server = EmbeddedPostgres.start(tmp_path, durable=False)  # by the version that made the folder

    try:
        assert int(ask(server, "SHOW server_version_num")) // 10000 == int(DEBIAN[0].parts[-3])
    finally:
        server.stop()
