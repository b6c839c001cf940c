"""What the servicers and workers of one process share; decides nothing."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from crossdock.v1.delivery_pb2 import Delivery
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from runtime.coalescer import Coalescer
from services.carriers.lines import CarrierLines
from services.carriers.targets import Allowed
from services.config import Settings
from services.db.engine import transaction
from services.deliveries import of_orders, rows
from services.events.tailing import Tailer
from services.sealing import Sealer
from services.subscriptions.board import Board
from services.webhooks.source_rows import RememberedSources


def _wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class Hub:
    """One per process. ``now`` is the clock of record; tests give another."""

    settings: Settings
    engine: AsyncEngine
    sealer: Sealer
    now: Callable[[], datetime] = _wall_clock

    tailer: Tailer = field(init=False)
    """Follows the event log for every stream of this process."""
    board: Board = field(init=False)
    """Knows which subscriptions may have something to send."""
    deliveries: Coalescer[rows.Key, rows.Stored | None] = field(init=False)
    """Reads deliveries by (tenant, delivery), those of simultaneous calls in one statement."""

    carriers: CarrierLines = field(init=False)
    """How carriers are found and called."""
    lines: Any = None
    """Likewise, as a dispatch needs it: ``carriers`` unless a test has others."""
    dispatches: set["asyncio.Task[None]"] = field(init=False, default_factory=set)
    """What goes on with shipments in this process; what is cut off a worker of any process finishes."""

    deliveries_of_orders: Coalescer[of_orders.Wanted, Delivery | None] = field(init=False)
    """Reads the deliveries of orders, likewise."""
    coalescers: list[Coalescer[Any, Any]] = field(init=False, default_factory=list)
    """All that gathers calls, to be closed with the hub."""
    sources: RememberedSources = field(default_factory=RememberedSources)
    """Webhook sources, as batches of messages need them."""

    def __post_init__(self) -> None:
        """Joins what the parts make together."""
        self.deliveries = Coalescer(self._read_deliveries)
        self.deliveries_of_orders = Coalescer(self._read_deliveries_of_orders)
        self.coalescers += [self.deliveries, self.deliveries_of_orders]
        self.tailer = Tailer(self.engine)
        self.board = Board(self.engine)
        settings = self.settings
        authority = settings.carriers_authority.read_bytes() if settings.carriers_authority is not None else None
        allowed = Allowed.parse(settings.carriers_allow)
        # Whoever gives the hub another clock later gives it to them too.
        self.carriers = CarrierLines(self.sealer, lambda: self.now(), allowed, authority)  # noqa: PLW0108
        self.lines = self.lines or self.carriers

    def transaction(self, *, commit: bool = True) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection in a transaction; see ``services.db.engine.transaction``."""
        return transaction(self.engine, commit=commit)

    def events_appended(self) -> None:
        """Wakes the readers of the event log; called after the commit."""
        self.tailer.wake()
        self.board.wake()

    async def close(self) -> None:
        """Waits for the reads under way, cuts off what a worker can finish, and lets go of the database."""
        for task in self.dispatches:
            task.cancel()
        if self.dispatches:
            await asyncio.wait(self.dispatches)
        await self.carriers.close()
        for each in self.coalescers:
            await each.close()
        await self.engine.dispose()

    async def _read_deliveries(self, keys: Sequence[rows.Key]) -> list[rows.Stored | None]:
        async with self.engine.connect() as connection:
            found = await rows.read(connection, keys)
        return [found.get(key) for key in keys]

    async def _read_deliveries_of_orders(self, wanted: Sequence[of_orders.Wanted]) -> list[Delivery | None]:
        async with self.engine.connect() as connection:
            return await of_orders.read(connection, wanted)


def make_hub(settings: Settings, engine: AsyncEngine) -> Hub:
    """The hub of a process with these settings."""
    return Hub(settings, engine, Sealer(settings.sealing_key, settings.former_sealing_keys))
