import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import structlog
from prometheus_client import generate_latest

from gateway.edge.answers import dressed
from gateway.edge.bodies import DRAIN_BYTES
from tests.gateway.edge_server import CANARY, MAX_BYTES, RunningEdge, connected, running_edge


@pytest.fixture
async def edge() -> AsyncIterator[RunningEdge]:
    async with running_edge(header=60, body=60) as running:
        yield running


@pytest.fixture
async def client(edge: RunningEdge) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=edge.url, timeout=60, trust_env=False) as http:
        yield http


async def eventually(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.01)


async def exchange(port: int, sent: bytes) -> bytes:
    async with connected(port) as (reader, writer):
        writer.write(sent)
        async with asyncio.timeout(60):
            return await reader.read()


async def test_a_sane_request_id_is_kept_and_echoed(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/orders/1", headers={"X-Request-Id": "trace:4711.a-b_c"})

    assert response.headers["x-request-id"] == "trace:4711.a-b_c"
    assert response.json()["request_id"] == "trace:4711.a-b_c"


@pytest.mark.parametrize("sent", ["short", "a" * 129, "with space", "quote\"'<script>", "-dash-first", ""])
async def test_an_odd_request_id_is_replaced(client: httpx.AsyncClient, sent: str) -> None:
    response = await client.get("/v1/orders/1", headers={"X-Request-Id": sent})

    assert response.headers["x-request-id"].startswith("req-")


async def test_a_repeated_request_id_is_replaced(client: httpx.AsyncClient) -> None:
    twice = [("X-Request-Id", "first-of-two"), ("X-Request-Id", "second-of-two")]

    response = await client.get("/v1/orders/1", headers=twice)

    assert response.headers.get_list("x-request-id")[0].startswith("req-")


async def test_every_request_made_without_an_id_gets_its_own(client: httpx.AsyncClient) -> None:
    ids = {(await client.get("/v1/orders/1")).headers["x-request-id"] for _ in range(20)}

    assert len(ids) == 20


async def test_a_body_of_exactly_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    response = await client.post("/webhooks/skipcart/s", content=b"x" * MAX_BYTES)

    assert (response.status_code, len(response.content)) == (200, MAX_BYTES)


@pytest.mark.parametrize("path", ["/webhooks/skipcart/s", "/v1/orders/1", "/stubborn", "/ignore", "/nowhere"])
async def test_a_declared_body_over_the_limit_is_413_before_the_route_runs(edge: RunningEdge, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {MAX_BYTES + 1}\r\n\r\n"

    received = await exchange(edge.port, head.encode())

    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in received
    body = json.loads(received.partition(b"\r\n\r\n")[2])
    assert body["error"]["code"] == 413
    assert body["error"]["requestId"].encode() in received.partition(b"\r\n\r\n")[0]


async def test_an_absurd_content_length_is_refused_quietly(edge: RunningEdge) -> None:
    for length in (b"9" * 17, b"9" * 30, b"-1", b"1e3", b"0x10", b"1, 1", "٣".encode()):
        received = await exchange(
            edge.port, b"POST /ignore HTTP/1.1\r\nhost: x\r\ncontent-length: " + length + b"\r\n\r\n"
        )
        assert received[9:12] in (b"413", b"400"), length


@pytest.mark.parametrize("path", ["/webhooks/skipcart/s", "/v1/orders/1", "/stubborn"])
async def test_a_chunked_body_over_the_limit_is_413_as_it_passes_it(client: httpx.AsyncClient, path: str) -> None:
    async def too_much() -> AsyncIterator[bytes]:
        for _ in range(MAX_BYTES // 10_000 + 1):
            yield b"x" * 10_000

    response = await client.post(path, content=too_much(), headers={"Content-Type": "application/json"})

    assert response.status_code == 413
    assert response.json()["error"] == {
        "code": 413,
        "status": "RESOURCE_EXHAUSTED",
        "message": f"the body is larger than {MAX_BYTES} bytes",
        "requestId": response.headers["x-request-id"],
    }


async def test_an_endless_chunked_body_is_cut(edge: RunningEdge) -> None:
    async with connected(edge.port) as (_, writer):
        writer.write(b"POST /webhooks/a/b HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        sent = 0
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(60):
                while True:
                    writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                    await writer.drain()
                    sent += 65536

        assert sent < MAX_BYTES + DRAIN_BYTES + (16 << 20)  # what the kernel's buffers hold
        await eventually(lambda: edge.requests_counted("POST", "/webhooks/{dialect}/{secret}", 413))


@pytest.mark.parametrize("path", ["/webhooks/skipcart/s", "/v1/orders/1", "/stubborn"])
async def test_a_body_that_dribbles_is_408_at_the_deadline_and_the_connection_closed(path: str) -> None:
    async with running_edge(header=60, body=0.5) as edge, connected(edge.port) as (reader, writer):
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: text/json\r\ncontent-length: 1000\r\n\r\n"
        began = time.monotonic()
        writer.write(head.encode())

        async def dribble() -> None:
            with contextlib.suppress(ConnectionError):
                while not writer.is_closing():
                    writer.write(b" ")
                    await asyncio.sleep(0.02)

        dribbling = asyncio.create_task(dribble())
        async with asyncio.timeout(60):
            received = b""
            with contextlib.suppress(ConnectionError):
                while piece := await reader.read(65536):
                    received += piece
        await dribbling

        assert received.startswith(b"HTTP/1.1 408 ")
        assert b"DEADLINE_EXCEEDED" in received
        assert time.monotonic() - began > 0.4


async def test_a_stubborn_route_cannot_turn_a_refusal_into_an_answer(
    edge: RunningEdge, client: httpx.AsyncClient
) -> None:
    async def too_much() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 10_000

    response = await client.post("/stubborn", content=too_much())

    assert "all is well" not in response.text
    await eventually(lambda: edge.requests_counted("POST", "/stubborn", 413))


async def test_json_gets_the_headers_for_programs(client: httpx.AsyncClient) -> None:
    for path in ("/v1/orders/1", "/nowhere", "/v1/orders/1/boom"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in headers


async def test_a_page_says_itself_what_may_run_and_be_cached(client: httpx.AsyncClient) -> None:
    plain = (await client.get("/page")).headers
    own = (await client.get("/page?own=1")).headers

    assert "content-security-policy" not in plain
    assert plain["x-content-type-options"] == "nosniff"
    assert own.get_list("content-security-policy") == ["default-src 'self'"]
    assert own.get_list("cache-control") == ["max-age=60"]


def test_only_an_answer_over_tls_asks_for_tls() -> None:
    start = {"type": "http.response.start", "status": 204, "headers": []}

    secure = dict(dressed(start, request_id="req-1", secure=True)["headers"])
    clear = dict(dressed(start, request_id="req-1", secure=False)["headers"])

    assert b"max-age=" in secure[b"strict-transport-security"]
    assert b"strict-transport-security" not in clear


async def test_a_failure_answers_a_sanitised_500_and_is_logged_with_the_request_id(
    client: httpx.AsyncClient,
) -> None:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        response = await client.get("/v1/orders/7/boom")

    assert response.status_code == 500
    assert response.json() == {
        "error": {
            "code": 500,
            "status": "INTERNAL",
            "message": "internal error",
            "requestId": response.headers["x-request-id"],
        }
    }
    assert CANARY not in response.text + str(response.headers)
    failures = [entry for entry in logs if entry["log_level"] == "error"]
    assert [entry["request_id"] for entry in failures] == [response.headers["x-request-id"]]
    assert failures[0]["route"] == "/v1/orders/{order_id}/boom"


async def test_a_failure_after_half_an_answer_cuts_the_connection_and_tells_nothing(
    edge: RunningEdge,
) -> None:
    received = await exchange(edge.port, b"GET /half HTTP/1.1\r\nhost: x\r\n\r\n")

    assert received.endswith(b"first\r\n")
    assert CANARY.encode() not in received


async def test_a_client_that_leaves_is_counted_and_nothing_is_logged_as_an_error(edge: RunningEdge) -> None:
    with structlog.testing.capture_logs() as logs:
        for path in (b"/webhooks/a/b", b"/v1/orders/1"):
            async with connected(edge.port) as (_, writer):
                writer.write(b"POST " + path + b" HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf")
                await writer.drain()

        await eventually(lambda: edge.requests_counted("POST", "/webhooks/{dialect}/{secret}", 499))
        await eventually(lambda: edge.requests_counted("POST", "/v1/orders/{order_id}", 499))

    assert [entry for entry in logs if entry["log_level"] == "error"] == []


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/v1/orders/4711", "/v1/orders/{order_id}", 200),
        ("GET", "/v1/orders/4711/boom", "/v1/orders/{order_id}/boom", 500),
        ("PUT", "/v1/orders/4711", "/v1/orders/{order_id}", 405),
        ("POST", "/webhooks/skipcart/s3cret", "/webhooks/{dialect}/{secret}", 200),
        ("GET", "/page", "/page", 200),
        ("GET", "/files/more/name", "/files/more/{name}", 200),
        ("GET", "/nowhere/4711", "unmatched", 404),
        ("GET", "/files/more/a/b/c", "/files/more/{path}", 404),
    ],
)
async def test_requests_are_counted_by_the_route_that_served_them(
    edge: RunningEdge, client: httpx.AsyncClient, method: str, path: str, route: str, status: int
) -> None:
    response = await client.request(method, path)

    assert response.status_code == status
    assert edge.requests_counted(method, route, status) == 1


async def test_no_client_can_multiply_labels_or_bring_a_path_into_the_log(
    edge: RunningEdge, client: httpx.AsyncClient
) -> None:
    with structlog.testing.capture_logs() as logs:
        for number in range(50):
            await client.request("POST", f"/webhooks/skipcart/s3cret-{number}")
            await client.request("PROPFIND" if number % 2 else "REPORT", f"/s3cret-{number}")

    assert "s3cret" not in str(logs)
    assert "s3cret" not in generate_latest(edge.registry).decode()
    counts = [line for line in generate_latest(edge.registry).decode().splitlines() if "request_seconds_count" in line]
    assert len(counts) == 2
    assert {entry["route"] for entry in logs} == {"/webhooks/{dialect}/{secret}", "unmatched"}
