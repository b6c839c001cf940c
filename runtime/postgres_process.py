"""Owns one run of PostgreSQL's postmaster: starting it tied to this process, keeping its output, ending it;
never its files.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO, cast

LOG_BYTES = 4 * 1024 * 1024  # then the log moves to `….1`, replacing the one before
TAIL_BYTES = 4096
QUIT_SECONDS = 10.0


class PostgresProcess:
    """A postmaster, or for a moment the tether that becomes it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder_fd: int, log: Path) -> None:
        self._command = command
        self._environment = environment
        self._folder_fd = folder_fd
        self._log = log
        self._tail = b""
        started: Future[subprocess.Popen[bytes]] = Future()
        # The kernel ties the server to the thread that starts it, so that thread stays until the server ends.
        self._keeper = threading.Thread(target=self._keep, args=[started], name="postgres-keeper", daemon=True)
        self._keeper.start()
        self._process = started.result()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def end(self, wish: signal.Signals, grace_seconds: float) -> None:
        """Send `wish`, after `grace_seconds` SIGQUIT, at last SIGKILL; returns when the server has ended."""
        for sign, seconds in ((wish, grace_seconds), (signal.SIGQUIT, QUIT_SECONDS), (signal.SIGKILL, None)):
            self._process.send_signal(sign)
            try:
                self._process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                continue
        self._keeper.join(QUIT_SECONDS)

    def last_lines(self) -> str:
        """The end of what the server said; complete once it has ended."""
        if not self.running:
            self._keeper.join(QUIT_SECONDS)
        return self._tail.decode(errors="replace").strip() or "(it said nothing)"

    def _keep(self, started: "Future[subprocess.Popen[bytes]]") -> None:
        try:
            process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                pass_fds=[self._folder_fd],
                start_new_session=True,  # Ctrl-C is for us: we stop the server last
            )
        except BaseException as error:  # noqa: BLE001 - handed to the starting thread, which raises it
            started.set_exception(error)
            return
        started.set_result(process)
        with cast("IO[bytes]", process.stdout) as output:
            while chunk := os.read(output.fileno(), 65536):
                self._tail = (self._tail + chunk)[-TAIL_BYTES:]
                self._write(chunk)
        process.wait()

    def _write(self, chunk: bytes) -> None:
        """A log that cannot be written must not stop the server, which would block on a full pipe."""
        try:
            if self._log.exists() and self._log.stat().st_size > LOG_BYTES:
                self._log.replace(self._log.with_name(f"{self._log.name}.1"))
            with open(self._log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(chunk)
        except OSError:
            return
