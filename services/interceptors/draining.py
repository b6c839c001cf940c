"""Lets go of the calls under way when the process goes; knows nothing of what they do.

gRPC itself cancels, without a reason, what arrives in the moment in which it stops. So calls are refused with one
before that, those under way are waited for, and only what is left then is cut. The event log's tailer ends its
streams itself, each with its cursor.
"""

import asyncio
import time
from typing import Any

from services.errors import Problem
from services.interceptors.calls import Context, Method, Proceed

CUT_SECONDS = 1.0
QUIET_SECONDS = 0.05
LINGER_SECONDS = 0.5


class Draining:
    """The calls and streams that are open in this process."""

    def __init__(self) -> None:
        self._calls: set[asyncio.Task[Any]] = set()
        self._streams: set[asyncio.Task[Any]] = set()
        self._refused: list[set[asyncio.Task[Any]]] = []
        self._last_refusal = 0.0
        self._cut = False

    def layer(self, method: Method, proceed: Proceed) -> Proceed:
        """Keeps track, and refuses what comes too late."""
        kind = self._streams if method.streaming else self._calls

        async def follow(request: bytes, context: Context) -> Any:
            if any(kind is refused for refused in self._refused):
                self._last_refusal = time.monotonic()
                raise _shutting_down()
            task = asyncio.current_task()
            assert task is not None
            kind.add(task)
            try:
                return await proceed(request, context)
            except asyncio.CancelledError:
                if self._cut and not context.cancelled():
                    raise _shutting_down() from None
                raise
            finally:
                kind.discard(task)

        return follow

    def refuse_streams(self) -> None:
        """Streams would only be cut soon: callers do better with another process from the start."""
        self._refused.append(self._streams)

    def refuse_calls(self) -> None:
        """From now on every call is refused with SHUTTING_DOWN."""
        self._refused.append(self._calls)

    async def end(self, streams_seconds: float, calls_seconds: float) -> None:
        """Gives those under way so long to end, streams and calls at the same time, then cuts them.

        Returns when no more calls come in, or when they keep coming all the same.
        """
        await asyncio.gather(_wait(self._streams, streams_seconds), _wait(self._calls, calls_seconds))
        self._cut = True
        left = self._streams | self._calls
        for task in left:
            task.cancel()
        await _wait(left, CUT_SECONDS)
        end = time.monotonic() + LINGER_SECONDS
        quiet = False
        while not quiet and time.monotonic() < end:
            await asyncio.sleep(QUIET_SECONDS)
            quiet = time.monotonic() - self._last_refusal >= QUIET_SECONDS


async def _wait(tasks: set[asyncio.Task[Any]], seconds: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)


def _shutting_down() -> Problem:
    return Problem("SHUTTING_DOWN", "this process is shutting down: call another one")
