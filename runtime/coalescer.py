"""Owns gathering single requests into batches while earlier batches are under way; knows nothing of what a
batch is for.

There is no timer: an idle coalescer sends at once, a busy one sends everything that arrived meanwhile. So a
batch grows with the load and latency does not, and the cost per request falls exactly when it matters.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Overloaded(Exception):
    """As many items wait as may wait: try again later."""


class CoalescerClosed(Exception):
    """It drains, or has drained, and takes nothing more."""


class BatchFailed(Exception):
    """The batch's sender broke its word: it was cancelled, or gave another number of results than it got
    items.
    """


class Coalescer(Generic[Item, Result]):
    """`send` gets up to `max_batch` items and returns one result, or exception, for each of them, in their
    order.

    Up to `max_in_flight` batches are under way at once, and up to `max_waiting` items wait for the next. An
    item that was submitted is sent even if its submitter is cancelled: what was received is not lost because
    somebody hung up.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Item]], Awaitable[Sequence[Result | BaseException]]],
        *,
        max_batch: int = 256,
        max_waiting: int = 10_000,
        max_in_flight: int = 2,
    ) -> None:
        self._send = send
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._max_in_flight = max_in_flight
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._senders: set[asyncio.Task[None]] = set()
        self._sending = 0  # not len(_senders): a task leaves the set a moment after its end
        self._starting = False  # a sender is about to take its first batch: what comes now goes with it
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many items no batch has taken yet."""
        return len(self._waiting)

    async def submit(self, item: Item) -> Result:
        """`item`'s own result, or the exception that its place or its whole batch got."""
        waiting = self._waiting
        if len(waiting) >= self._max_waiting or self._closed:
            raise CoalescerClosed if self._closed else Overloaded
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        waiting.append((item, future))
        if not self._starting and self._sending < self._max_in_flight:
            self._starting = True
            self._sending += 1
            # A context of its own: a batch belongs to no single request's log or trace.
            sender = loop.create_task(self._send_until_idle(), context=contextvars.Context())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        return await future

    async def close(self) -> None:
        """Refuse new items, and return when every item already in has its result."""
        self._closed = True
        while self._senders:
            await asyncio.wait(self._senders)

    async def _send_until_idle(self) -> None:
        self._starting = False
        try:
            while self._waiting:
                await self._send_batch(self._take_batch())
        except BaseException as error:  # this task was cancelled, or the program is told to end
            _fail(self._waiting, BatchFailed("the coalescer was stopped"), error)
            self._waiting.clear()
            raise
        finally:
            self._sending -= 1

    def _take_batch(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        waiting = self._waiting
        if len(waiting) > self._max_batch:
            return [waiting.popleft() for _ in range(self._max_batch)]
        batch = list(waiting)
        waiting.clear()
        return batch

    async def _send_batch(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._send([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - each submitter gets it
            _fail(batch, error)
            return
        except BaseException as error:
            # A CancelledError in the submitters would look as if they themselves were cancelled.
            _fail(batch, BatchFailed("the sending of the batch was cancelled"), error)
            if isinstance(error, asyncio.CancelledError) and not _told_to_end():
                return  # grpc.aio raises it when only the call was cancelled
            raise
        if len(results) != len(batch):
            _fail(batch, BatchFailed(f"{len(batch)} items were sent, and {len(results)} results came back"))
            return
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue  # its submitter was cancelled
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)


def _fail(
    batch: Iterable[tuple[object, asyncio.Future[Result]]],
    error: Exception,
    cause: BaseException | None = None,
) -> None:
    if cause is not None:
        error.__cause__ = cause
    for _, future in batch:
        if not future.done():
            future.set_exception(error)


def _told_to_end() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
