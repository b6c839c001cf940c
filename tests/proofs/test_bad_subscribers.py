"""Promise 18: ten of fifty subscribers that hang, drip or answer with a GiB cost the others nothing.

A fifth of `CROSSDOCK_PROOF_SEEDS` is of how many orders each half tells (8 by default).
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median

import pytest
from crossdock.v1 import subscription_pb2 as pb

from services.server import Server
from tests.conftest import SYSTEM_TOKEN
from tests.gateway.sending.conftest import ALLOWED, Subscribers, settings, sink, subscribers
from tests.gateway.sending.sinks import Heard, Reply, Sink, running_sink
from tests.gateway.test_process import gateway_process
from tests.services.waiting import until

__all__ = ["settings", "sink", "subscribers"]

ORDERS = int(os.environ.get("CROSSDOCK_PROOF_SEEDS", "40")) // 5
WORDS = ("confirmed", "delivered")
HEALTHY = [f"/{number}" for number in range(40)]
TIMEOUT_SECONDS = 2
MIB = 1 << 20
GROWTH_KIB = 20 << 10

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells how high memory was")


async def hang(_: Heard, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def drip(_: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.05)


class Flood:
    """Answers with a GiB, which says of itself that it is packed."""

    def __init__(self) -> None:
        self.written = 0

    async def __call__(self, _: Heard, writer: asyncio.StreamWriter) -> None:
        # What waits in buffers on this side is not taken by anybody.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1073741824\r\n\r\n")
        for _block in range(1 << 14):
            writer.write(bytes(1 << 16))
            await writer.drain()
            self.written += 1 << 16


class Memory:
    """The most that a process had resident since the last look."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def take_peak_kib(self) -> int:
        lines = (self._folder / "status").read_text().splitlines()
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
        (self._folder / "clear_refs").write_text("5")
        return peak


async def tell(subscribers: Subscribers, sink: Sink, name: str) -> list[float]:
    """One order after the other, each once all who listen know the one before. Gives how long events took, sorted."""
    seconds = []
    for number in range(ORDERS):
        known = await subscribers.recorded()
        await subscribers.happen([f"{name}{number}"], WORDS)
        due = {(path, event) for path in HEALTHY for event in await subscribers.recorded() - known}
        await until(due_is_in(sink, due))
        assert all(numbers == sorted(numbers) for path in HEALTHY for numbers in sink.numbers(path).values())
        seconds += [seconds_to(each) for each in sink.heard]
        sink.heard.clear()
        sink.seen.clear()
    return sorted(seconds)


def due_is_in(sink: Sink, due: set[tuple[str, str]]) -> Callable[[], bool]:
    return lambda: len(sink.heard) >= len(due) and due <= {(each.path, each.id) for each in sink.heard}


def seconds_to(heard: Heard) -> float:
    """From the recording of an event to its arrival."""
    recorded = datetime.fromisoformat(heard.document["data"]["event"]["recordTime"]).timestamp()
    return heard.time + time.time() - time.monotonic() - recorded


def figures(seconds: list[float]) -> str:
    return f"median {median(seconds):.2f} s, p99 {seconds[len(seconds) * 99 // 100]:.2f} s"


async def test_ten_bad_subscribers_of_fifty_cost_the_others_nothing(
    server: Server, subscribers: Subscribers, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("CROSSDOCK_")]:
        monkeypatch.delenv(name)
    environment = {
        "CROSSDOCK_HTTP": "127.0.0.1:0",
        "CROSSDOCK_SERVICES": server.address,
        "CROSSDOCK_SYSTEM_TOKEN": SYSTEM_TOKEN,
        "CROSSDOCK_EGRESS_ALLOW": ALLOWED,
        "CROSSDOCK_LOG_LEVEL": "ERROR",
    }
    flood = Flood()
    replies: list[Reply] = [hang] * 8 + [drip, flood]
    for path in HEALTHY:
        await subscribers.create(sink.url(path))
    async with contextlib.AsyncExitStack() as stack:
        bad = [await stack.enter_async_context(running_sink(serve=reply)) for reply in replies]
        process = await stack.enter_async_context(gateway_process(**environment))
        memory = Memory(process.pid)
        await tell(subscribers, sink, "first")
        memory.take_peak_kib()

        alone = await tell(subscribers, sink, "alone")
        before = memory.take_peak_kib()
        made = [await subscribers.create(each.url(), timeout={"seconds": TIMEOUT_SECONDS}) for each in bad]
        beside = await tell(subscribers, sink, "beside")
        for each in made[:9]:
            await subscribers.until(each.id, lambda stats: stats.failed_count > 0)
        await subscribers.until(made[9].id, lambda stats: stats.succeeded_count >= ORDERS)
        grown = memory.take_peak_kib() - before

    outcomes = {attempt.outcome for each in made[:9] for attempt in await subscribers.attempts(each.id)}
    latencies = [attempt.latency.ToTimedelta().total_seconds() for attempt in await subscribers.attempts(made[0].id)]
    taken = flood.written / len(bad[9].seen)
    told = f"alone: {figures(alone)}; beside ten bad ones: {figures(beside)}"
    print(f"{told}; {grown} KiB more memory; {taken / 1024:.0f} KiB of a GiB taken")  # noqa: T201  the figures
    assert outcomes == {pb.ATTEMPT_OUTCOME_TIMED_OUT}
    assert min(latencies) > TIMEOUT_SECONDS * 0.9
    assert taken < MIB
    assert grown < GROWTH_KIB
