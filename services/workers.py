"""Keeps background work going: restarts what broke, ends all of it on command; knows no work by its meaning."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.hub import Hub

log = structlog.get_logger()

AGAIN_SECONDS = 1.0
END_SECONDS = 5.0


class Workers:
    """The tasks of one process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Callable[[Hub], Awaitable[None]]) -> None:
        """Runs ``work`` until ``stop``; when it fails it is told and begun again."""
        self._tasks.add(asyncio.create_task(self._keep(name, work), name=name))

    async def stop(self) -> None:
        """Cancels all and waits for their last transaction to end."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=END_SECONDS)
        self._tasks.clear()

    async def _keep(self, name: str, work: Callable[[Hub], Awaitable[None]]) -> None:
        while True:
            try:
                await work(self._hub)
            except Exception:  # a worker outlives whatever befalls it
                log.exception("worker failed", worker=name)
            await asyncio.sleep(AGAIN_SECONDS)
