"""One reader of the log per process that feeds every stream; knows neither RPCs nor filters' meaning.

A stream joins by subscribing first and catching up afterwards: what is final at that moment is read from the
database up to the tailer's place, what comes later waits in the stream's own bounded queue. So there is no gap
and no duplicate, and a reader that does not keep up is cut with the cursor from which it resumes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

import structlog
from crossdock.v1.event_pb2 import Event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.errors import Problem
from services.events import log
from services.events.log import Cursor

BATCH = 500
POLL_SECONDS = 0.2
"""How soon events are seen that another process recorded; our own wake the tailer at once."""
HEARTBEAT_SECONDS = 10.0
QUEUE = 2_000
"""How many events may wait for one reader before it is cut."""

_logger = structlog.get_logger(__name__)


class Told(NamedTuple):
    """An event for a stream, or a heartbeat without one, with the cursor behind it."""

    cursor: Cursor
    event: Event | None


class _Stream:
    """A reader's place in the tailer: its tenant, and what waits for it."""

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.queue: asyncio.Queue[Told] = asyncio.Queue(QUEUE)
        self.overflown = False


class Tailer:
    """Follows the log of all tenants and hands each event to the streams of its tenant."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._woken = asyncio.Event()
        self._streams: dict[UUID, set[_Stream]] = {}
        self._position: Cursor | None = None
        self._joined = asyncio.Event()
        self._placed = asyncio.Event()
        self._draining = False

    def wake(self) -> None:
        """Tells that this process has just recorded events."""
        self._woken.set()

    def drain(self) -> None:
        """Ends every stream with its cursor, now and for new ones: the process shuts down."""
        self._draining = True
        for streams in self._streams.values():
            for stream in streams:
                with suppress(asyncio.QueueFull):  # a full queue wakes its reader anyway
                    stream.queue.put_nowait(Told(log.BEGINNING, None))

    async def run(self) -> None:
        """Follows the log until cancelled, while there are streams; a database that is away is waited for."""
        while True:
            if not self._streams:
                # Reading for nobody would cost a busy process a tenth of its time.
                self._position = None
                self._placed.clear()
                self._joined.clear()
                await self._joined.wait()
            try:
                busy = await self._advance()
            except (SQLAlchemyError, OSError, TimeoutError) as reason:
                _logger.warning("event_log_unreadable", error=type(reason).__name__)
                await asyncio.sleep(1)
                continue
            if not busy:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
                self._woken.clear()

    async def _advance(self) -> bool:
        async with self._engine.connect() as connection:
            if self._position is None:
                self._position = await log.end(connection)
                self._placed.set()
            entries = await log.read(connection, self._position, BATCH)
        for entry in entries:
            if streams := self._streams.get(entry.tenant_id):
                told = Told(entry.cursor, entry.parse())
                for stream in streams:
                    try:
                        stream.queue.put_nowait(told)
                    except asyncio.QueueFull:
                        stream.overflown = True
        self._position = log.cursor_of(entries, self._position)
        return bool(entries)

    async def follow(self, tenant_id: UUID, cursor: Cursor | None) -> AsyncIterator[Told]:
        """Yields every event of a tenant past a cursor (or past now) without end, and heartbeats between.

        Raises SLOW_READER or SHUTTING_DOWN with the cursor from which to resume.
        """
        stream = _Stream(tenant_id)
        self._streams.setdefault(tenant_id, set()).add(stream)
        self._joined.set()
        try:
            async with self._engine.connect() as connection:
                now = await log.end(connection)  # also tells a caller at once that the database is away
            cursor = now if cursor is None else cursor
            await self._placed.wait()
            async for entry in self._catch_up(tenant_id, cursor, self._place()):
                yield entry
                cursor = entry.cursor
            yield Told(cursor, None)
            while True:
                told = await self._next(stream, cursor)
                if told.event is None or told.cursor > cursor:
                    cursor = max(cursor, told.cursor)
                    yield told
        finally:
            streams = self._streams[tenant_id]
            streams.discard(stream)
            if not streams:
                del self._streams[tenant_id]

    async def _next(self, stream: _Stream, cursor: Cursor) -> Told:
        """What waits for a stream, or a heartbeat after a while in which nothing did."""
        if self._draining:
            raise _ended("SHUTTING_DOWN", "this process is shutting down", cursor)
        if stream.overflown:
            raise _ended("SLOW_READER", f"more than {QUEUE} events were waiting", cursor)
        try:
            told = await asyncio.wait_for(stream.queue.get(), HEARTBEAT_SECONDS)
        except TimeoutError:
            # A queue that is empty at this moment holds nothing from before the tailer's place.
            place = self._place() if stream.queue.empty() else cursor
            return Told(max(cursor, place), None)
        return told if told.event is not None else await self._next(stream, cursor)

    def _place(self) -> Cursor:
        assert self._position is not None, "the tailer follows while there are streams"
        return self._position

    async def _catch_up(self, tenant_id: UUID, cursor: Cursor, joined: Cursor) -> AsyncIterator[Told]:
        while cursor < joined:
            async with self._engine.connect() as connection:
                entries = await log.read(connection, cursor, BATCH, tenant_id)
            for entry in entries:
                if entry.cursor > joined:
                    return
                yield Told(entry.cursor, entry.parse())
            if not entries:
                return
            cursor = entries[-1].cursor


def _ended(reason: str, message: str, cursor: Cursor) -> Problem:
    return Problem(reason, f"{message}: resume at the cursor", {"cursor": cursor.encode()})
