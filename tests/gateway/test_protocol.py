import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.gateway.edge_server import connected, running_edge

HEAD = b"GET /v1/orders/1 HTTP/1.1\r\nhost: x\r\n"


async def received_until_closed(reader: asyncio.StreamReader, seconds: float) -> bytes:
    received = b""
    async with asyncio.timeout(seconds):
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                received += piece
    return received


@contextlib.asynccontextmanager
async def dribbling(writer: asyncio.StreamWriter, piece: bytes, pause: float = 0.02) -> AsyncIterator[None]:
    async def dribble() -> None:
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)

    task = asyncio.create_task(dribble())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        pytest.param(b"", b"", id="nothing is sent"),
        pytest.param(b"", b"\r\n", id="blank lines"),
        pytest.param(b"GE", b"", id="half a method"),
        pytest.param(HEAD, b"x-a: b\r\n", id="headers without end"),
        pytest.param(HEAD + b"x-a: ", b"b", id="a header without end"),
        pytest.param(HEAD + b"\r\n", b"\r\n", id="blank lines after an answer"),
        pytest.param(HEAD + b"\r\n" + HEAD, b"x-a: b\r\n", id="headers of the second request"),
        pytest.param(
            b"POST /ignore HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\n",
            b"x",
            id="a body nobody reads",
        ),
    ],
)
async def test_a_client_that_dribbles_is_cut_at_the_deadline(first: bytes, piece: bytes) -> None:
    async with running_edge(header=0.5, body=0.5, unread=0.7) as edge:
        began = time.monotonic()
        async with connected(edge.port) as (reader, writer):
            writer.write(first)

            async with dribbling(writer, piece):
                received = await received_until_closed(reader, 60)

        assert time.monotonic() - began > 0.4
        if first.startswith(HEAD + b"\r\n"):
            assert received.startswith(b"HTTP/1.1 200 ")


async def test_headers_that_come_too_slowly_are_answered_408() -> None:
    async with running_edge(header=0.3, body=5) as edge, connected(edge.port) as (reader, writer):
        writer.write(HEAD)

        received = await received_until_closed(reader, 60)

        assert received.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "first", [HEAD + b"x-a: ", HEAD.replace(b"/v1/orders/1", b"/"), b"POST /webhooks/a/b HTTP/1.1\r\nx-a: "]
)
async def test_headers_without_end_are_431_before_they_fill_the_memory(first: bytes) -> None:
    async with running_edge(header=70, body=70) as edge, connected(edge.port) as (reader, writer):
        writer.write(first)

        async with dribbling(writer, b"b" * 8192, pause=0):
            received = await received_until_closed(reader, 60)

        assert received[9:12] in (b"431", b"")  # a reset may overtake the answer


async def test_trailers_without_end_are_cut() -> None:
    async with running_edge(header=70, body=70) as edge, connected(edge.port) as (reader, writer):
        writer.write(b"POST /webhooks/a/b HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")

        async with dribbling(writer, b"x-t: " + b"b" * 8192 + b"\r\n", pause=0):
            await received_until_closed(reader, 60)


async def test_a_client_that_does_not_read_its_answer_is_cut() -> None:
    async with running_edge(header=5, body=5, reader=0.4) as edge, connected(edge.port) as (_, writer):
        writer.write(b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n")

        deadline = time.monotonic() + 60
        while not edge.requests_counted("GET", "/flood", 200):
            assert time.monotonic() < deadline, "the flood still flows"
            await asyncio.sleep(0.02)

        assert edge.seen.chunks_written > 1


async def test_a_slow_route_is_not_taken_for_a_slow_client() -> None:
    async with running_edge(header=0.3, body=5, unread=0.3) as edge, connected(edge.port) as (reader, writer):
        body = b"x" * 150_000
        writer.write(b"POST /wait HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 150000\r\n\r\n" + body)
        deadline = time.monotonic() + 1  # three deadlines of the protocol
        while time.monotonic() < deadline:
            assert not reader.at_eof()
            await asyncio.sleep(0.05)
        edge.seen.release.set()

        received = await received_until_closed(reader, 60)

        assert received.endswith(b"150000")


async def test_a_kept_connection_serves_many_requests_over_more_than_one_deadline() -> None:
    async with (
        running_edge(header=0.3, body=0.3, unread=0.3) as edge,
        httpx.AsyncClient(base_url=edge.url, limits=httpx.Limits(max_connections=1), timeout=60) as client,
    ):
        deadline = time.monotonic() + 1
        statuses = set()
        while time.monotonic() < deadline:
            statuses.add((await client.post("/webhooks/a/b", content=b"{}")).status_code)
            await asyncio.sleep(0.05)

        assert statuses == {200}


async def test_pipelined_requests_are_served_in_turn() -> None:
    async with running_edge(header=1, body=1) as edge, connected(edge.port) as (reader, writer):
        writer.write(3 * (HEAD + b"\r\n") + HEAD + b"connection: close\r\n\r\n")

        received = await received_until_closed(reader, 60)

        assert received.count(b"HTTP/1.1 200 ") == 4


async def test_a_pointless_upgrade_is_served_as_a_plain_request() -> None:
    async with running_edge(header=1, body=1) as edge, connected(edge.port) as (reader, writer):
        writer.write(HEAD + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n")

        async with asyncio.timeout(60):
            received = await reader.readuntil(b"}")

        assert received.startswith(b"HTTP/1.1 200 ")


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


async def slow_life(port: int, number: int) -> float:
    """Dribble headers or a body until cut off, and say after how many seconds that was."""
    began = time.monotonic()
    async with connected(port) as (reader, writer):
        if number % 2:
            writer.write(HEAD)
            piece = b"x-a: b\r\n"
        else:
            writer.write(b"POST /webhooks/a/b HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n")
            piece = b"x"
        async with dribbling(writer, piece, pause=0.25):
            await received_until_closed(reader, 60)
        return time.monotonic() - began


SLOW_CLIENTS, DEADLINE_SECONDS = 200, 1.5


async def test_two_hundred_slow_clients_are_cut_and_starve_nobody() -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.gateway.edge_server",
        str(DEADLINE_SECONDS),
        str(DEADLINE_SECONDS),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdout is not None
    assert server.stdin is not None
    try:
        async with asyncio.timeout(60):
            port = int(await server.stdout.readline())
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            for _ in range(100):
                assert (await client.post("/webhooks/a/b", content=b"x" * 1200)).status_code == 200
            before = resident_kib(server.pid)
            slow = [asyncio.create_task(slow_life(port, number)) for number in range(SLOW_CLIENTS)]
            highest = before
            while not all(task.done() for task in slow):
                response = await client.post("/webhooks/a/b", content=b"x" * 1200)
                assert response.status_code == 200
                highest = max(highest, resident_kib(server.pid))
                await asyncio.sleep(0.005)
            lifetimes = [task.result() for task in slow]
    finally:
        server.stdin.close()
        await server.stdout.read()
        await server.wait()

    # Nobody waited for the slow ones: their deadlines, one after the other, are longer than the client's patience.
    assert min(lifetimes) > DEADLINE_SECONDS * 0.9
    assert highest - before <= 40 << 10
