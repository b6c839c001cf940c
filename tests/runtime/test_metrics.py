import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from runtime.metrics import (
    HTTP_SECONDS_BUCKETS,
    REQUEST_BYTES,
    RPC_SECONDS_BUCKETS,
    MetricsServer,
    exposition,
)


@pytest.fixture
async def served() -> AsyncIterator[tuple[CollectorRegistry, str]]:
    registry = CollectorRegistry()
    server = await MetricsServer.start("127.0.0.1", 0, registry)
    yield registry, f"http://127.0.0.1:{server.port}"
    await server.close()


async def test_a_scrape_sees_what_was_counted(served: tuple[CollectorRegistry, str]) -> None:
    registry, address = served
    Counter("parcels", "Parcels seen.", registry=registry).inc(3)

    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{address}/metrics?name=x")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "parcels_total 3.0" in answer.text


async def test_a_scraper_that_speaks_openmetrics_gets_it(served: tuple[CollectorRegistry, str]) -> None:
    _, address = served

    async with httpx.AsyncClient() as client:
        answer = await client.get(
            f"{address}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
        )

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("POST", "/metrics", 405), ("HEAD", "/metrics", 200)]
)
async def test_other_requests_are_answered_too(
    served: tuple[CollectorRegistry, str], method: str, path: str, status: int
) -> None:
    _, address = served

    async with httpx.AsyncClient() as client:
        assert (await client.request(method, address + path)).status_code == status


async def test_a_request_without_end_is_cut(served: tuple[CollectorRegistry, str]) -> None:
    _, address = served
    reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))

    writer.write(b"GET /metrics HTTP/1.1\r\nx: " + b"y" * (2 * REQUEST_BYTES))

    async with asyncio.timeout(60):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()


def test_the_process_is_among_the_metrics() -> None:
    text, _ = exposition()

    assert b"process_resident_memory_bytes" in text
    assert b"process_cpu_seconds_total" in text
    assert b"python_gc_collections_total" in text


@pytest.mark.parametrize("buckets", [RPC_SECONDS_BUCKETS, HTTP_SECONDS_BUCKETS])
def test_buckets_make_a_histogram(buckets: tuple[float, ...]) -> None:
    registry = CollectorRegistry()

    Histogram("call_seconds", "Time of a call.", buckets=buckets, registry=registry).observe(0.003)

    assert b'call_seconds_bucket{le="0.005"} 1.0' in exposition(registry=registry)[0]
