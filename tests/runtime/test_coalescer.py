import asyncio
import contextvars
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.coalescer import BatchFailed, Coalescer, CoalescerClosed, Overloaded


class Server:
    """Doubles numbers, one batch per `release()`."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.arrived = asyncio.Event()
        self._gates: list[asyncio.Event] = []

    async def send(self, items: Sequence[int]) -> Sequence[int | BaseException]:
        self.batches.append(list(items))
        gate = asyncio.Event()
        self._gates.append(gate)
        self.arrived.set()
        await gate.wait()
        return [item * 2 for item in items]

    async def release(self) -> None:
        """Answer the oldest batch, once there is one."""
        while not self._gates:
            self.arrived.clear()
            await self.arrived.wait()
        self._gates.pop(0).set()


async def settle() -> None:
    """Let everything run that can run without an answer."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_idle_coalescer_sends_at_once() -> None:
    server = Server()
    coalescer = Coalescer(server.send)

    result = asyncio.create_task(coalescer.submit(21))
    await settle()

    assert server.batches == [[21]]
    await server.release()
    assert await result == 42


async def test_what_arrives_during_a_batch_goes_together_with_the_next() -> None:
    server = Server()
    coalescer = Coalescer(server.send, max_in_flight=1)
    first = asyncio.create_task(coalescer.submit(1))
    await settle()
    others = [asyncio.create_task(coalescer.submit(number)) for number in (2, 3, 4)]
    await settle()
    assert server.batches == [[1]]

    await server.release()
    await server.release()

    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert server.batches == [[1], [2, 3, 4]]


async def test_what_arrives_at_the_same_moment_shares_a_batch() -> None:
    server = Server()
    coalescer = Coalescer(server.send, max_in_flight=2)

    submitted = [asyncio.create_task(coalescer.submit(number)) for number in range(5)]
    await settle()

    assert server.batches == [[0, 1, 2, 3, 4]]
    await server.release()
    await asyncio.gather(*submitted)


async def test_a_batch_is_never_larger_than_allowed() -> None:
    server = Server()
    coalescer = Coalescer(server.send, max_batch=3, max_in_flight=1)

    submitted = [asyncio.create_task(coalescer.submit(number)) for number in range(7)]
    for _ in range(3):
        await server.release()

    assert await asyncio.gather(*submitted) == [number * 2 for number in range(7)]
    assert [len(batch) for batch in server.batches] == [3, 3, 1]


async def test_no_more_batches_than_allowed_are_under_way() -> None:
    server = Server()
    coalescer = Coalescer(server.send, max_in_flight=2)
    submitted = []
    for number in range(4):
        submitted.append(asyncio.create_task(coalescer.submit(number)))
        await settle()

    assert server.batches == [[0], [1]]

    for _ in range(3):
        await server.release()
    await asyncio.gather(*submitted)
    assert server.batches == [[0], [1], [2, 3]]


async def test_a_full_coalescer_refuses_at_once() -> None:
    server = Server()
    coalescer = Coalescer(server.send, max_waiting=2, max_in_flight=1)
    submitted = [asyncio.create_task(coalescer.submit(0))]
    await settle()
    submitted += [asyncio.create_task(coalescer.submit(number)) for number in (1, 2)]
    await settle()

    with pytest.raises(Overloaded):
        await coalescer.submit(3)

    await server.release()
    await server.release()
    assert await asyncio.gather(*submitted) == [0, 2, 4]


async def test_a_failed_batch_fails_its_items_and_not_the_next() -> None:
    calls = 0

    async def send(items: Sequence[int]) -> Sequence[int]:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        if calls == 1:
            raise ConnectionError("gone")
        return items

    coalescer = Coalescer(send, max_batch=2, max_in_flight=1)

    results = await asyncio.gather(*(coalescer.submit(number) for number in range(4)), return_exceptions=True)

    assert [type(result) for result in results] == [ConnectionError, ConnectionError, int, int]
    assert results[2:] == [2, 3]


async def test_an_item_can_fail_alone() -> None:
    async def send(items: Sequence[int]) -> Sequence[int | BaseException]:
        return [ValueError("odd") if item % 2 else item for item in items]

    coalescer = Coalescer(send)

    results = await asyncio.gather(*(coalescer.submit(number) for number in range(3)), return_exceptions=True)

    assert results[0] == 0
    assert isinstance(results[1], ValueError)
    assert results[2] == 2


async def test_a_wrong_number_of_results_fails_the_batch() -> None:
    async def send(items: Sequence[int]) -> Sequence[int]:
        return items[1:]

    with pytest.raises(BatchFailed, match="1 items were sent, and 0 results came back"):
        await Coalescer(send).submit(1)


