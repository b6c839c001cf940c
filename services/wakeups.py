"""A bell between tasks of one process: who waits for news is woken at once; it carries no news itself.

It only saves time: other processes ring no bell here, so who waits also looks by itself now and then.
"""

import asyncio
import contextlib


class Wakeup:
    """Wakes everybody who waits.

    Nothing is missed by who takes the event before looking: ``rung = bell.next(); look(); await rung.wait()``.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def next(self) -> asyncio.Event:
        """The event of the next ring."""
        return self._event

    def ring(self) -> None:
        """Wakes those who wait for the event that is current."""
        rung, self._event = self._event, asyncio.Event()
        rung.set()

    async def wait(self, seconds: float) -> bool:
        """Waits for the next ring, at most so long; whether it rang."""
        return await wait_for(self._event, seconds)


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Waits for an event, at most so long; whether it happened."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
