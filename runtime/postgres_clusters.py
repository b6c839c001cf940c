"""Owns the data folder of an embedded PostgreSQL: its lock, its making, its cleaning after a crash; runs no
server.

It holds `cluster` (PostgreSQL's own files), `password`, `port`, `lock` and `postgres.log`. Nothing outside of
it is changed.
"""

import contextlib
import ctypes
import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from runtime.postgres_binaries import Binaries
from runtime.tethers import User, tethered

SUPERUSER = "crossdock"
ORPHAN_SECONDS = 30.0  # a predecessor whose parent died may still be writing its shutdown checkpoint


class PostgresNotStarted(Exception):
    """The server could not be started; the message says why."""


class DataFolderInUse(PostgresNotStarted):
    """Another process runs a server on this data folder."""


def lock_folder(data_dir: Path) -> IO[str]:
    """Held as long as the server is ours; the kernel lets go of it when we die."""
    lock = (data_dir / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = lock.read().strip()
        lock.close()
        raise DataFolderInUse(f"{data_dir} is in use by process {owner or 'unknown'}, which runs its server") from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def unprivileged_user() -> User | None:
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise PostgresNotStarted("PostgreSQL cannot run as root, and there is no user named nobody") from None
    return User(nobody.pw_uid, nobody.pw_gid)


def clear_remains(cluster: Path) -> None:
    """After this nothing of an earlier server is left: no process, no shared memory, no `postmaster.pid`.

    We hold the lock, so whatever still works in the cluster is a server whose parent died. It was told to
    end; we wait for it. PostgreSQL itself would take a stale `postmaster.pid` for a living server when its
    number is in use again by anything.
    """
    if sys.platform != "linux":
        return  # PostgreSQL's own checks have to do
    began = time.monotonic()
    while orphans := list(_processes_in(cluster)):
        if time.monotonic() - began > ORPHAN_SECONDS:
            raise DataFolderInUse(f"PostgreSQL processes {orphans}, which are not ours, still work in {cluster}")
        time.sleep(0.02)
    pid_file = cluster / "postmaster.pid"
    if pid_file.exists():
        lines = pid_file.read_text().splitlines()
        if len(lines) > 6:
            _remove_shared_memory(*lines[6].split(), creator=lines[0].strip())
        pid_file.unlink()


def _remove_shared_memory(key: str, identifier: str, *, creator: str) -> None:
    """Only if it is what `postmaster.pid` means: after a reboot the same number is a stranger's."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]:
            found_key, found_identifier, _, _, found_creator, _, attached, *_ = line.split()
            if (found_key, found_identifier, found_creator, attached) == (key, identifier, creator, "0"):
                ctypes.CDLL(None).shmctl(int(identifier), 0, None)  # 0 is IPC_RMID


def _processes_in(cluster: Path) -> Iterator[int]:
    """Every PostgreSQL process works in its cluster's folder."""
    if not cluster.is_dir():
        return
    ours = cluster.stat()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # ended meanwhile, or another user's
                if (entry / "comm").read_text().strip() not in ("postgres", "postmaster"):
                    continue  # somebody's shell may well stand there
                if os.path.samestat((entry / "cwd").stat(), ours):
                    yield int(entry.name)


def cluster_version(cluster: Path) -> int | None:
    if not cluster.exists():
        return None
    return int(read_kept(cluster / "PG_VERSION", "the version that made the cluster"))


def read_kept(path: Path, what: str) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        raise PostgresNotStarted(f"{path}, which holds {what}, is missing") from None


def make_cluster(data_dir: Path, binaries: Binaries, user: User | None, durable: bool) -> None:
    """Made under another name and renamed, so that a killed attempt leaves nothing that looks whole."""
    partial = data_dir / "cluster.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    password = data_dir / "password"
    password.unlink(missing_ok=True)
    with open(password, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(f"{secrets.token_urlsafe(32)}\n")
    if user:
        os.chown(partial, user.uid, user.gid)
        os.chown(password, user.uid, user.gid)
    options = ["--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"]
    if binaries.major >= 17:
        options += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]
    else:
        options += ["--locale", "C.UTF-8"]
    if binaries.major >= 16:
        # Many rounds make short passwords costly to guess. Ours has 256 random bits, and each connection
        # would pay for the rounds.
        options += ["--set", "scram_iterations=1"]
    if not durable:
        options += ["--no-sync"]
    with handed_over(partial) as (folder, folder_fd), handed_over(password) as (secret, secret_fd):
        argv = [binaries.path("initdb"), "--pgdata", folder, "--pwfile", secret, *options]
        made = subprocess.run(
            tethered(argv, user=user), env=server_environment(), cwd="/", pass_fds=[folder_fd, secret_fd],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
    if made.returncode != 0:
        raise PostgresNotStarted(f"initdb could not make {partial}:\n{(made.stderr or made.stdout).strip()}")
    partial.rename(data_dir / "cluster")
    if durable:
        with handed_over(data_dir) as (_, fd):
            os.fsync(fd)


@contextlib.contextmanager
def handed_over(path: Path) -> Iterator[tuple[str, int]]:
    """A name of `path` for a program that inherits the descriptor, whatever the parents' permissions."""
    fd = os.open(path, os.O_RDONLY)
    try:
        yield (f"/proc/self/fd/{fd}" if sys.platform == "linux" else str(path)), fd
    finally:
        os.close(fd)


def server_environment() -> dict[str, str]:
    """Nothing of ours: PG* variables would change the server's mind, and others are secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C"}
