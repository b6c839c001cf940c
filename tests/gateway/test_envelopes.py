"""What no route of a dialect answers is answered in the dialect's own form all the same."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.server import Server
from tests.gateway.edge_server import connected, running_edge
from tests.gateway.webhook_services import running_gateway

SHAPES = {"/deliverysolutions": {"type", "message"}, "/hubrise": {"message", "error_type"}, "": {"error"}}
"""The members of an error by the beginning of an address; the last is our own."""
MAX_BYTES = 2000

DELIVERY_SOLUTIONS = "/deliverysolutions/v2/shipments"
HUBRISE = "/hubrise/v1/location/orders"


@pytest.fixture
async def gateway(address: str) -> AsyncIterator[Server]:
    async with running_gateway(address, max_body_bytes=MAX_BYTES) as gateway:
        yield gateway


def shape(path: str) -> set[str]:
    return next(members for prefix, members in SHAPES.items() if path.startswith(prefix))


@pytest.mark.parametrize("path", [DELIVERY_SOLUTIONS, HUBRISE, "/webhooks/skipcart/s/t"])
async def test_a_body_that_is_too_large_is_refused_in_the_callers_form(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, content=b"[" * (MAX_BYTES + 1), headers={"content-type": "application/json"})

    assert answer.status_code == 413
    assert set(answer.json()) == shape(path)
    assert str(MAX_BYTES) in answer.text


@pytest.mark.parametrize("path", ["/deliverysolutions/echo", "/hubrise/echo", "/webhooks/skipcart/s"])
async def test_a_body_that_never_ends_is_refused_in_the_callers_form(path: str) -> None:
    async with running_edge(header=60, body=0.1) as edge, connected(edge.port) as (reader, writer):
        writer.write(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{{".encode())
        async with asyncio.timeout(60):
            received = await reader.read()

    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert set(json.loads(body)) == shape(path)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/deliverysolutions", 404),
        ("GET", "/deliverysolutions/", 404),
        ("GET", "/deliverysolutions/v3/shipments", 404),
        ("GET", "/deliverysolutions/v2/orders", 404),
        ("GET", "/deliverysolutions%2Fv2/shipments/1", 404),
        ("PATCH", f"{DELIVERY_SOLUTIONS}/1", 405),
    ],
)
async def test_what_is_not_there_is_not_found_in_delivery_solutions_words(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, answer.json()["type"]) == (status, "NOT_FOUND")
    assert set(answer.json()) == shape(path)
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/hubrise", "/hubrise/v2/location"])
async def test_what_is_not_there_is_a_routing_error_to_hubrise(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert (answer.status_code, answer.json()) == (404, {"error_type": "routing_error"})
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_an_address_that_only_begins_like_a_dialects_is_not_its_own(client: httpx.AsyncClient) -> None:
    answer: Any = (await client.get("/deliverysolutionsx")).json()

    assert answer["error"]["status"] == "NOT_FOUND"