async def test_a_cancelled_call_fails_its_batch_and_not_the_next() -> None:
    calls = 0

    async def send(items: Sequence[int]) -> Sequence[int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise asyncio.CancelledError
        return items

    coalescer = Coalescer(send, max_batch=1, max_in_flight=1)

    first, second = await asyncio.gather(coalescer.submit(1), coalescer.submit(2), return_exceptions=True)

    assert isinstance(first, BatchFailed)
    assert "cancelled" in str(first)
    assert second == 2


async def test_a_cancelled_submitter_cancels_nobody_else_and_its_item_is_sent() -> None:
    server = Server()
    coalescer = Coalescer(server.send, max_in_flight=1)
    first = asyncio.create_task(coalescer.submit(1))
    await settle()
    waiting, leaving = (asyncio.create_task(coalescer.submit(number)) for number in (2, 3))
    await settle()

    first.cancel()
    leaving.cancel()
    await server.release()
    await server.release()

    assert await waiting == 4
    assert server.batches == [[1], [2, 3]]


async def test_a_batch_runs_in_no_submitters_context() -> None:
    request_id = contextvars.ContextVar("request_id", default="none")
    seen = []

    async def send(items: Sequence[int]) -> Sequence[int]:
        seen.append(request_id.get())
        return items

    coalescer = Coalescer(send)
    request_id.set("mine")
    await coalescer.submit(1)

    assert seen == ["none"]


async def test_closing_waits_for_what_is_in_and_refuses_what_comes() -> None:
    server = Server()
    coalescer = Coalescer(server.send, max_in_flight=1)
    submitted = [asyncio.create_task(coalescer.submit(0))]
    await settle()
    submitted.append(asyncio.create_task(coalescer.submit(1)))
    await settle()

    closing = asyncio.create_task(coalescer.close())
    await settle()

    assert not closing.done()
    with pytest.raises(CoalescerClosed):
        await coalescer.submit(2)
    await server.release()
    await server.release()
    await closing
    assert await asyncio.gather(*submitted) == [0, 2]


async def test_an_item_that_arrives_as_the_last_batch_ends_is_not_forgotten() -> None:
    async def send(items: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(0)
        return items

    coalescer = Coalescer(send, max_in_flight=1)

    async def one_after_another(start: int) -> None:
        for number in range(start, start + 200):
            assert await coalescer.submit(number) == number

    async with asyncio.timeout(60):
        await asyncio.gather(*(one_after_another(start) for start in range(3)))


@settings(max_examples=150, deadline=None)
@given(
    max_batch=st.integers(1, 8),
    max_in_flight=st.integers(1, 3),
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 4)), min_size=1, max_size=60),
    work=st.lists(st.integers(0, 4), min_size=1, max_size=20),
)
def test_every_item_gets_exactly_its_own_result_whoever_is_cancelled(
    max_batch: int, max_in_flight: int, steps: list[tuple[int, int]], work: list[int]
) -> None:
    """A step: turns of the loop before the item comes, turns until its submitter is cancelled (-1: never)."""
    sent: list[int] = []

    async def send(items: Sequence[int]) -> Sequence[int | BaseException]:
        assert len(items) <= max_batch
        sent.extend(items)
        await turn(work[len(sent) % len(work)])
        return [LookupError(item) if item % 7 == 3 else item * 10 for item in items]

    async def scenario() -> list[int | BaseException]:
        coalescer = Coalescer(send, max_batch=max_batch, max_in_flight=max_in_flight)
        tasks, cancellers = [], []
        for number, (turns_before, turns_after) in enumerate(steps):
            await turn(turns_before)
            tasks.append(asyncio.create_task(coalescer.submit(number)))
            if turns_after >= 0:
                cancellers.append(asyncio.create_task(cancel(tasks[-1], turns_after)))
        async with asyncio.timeout(60):
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*cancellers)
            await coalescer.close()
        return results

    results = asyncio.run(scenario())

    assert len(set(sent)) == len(sent)
    for number, (result, (_, turns_after)) in enumerate(zip(results, steps, strict=True)):
        if isinstance(result, asyncio.CancelledError):
            assert turns_after >= 0
            assert number in sent or turns_after == 0  # 0: cancelled before it could submit
        elif number % 7 == 3:
            assert isinstance(result, LookupError)
            assert result.args == (number,)
        else:
            assert result == number * 10


async def turn(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def cancel(task: "asyncio.Task[int]", turns: int) -> None:
    await turn(turns)
    task.cancel()
