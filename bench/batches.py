"""Calls `BatchIngestWebhooks` without a gateway in between, from an event loop of its own process."""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence

import grpc

from bench.figures import Figures, percentile
from bench.messages import batches

SIZE = 128
IN_FLIGHT = 2
METHOD = "/crossdock.v1.WebhookService/BatchIngestWebhooks"
_MOST_PER_SECOND = 15_000


async def make(source_id: str, tag: str, seconds: float) -> list[bytes]:
    """More requests than any server takes in so many seconds, made in a process of its own."""
    count = int(seconds * _MOST_PER_SECOND / SIZE)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return await asyncio.to_thread(pool.apply_async(_make, (source_id, tag, count)).get)


async def load(server: str, metadata: Sequence[tuple[str, str]], requests: Sequence[bytes], seconds: float) -> Figures:
    """Two batches of 128 at once, as a gateway has them; the latency is a batch's, what is counted are messages."""
    waiting = iter(requests)
    took: list[float] = []
    failed = 0

    async def send(method: "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]", end: float) -> None:
        nonlocal failed
        for request in waiting:
            began = time.perf_counter()
            try:
                await method(request, metadata=tuple(metadata), timeout=10)
            except grpc.aio.AioRpcError:
                failed += SIZE
            else:
                took.append((time.perf_counter() - began) * 1000)
            if time.perf_counter() > end:
                return

    async with grpc.aio.insecure_channel(server) as channel:
        method = channel.unary_unary(METHOD, request_serializer=bytes, response_deserializer=bytes)
        began = time.perf_counter()
        await asyncio.gather(*(send(method, began + seconds) for _ in range(IN_FLIGHT)))
        lasted = time.perf_counter() - began
    return Figures(len(took) * SIZE, failed, lasted, percentile(took, 50), percentile(took, 99))


def _make(source_id: str, tag: str, count: int) -> list[bytes]:
    source = batches(source_id, tag, SIZE)
    return [next(source) for _ in range(count)]
