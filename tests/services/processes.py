"""The services process as a supervisor starts it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from services.config import Settings

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180.0


@dataclass
class Process:
    """A running process and what its ready file says."""

    popen: "subprocess.Popen[bytes]"
    ready: dict[str, str]
    log: Path

    @property
    def address(self) -> str:
        """Where it serves gRPC."""
        return self.ready["grpc"]

    def terminate(self) -> None:
        """SIGTERM."""
        self.popen.send_signal(signal.SIGTERM)

    async def ended(self, seconds: float) -> int:
        """Waits for its end and returns the exit status."""
        return await asyncio.to_thread(self.popen.wait, seconds)


async def start_process(settings: Settings, folder: Path, **changed: str) -> Process:
    """Starts `python -m services` and waits until it is ready."""
    return await asyncio.to_thread(_start, settings, folder, changed)


def _start(settings: Settings, folder: Path, changed: dict[str, str]) -> Process:
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "ready.json"
    log = folder / "log"
    with log.open("wb") as output:
        popen = subprocess.Popen(
            [sys.executable, "-m", "services", "--ready-file", str(ready)],
            env=environment(settings) | changed,
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    began = time.monotonic()
    while not ready.exists():
        if popen.poll() is not None or time.monotonic() - began > START_SECONDS:
            popen.kill()
            raise AssertionError(f"the process was not ready: {log.read_text()}")
        time.sleep(0.01)
    return Process(popen, json.loads(ready.read_text()), log)


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a process with the settings of the test."""
    return os.environ | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'gen'}",
        "CROSSDOCK_DATABASE_URL": settings.database_url.get_secret_value(),
        "CROSSDOCK_ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
        "CROSSDOCK_SYSTEM_TOKEN": settings.system_token.get_secret_value(),
        "CROSSDOCK_GRPC": "127.0.0.1:0",
        "CROSSDOCK_METRICS": "127.0.0.1:0",
        "CROSSDOCK_ALLOW_UNSAFE_COMMITS": "true",
        "CROSSDOCK_GRACE_SECONDS": "60",
    }
