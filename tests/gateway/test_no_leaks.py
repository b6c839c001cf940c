"""No route tells what went wrong inside: each one is made to fail with a canary in the exception."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from starlette.routing import BaseRoute, Mount, Route

from gateway.app import Gateway
from gateway.config import Settings
from runtime import typeid
from tests.gateway.webhook_services import DIALECTS

CANARY = "canary-7d1f"
CANNOT_FAIL = {"/healthz", "/openapi.json", "/docs", "/docs/{file}"}
BODIES = {"POST", "PUT", "PATCH"}


class BrokenChannel:
    """Makes calls as any channel does; each breaks when it is made."""

    def unary_unary(self, method: str, **_: object) -> Callable[..., NoReturn]:
        def call(*_: object, **__: object) -> NoReturn:
            raise RuntimeError(f"{CANARY} {method}")

        return call

    unary_stream = unary_unary


class Broken:
    """Stands in for all that a route calls: whatever is asked of it breaks."""

    channel = BrokenChannel()
    seconds = 1.0

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(f"{CANARY} {name}")

    def describe(self) -> list[Metric]:
        return []  # what it would collect is not tried when it is registered

    def collect(self) -> Iterator[Metric]:
        raise RuntimeError(CANARY)


def broken_gateway() -> Gateway:
    services: Any = Broken()
    registry = CollectorRegistry(auto_describe=False)
    gateway = Gateway(Settings(sending=False), services, registry, DIALECTS)
    registry.register(services)
    return gateway


def endpoints(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and template of everything that is served, what is mounted included."""
    for route in routes:
        if isinstance(route, Mount):
            yield from endpoints(route.routes, prefix + route.path)
        elif hasattr(route, "effective_route_contexts"):  # FastAPI: a router that was included
            for context in route.effective_route_contexts():
                yield from ((method, prefix + context.path_format) for method in sorted(context.methods))
        elif hasattr(route, "routes"):  # the canonical ones, which are a table of their own
            for served in route.routes:
                yield from ((method, prefix + served.path) for method in sorted(served.methods - {"HEAD"}))
        elif isinstance(route, Route):
            for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, prefix + route.path


ENDPOINTS = list(endpoints(broken_gateway().app.routes))


def filled(template: str) -> str:
    values = {
        "dialect": "plain",
        "source_id": typeid.encode("src", typeid.new_uuid7()),
        "number": "1",
        "token": "A" * 27,
    }
    return re.sub(r"\{([\w.]+)(?::\w+)?\}", lambda match: values.get(match[1], "x" * 20), template)


def test_the_route_table_has_the_routes() -> None:
    assert ("POST", "/webhooks/{dialect}/{source_id}/{secret}") in ENDPOINTS
    assert ("PATCH", "/hubrise/v1/location/orders/{order_id}/delivery") in ENDPOINTS
    assert ("GET", "/v1/deliveries/{delivery_id}") in ENDPOINTS
    assert len(ENDPOINTS) >= 50


@pytest.mark.parametrize(("method", "template"), ENDPOINTS)
async def test_a_fault_inside_shows_nothing_outside(
    method: str, template: str, capfd: pytest.CaptureFixture[str]
) -> None:
    transport = httpx.ASGITransport(broken_gateway().app)
    headers = {"X-Access-Token": "x" * 20, "x-api-key": "x" * 20, "tenantid": "x", "Content-Type": "application/json"}

    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        answer = await client.request(method, filled(template), content=b"{}" if method in BODIES else None)

    if template in CANNOT_FAIL:
        assert answer.status_code in (200, 404)
        return
    assert answer.status_code in (500, 503)
    assert CANARY not in answer.text + str(answer.headers)
    assert "Traceback" not in answer.text
    assert CANARY in "".join(capfd.readouterr())
