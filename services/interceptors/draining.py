"""Ends open streams when the process goes; knows nothing of what streams.

The event log's tailer ends its streams itself, each with its cursor. What is left after that is cut here.
"""

import asyncio
from typing import Any

from services.errors import Problem
from services.interceptors.calls import Context, Method, Proceed


class Streams:
    """The streams that are open in this process."""

    def __init__(self) -> None:
        self._open: set[asyncio.Task[Any]] = set()
        self._cut = False

    def layer(self, method: Method, proceed: Proceed) -> Proceed:
        """Keeps track of streams; other calls just pass, they end soon."""
        if not method.streaming:
            return proceed

        async def follow(request: bytes, context: Context) -> Any:
            task = asyncio.current_task()
            assert task is not None
            self._open.add(task)
            try:
                if self._cut:
                    raise _shutting_down()
                return await proceed(request, context)
            except asyncio.CancelledError:
                if self._cut and not context.cancelled():
                    raise _shutting_down() from None
                raise
            finally:
                self._open.discard(task)

        return follow

    async def end(self, seconds: float) -> None:
        """Gives the streams so long to end themselves, then cuts them."""
        if self._open:
            await asyncio.wait(self._open, timeout=seconds)
        self._cut = True
        for task in self._open:
            task.cancel()


def _shutting_down() -> Problem:
    return Problem("SHUTTING_DOWN", "this process is shutting down: call another one")
