import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from runtime.postgres_binaries import PostgresNotFound, find_binaries
from runtime.postgres_clusters import unprivileged_user


@pytest.mark.skipif(os.geteuid() != 0, reason="about running as root")
def test_binaries_that_nobody_can_reach_are_copied_once_with_their_libraries(tmp_path: Path) -> None:
    binaries = find_binaries()
    package = binaries.folder.parents[1]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(binaries.folder.parent, closed / package.name / binaries.folder.parent.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name)
    bin_folder = closed / package.name / binaries.folder.parent.name / "bin"
    environ = {"CROSSDOCK_POSTGRES_BIN": str(bin_folder)}
    with tempfile.TemporaryDirectory(prefix="crossdock-test-", dir="/tmp") as cache:
        Path(cache).chmod(0o755)  # as /var/cache is

        found = [
            find_binaries(user=unprivileged_user(), environ=environ, cache=Path(cache) / "cache") for _ in range(2)
        ]

        assert found[0] == found[1]
        assert found[0].folder.is_relative_to(cache)
        assert len(list((Path(cache) / "cache").iterdir())) == 1
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_named_folder_without_postgres_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PostgresNotFound, match=r"CROSSDOCK_POSTGRES_BIN is .*, where no program is named postgres"):
        find_binaries(environ={"CROSSDOCK_POSTGRES_BIN": str(tmp_path)})


def test_a_version_that_is_not_here_is_an_error_that_lists_what_is() -> None:
    with pytest.raises(
        PostgresNotFound, match=r"PostgreSQL 9, which made the data folder, was not found \(found: \d+ in"
    ):
        find_binaries(major=9, environ={})
