"""Which subscriptions may have something to send: watches the log for all of them at once; sends and stores nothing.

Each process has one. It keeps the filters of the served subscriptions in memory and
looks at every event of the log once. A subscription that an event fits is *stirred* until somebody takes it; so is one
that is new or changed here, because what it wants may stand anywhere behind its cursor. Of all others it is known that
nothing up to the board's place is for them, and now and then their cursors are moved there.
"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress

import structlog
from crossdock.v1.subscription_pb2 import Subscription
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.db.engine import transaction
from services.db.statements import Statement
from services.events import log
from services.events.log import Cursor
from services.subscriptions import rows
from services.subscriptions.groups import Groups
from services.subscriptions.rows import Key
from services.subscriptions.states import SERVED

BATCH = 500
POLL_SECONDS = 0.2
PACE_SECONDS = 0.05
"""How long after one look into the log the next one comes at the earliest, unless there was more than a batch: a
process that records much is not to look once for each commit."""
RELOAD_SECONDS = 1.0
MOVE_SECONDS = 30.0
BUSY_SECONDS = 1.0
"""How soon one that another sender has is tried again."""

_SERVED = Statement(
    """
SELECT tenant_id, subscription_id, changes FROM subscriptions
WHERE state = ANY(CAST(:states AS smallint[])) AND NOT passive
""",
    only_reads=True,
)
_logger = structlog.get_logger(__name__)


class Board:
    """The served subscriptions of all tenants, and which of them are stirred."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._known: dict[Key, int] = {}
        self._groups = Groups()
        self._stirred: dict[Key, float] = {}
        self._taken: set[Key] = set()
        self._position: Cursor | None = None
        self._woken = asyncio.Event()
        self._pulse = asyncio.Event()
        self._reload_at = self._move_at = 0.0
        self.looks = 0
        """How often it has looked into the log."""

    def wake(self) -> None:
        """Tells that this process has just recorded events; costs nothing while nobody subscribes."""
        if self._known:
            self._woken.set()

    def reload(self) -> None:
        """Tells that this process has just changed subscriptions."""
        self._reload_at = 0.0
        self._woken.set()

    def take(self, limit: int) -> list[Key]:
        """Some of the stirred, for somebody who looks into the log after this and then says `settle`."""
        now = time.monotonic()
        taken = [key for key, since in self._stirred.items() if since <= now][:limit]
        for key in taken:
            del self._stirred[key]
        self._taken.update(taken)
        return taken

    def settle(self, keys: Iterable[Key]) -> None:
        """Ends what `take` began: of those that were not stirred again all is taken from the log."""
        self._taken.difference_update(keys)

    def stir(self, keys: Iterable[Key], seconds: float = 0.0) -> None:
        """Puts back what was taken and could not be dealt with wholly."""
        moment = time.monotonic() + seconds
        for key in keys:
            if key in self._known:
                # The earlier moment counts: whoever had one has just given it back.
                self._stirred[key] = min(moment, self._stirred.get(key, moment))
        self._tell()

    def hasten(self, keys: Iterable[Key]) -> None:
        """Puts forward those of them that are stirred: whoever had them has just given them back."""
        self.stir([key for key in keys if key in self._stirred or key in self._taken])

    def nudge(self) -> None:
        """Wakes those who wait: something became due in this process."""
        self._tell()

    async def wait(self, seconds: float) -> None:
        """Until something may have been stirred, or the seconds are over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._pulse.wait(), seconds)

    async def run(self) -> None:
        """Follows the log until cancelled, while there are subscriptions; a database that is away is waited for."""
        while True:
            try:
                busy = await self._advance()
                self.looks += 1
            except (SQLAlchemyError, OSError, TimeoutError) as reason:
                _logger.warning("subscriptions_unreadable", error=type(reason).__name__)
                await asyncio.sleep(1)
                continue
            if not busy:
                looked = time.monotonic()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL_SECONDS if self._known else RELOAD_SECONDS)
                await asyncio.sleep(looked + PACE_SECONDS - time.monotonic())
                self._woken.clear()

    async def _advance(self) -> bool:
        async with self._engine.connect() as connection:
            if time.monotonic() >= self._reload_at:
                self._reload_at = time.monotonic() + RELOAD_SECONDS
                if self._position is None:
                    # Before the subscriptions are read: what comes after it is looked at with all of them.
                    self._position = await log.end(connection)
                await self._load(connection)
            if not self._known or self._position is None:
                self._position = None
                return False
            entries = await log.read(connection, self._position, BATCH)
        stirred = False
        for entry in entries:
            for members in self._groups.that_want(entry.tenant_id, entry.parse()):
                still = members.difference(self._stirred)  # the dict itself: its keys are not hashed again
                self._stirred.update(dict.fromkeys(still, 0.0))
                stirred |= bool(still)
        self._position = log.cursor_of(entries, self._position)
        if stirred:
            self._tell()
        if time.monotonic() >= self._move_at:
            await self._move()
        return len(entries) == BATCH

    async def _load(self, connection: AsyncConnection) -> None:
        found = await _SERVED.fetch(connection, {"states": list(SERVED)})
        present = {(tenant_id, identifier): changes for tenant_id, identifier, changes in found}
        for key in self._known.keys() - present.keys():
            self._forget(key)
        changed = [key for key, changes in present.items() if self._known.get(key) != changes]
        if changed:
            for stored in await rows.read(connection, changed):
                self._remember(stored.key, stored.changes, stored.subscription)
            self._tell()

    def _remember(self, key: Key, changes: int, subscription: Subscription) -> None:
        self._groups.add(key, subscription)
        self._known[key] = changes
        self._stirred.setdefault(key, 0.0)

    def _forget(self, key: Key) -> None:
        self._stirred.pop(key, None)
        if self._known.pop(key, None) is not None:
            self._groups.remove(key)

    async def _move(self) -> None:
        """Moves the cursors of the still ones, so that they do not begin too far back after a restart."""
        self._move_at = time.monotonic() + MOVE_SECONDS
        place = self._position
        assert place is not None, "it follows the log"
        still = sorted(self._known.keys() - self._stirred.keys() - self._taken)
        async with transaction(self._engine) as connection:
            await rows.move(connection, [(key, place) for key in still])

    def _tell(self) -> None:
        self._pulse.set()
        self._pulse = asyncio.Event()
