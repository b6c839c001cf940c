"""The hub of the demo: `crossdock up` in a folder of its own, as a user would start it; knows no step."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from cli.hub.folders import read_document
from runtime.tethers import tethered

START_SECONDS = 90.0
STOP_SECONDS = 40.0
LOOK_SECONDS = 0.05
LOG_LINES = 15


class HubProcessFailed(Exception):
    """It did not start, or did not stop; the message has its last words."""


class HubProcess:
    """A running `crossdock up`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "up.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> dict[str, Any]:
        """What its ready file says, once everything serves."""
        ready_file = self._folder / "ready.json"
        flags = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--demo-data", "--ready-file", str(ready_file)]
        # The user's own settings would lead the demo into the user's own database.
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("CROSSDOCK_") or name == "CROSSDOCK_POSTGRES_BIN"
        }
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *tethered([sys.executable, "-P", "-m", "cli", "up", "--data-dir", str(self._folder / "data"), *flags]),
                env=kept,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: we stop it
            )
        async with asyncio.timeout(START_SECONDS):
            while (ready := read_document(ready_file)) is None:
                if self._process.returncode is not None:
                    raise HubProcessFailed(f"`crossdock up` ended before it served:\n{self.last_words()}")
                await asyncio.sleep(LOOK_SECONDS)
        return ready

    async def stop(self) -> int | None:
        """Its exit status; None if it never ran."""
        process = self._process
        if process is None:
            return None
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()  # its children are tethered to it
        return await process.wait()

    def last_words(self) -> str:
        if not self._log.exists():
            return "(it was not started)"
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_LINES:])
