"""Owns the data folder of a hub on this machine: what lies where, and how private files are written; knows no content.

| file | holds |
|---|---|
| `keys.json` | the encryption key and the system token |
| `demo.json` | the demo account with its tokens and secrets |
| `running.json` | while a hub runs: where it serves, as the ready file says it |
| `postgres/` | the embedded PostgreSQL |
| `run/` | what the processes say when they are ready |
| `simulator.sqlite` | the books of the carrier simulator |
| `lock` | held by the `crossdock up` that runs here |
"""

import json
import os
from pathlib import Path
from typing import Any


def default_data_dir() -> Path:
    """`CROSSDOCK_DATA_DIR`, or the usual one."""
    if told := os.environ.get("CROSSDOCK_DATA_DIR"):
        return Path(told)
    return usual_data_dir()


def usual_data_dir() -> Path:
    """`crossdock` in the user's folder for data (XDG)."""
    data_home = os.environ.get("XDG_DATA_HOME", "")
    # The specification: a relative path is to be ignored.
    home = Path(data_home) if data_home.startswith("/") else Path.home() / ".local" / "share"
    return home / "crossdock"


class Folder:
    """The paths within one data folder."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.keys = self.path / "keys.json"
        self.demo = self.path / "demo.json"
        self.running = self.path / "running.json"
        self.postgres = self.path / "postgres"
        self.run = self.path / "run"
        self.simulator = self.path / "simulator.sqlite"

    def make(self) -> None:
        """The folder, for its owner alone."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.run.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, document: dict[str, Any]) -> None:
    """Whole or not at all, and from its first byte on for its owner alone."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(document, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def read_document(path: Path) -> dict[str, Any] | None:
    """The JSON object in the file; None when there is no such file, or nothing that can be read."""
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
