"""A hub as a user starts it, `crossdock up` in a process of its own, and commands beside it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from cli.main import app

PATIENCE_SECONDS = 180.0


def surroundings(**more: str) -> dict[str, str]:
    """The environment without what whoever runs the tests has set for hubs of their own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CROSSDOCK_")} | more


def crossdock(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command from its start to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env=surroundings(**environment),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` finds as soon as it is true; the test fails when it never is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


def children_of(pid: int) -> dict[int, str]:
    """Process ids and command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == pid:
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found[int(entry.name)] = command.strip()
            except OSError:  # ended meanwhile
                continue
    return found


class Done(NamedTuple):
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


class RunningHub:
    """A `crossdock up`, ready."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.data_dir = folder / "data"
        self.ready_file = folder / "ready.json"
        self.output = folder / "up.out"
        with self.output.open("w") as output, (folder / "up.err").open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli", "up", "--data-dir", str(self.data_dir), "--demo-data",
                 "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--ready-file", str(self.ready_file), *flags],
                env=surroundings(),
                stdout=output,
                stderr=errors,
            )  # fmt: skip
        self.errors = folder / "up.err"
        eventually(lambda: self.ready_file.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.errors.read_text()
        self.ready: dict[str, Any] = json.loads(self.ready_file.read_text())

    def child(self, part: str) -> int | None:
        """The process id of the child with this in its command line."""
        return next((pid for pid, command in children_of(self.process.pid).items() if part in command), None)

    def kill_child(self, part: str) -> None:
        """kill -9; returns when another has taken its place."""
        killed = self.child(part)
        assert killed
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: self.child(part) not in (None, killed))

    def crossdock(self, *arguments: str, **environment: str) -> Done:
        """A command that finds this hub as a newcomer's does: by its data folder. In this process, to be quick."""
        others: dict[str, str | None] = {name: None for name in os.environ if name.startswith("CROSSDOCK_")}
        own = {"CROSSDOCK_DATA_DIR": str(self.data_dir), "COLUMNS": "200", **environment}
        result = CliRunner().invoke(app, list(arguments), env=others | own)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    def json(self, *arguments: str) -> Any:
        """What a command that succeeds prints with --json."""
        done = self.crossdock(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(PATIENCE_SECONDS)
