"""Owns keeping a set of programs running: start, readiness, restart, stop; knows nothing of what the programs
do.

Children are processes in sessions of their own, so that Ctrl-C in a terminal reaches the supervisor alone and
it can stop them in order, and they are tethered: if the supervisor is killed, they get SIGTERM. Their output
passes through to our stderr.
"""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import structlog

from runtime.tethers import tethered

log = structlog.get_logger()

PROBE_SECONDS = 0.05
LAST_LINES = 20
LINE_BYTES = 1024 * 1024
GATHER_SECONDS = 0.02


class ChildNotReady(Exception):
    """A child ended, or did not answer its probe in time, while it was started; the message has its last
    words.
    """


@dataclass(frozen=True)
class Child:
    """`argv[0]` is looked up in PATH; `env` is added to our own; `ready` may raise as long as it likes to."""

    name: str
    argv: Sequence[str]
    ready: Callable[[], Awaitable[bool]]
    env: Mapping[str, str] = field(default_factory=dict)
    ready_seconds: float = 30.0


@dataclass(frozen=True)
class Backoff:
    """The wait before the nth restart doubles from `first_seconds` to `most_seconds`, ± a quarter, until a
    healthy spell.
    """

    first_seconds: float = 0.2
    most_seconds: float = 30.0
    healthy_seconds: float = 60.0

    def seconds(self, restarts: int) -> float:
        wait = min(self.most_seconds, self.first_seconds * 2.0 ** min(restarts, 30))
        return wait * random.uniform(0.75, 1.25)  # noqa: S311 - spreads restarts, guards nothing


class Supervisor:
    """Starts children one by one, restarts those that end, and stops all of them, the last first."""

    def __init__(self, *, grace_seconds: float = 15.0, backoff: Backoff = Backoff()) -> None:
        self._grace_seconds = grace_seconds
        self._backoff = backoff
        self._kept: list[_Kept] = []

    async def start(self, child: Child) -> None:
        """Start `child` and wait until it is ready; from then on it is kept running. Raises ChildNotReady."""
        run = await _Run.start(child)
        kept = _Kept(child, run, self._backoff)
        try:
            await run.wait_until_ready()
        except BaseException:
            await run.end(self._grace_seconds)
            raise
        kept.keeper = asyncio.create_task(kept.keep(), name=f"keeper of {child.name}")
        self._kept.append(kept)

    def pid(self, name: str) -> int | None:
        """The process id of the child `name`; None while it is between two lives."""
        return next((kept.run.pid for kept in self._kept if kept.child.name == name and kept.run.alive), None)

    async def stop(self) -> None:
        """SIGTERM to each child, the last started first; after the grace SIGKILL. Nothing of them is left."""
        while self._kept:
            await self._kept.pop().stop(self._grace_seconds)


class _Kept:
    """One child across its restarts."""

    def __init__(self, child: Child, run: "_Run", backoff: Backoff) -> None:
        self.child = child
        self.run = run
        self.keeper: asyncio.Task[None] | None = None
        self._backoff = backoff

    async def keep(self) -> None:
        restarts = 0
        while True:
            status = await self.run.wait()
            if time.monotonic() - self.run.started >= self._backoff.healthy_seconds:
                restarts = 0
            wait = self._backoff.seconds(restarts)
            restarts += 1
            log.error("child ended", child=self.child.name, status=status, restarts_in_seconds=round(wait, 2))
            await asyncio.sleep(wait)
            # Shielded: a cancelled start must not leave a process that nobody knows.
            starting = asyncio.ensure_future(_Run.start(self.child))
            try:
                self.run = await asyncio.shield(starting)
            except asyncio.CancelledError:
                with contextlib.suppress(OSError):
                    self.run = await starting
                raise
            except OSError as error:
                log.warning("child did not start", child=self.child.name, error=str(error))
                continue
            log.info("child restarted", child=self.child.name, pid=self.run.pid)

    async def stop(self, grace_seconds: float) -> None:
        if self.keeper:
            self.keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.keeper
        await self.run.end(grace_seconds)


class _Run:
    """One life of a child."""

    def __init__(self, child: Child, process: asyncio.subprocess.Process) -> None:
        self.started = time.monotonic()
        self._child = child
        self._process = process
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._reader = asyncio.create_task(self._pass_output_on())

    @classmethod
    async def start(cls, child: Child) -> "_Run":
        program = shutil.which(child.argv[0])
        if program is None:
            raise FileNotFoundError(f"{child.name}: there is no program {child.argv[0]}")
        process = await asyncio.create_subprocess_exec(
            *tethered([program, *child.argv[1:]], on_parent_death=signal.SIGTERM),
            env={**os.environ, **child.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=LINE_BYTES,
        )
        return cls(child, process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def wait(self) -> int:
        return await self._process.wait()

    async def wait_until_ready(self) -> None:
        name, seconds = self._child.name, self._child.ready_seconds
        began = time.monotonic()
        while True:
            if not self.alive:
                await asyncio.wait([self._reader], timeout=1.0)
                status = self._process.returncode
                raise ChildNotReady(f"{name} ended with status {status} before it was ready{self._words()}")
            with contextlib.suppress(Exception):
                async with asyncio.timeout(seconds):
                    if await self._child.ready():
                        return
            if time.monotonic() - began > seconds:
                raise ChildNotReady(f"{name} was not ready after {seconds:g} s{self._words()}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), PROBE_SECONDS)

    async def end(self, grace_seconds: float) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), grace_seconds)
            except TimeoutError:
                log.warning("child killed", child=self._child.name, pid=self.pid, grace_seconds=grace_seconds)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                await self._process.wait()
        await asyncio.wait([self._reader], timeout=1.0)  # longer only if a grandchild keeps the pipe open
        self._reader.cancel()

    def _words(self) -> str:
        return "; its last words:\n" + "\n".join(self._last_lines) if self._last_lines else "; it said nothing"

    async def _pass_output_on(self) -> None:
        output = cast("asyncio.StreamReader", self._process.stdout)
        part = b""
        while piece := await output.read(LINE_BYTES):
            whole, newline, rest = piece.rpartition(b"\n")
            if newline:
                self._tell((part + whole).decode(errors="replace"))
                part = rest
            elif len(part) < LINE_BYTES:  # what is longer than that is no line
                part += piece
            # A busy child writes thousands of lines a second: they are passed on by the hundred.
            await asyncio.sleep(GATHER_SECONDS)
        if part:
            self._tell(part.decode(errors="replace"))

    def _tell(self, lines: str) -> None:
        self._last_lines.extend(lines.rsplit("\n", LAST_LINES)[-LAST_LINES:])
        sys.stderr.write(f"{lines}\n")
