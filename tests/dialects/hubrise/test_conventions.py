"""What all of the dialect's routes have in common: tokens, bodies, methods, browsers."""

import httpx
import pytest
from crossdock.v1 import access_pb2

from tests.dialects.hubrise.conftest import Shop, client_with
from tests.dialects.hubrise.hubrise_answers import error_of
from tests.gateway.test_strict_json import CORPUS

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_short_address_is_for_location_tokens(shop: Shop) -> None:
    order = await shop.delivery()

    answer = await shop.account.get(f"/location/orders/{order}/delivery")

    assert error_of(answer) == (403, "forbidden")
    assert "/locations/:location_id" in answer.json()["message"]


async def test_a_token_without_the_scope_is_forbidden(shop: Shop) -> None:
    order = await shop.delivery()
    scopes = [access_pb2.SCOPE_DELIVERIES_READ, access_pb2.SCOPE_LOCATIONS_READ]
    reader = await shop.world.token(access_pb2.ACCESS_LEVEL_LOCATION, scopes, location_id=shop.location_id)

    async with client_with(shop.url, reader) as client:
        read = await client.get(f"/location/orders/{order}/delivery")
        written = await client.patch(f"/location/orders/{order}/delivery", json={"ref": "1"})

    assert read.status_code == 200
    assert error_of(written) == (403, "forbidden")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Access-Token": ""},
        {"X-Access-Token": "wrong"},
        {"X-Access-Token": "x" * 600},
        {"X-Access-Token": "\u00fc"},
        {"X-Access-Token": "two words"},
        {"X-Api-Key": "TOKEN"},
        {"Authorization": "Bearer TOKEN"},
    ],
)
async def test_nothing_but_the_access_token_gives_access(shop: Shop, headers: dict[str, str]) -> None:
    token = shop.local.headers["X-Access-Token"]
    sent = [(name, value.replace("TOKEN", token).encode()) for name, value in headers.items()]

    async with httpx.AsyncClient(base_url=shop.url, timeout=60) as client:
        answer = await client.get("/location/orders", headers=sent)  # type: ignore[arg-type]  # bytes are sent as they are

    assert error_of(answer) == (401, "unauthorized")
    assert answer.json()["message"]


@pytest.mark.parametrize(
    ("content_type", "body", "status", "error_type"),
    [
        ("text/plain", b"{}", 415, "unsupported_media_type"),
        ("application/x-www-form-urlencoded", b"carrier=UPS", 415, "unsupported_media_type"),
        ("application/json; charset=latin-1", b"{}", 415, "unsupported_media_type"),
        (None, b"{}", 415, "unsupported_media_type"),
        ("application/json; charset=UTF-8", b"{}", 422, "unprocessable_entity"),
        ("application/json", b"", 400, "unprocessable_entity"),
        ("application/json", b"[]", 400, "unprocessable_entity"),
        ("application/json", b'{"carrier": "a", "carrier": "b"}', 400, "unprocessable_entity"),
        ("application/json", b'{"driver_latitude": NaN}', 400, "unprocessable_entity"),
        ("application/json", b'{"carrier": "\\u0000"}', 400, "unprocessable_entity"),
        ("application/json", b"\xff\xfe{\x00}\x00", 400, "unprocessable_entity"),
    ],
)
async def test_a_body_must_be_json_and_say_so(
    shop: Shop, content_type: str | None, body: bytes, status: int, error_type: str
) -> None:
    order = await shop.order()
    headers = {"Content-Type": content_type} if content_type else {}

    answer = await shop.local.post(f"/location/orders/{order}/delivery", content=body, headers=headers)

    assert error_of(answer) == (status, error_type)


async def test_hostile_bytes_are_the_clients_fault(shop: Shop) -> None:
    order = await shop.delivery()
    path = f"/location/orders/{order}/delivery"
    before = await shop.get(order)

    for name, raw in CORPUS:
        answer = await shop.local.patch(path, content=raw, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 413), name

    assert await shop.get(order) == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("GET", "/no%0Awhere"),
        ("GET", ""),
        ("GET", "/location/orders/"),
        ("DELETE", "/location/orders/ord_1/delivery"),
        ("PUT", "/location/orders/ord_1"),
    ],
)
async def test_an_unknown_route_is_a_routing_error(shop: Shop, method: str, path: str) -> None:
    answer = await shop.local.request(method, path)

    assert (answer.status_code, answer.json()) == (404, {"error_type": "routing_error"})


async def test_the_method_of_a_post_can_be_told_by_a_header(shop: Shop) -> None:
    order = await shop.delivery()
    path = f"/location/orders/{order}/delivery"

    patched = await shop.local.post(path, json={"ref": "7"}, headers={"X-Http-Method-Override": "patch"})
    unknown = await shop.local.post(path, json={"ref": "8"}, headers={"X-Http-Method-Override": "MELT"})
    got = await shop.local.get(path, headers={"X-Http-Method-Override": "PATCH"})

    assert (patched.status_code, patched.json()["ref"]) == (200, "7")
    assert (unknown.status_code, unknown.json()) == (404, {"error_type": "routing_error"})
    assert (got.status_code, got.json()["ref"]) == (200, "7")


async def test_browsers_may_call_from_anywhere(shop: Shop) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Headers": "x-access-token"}

    async with httpx.AsyncClient(base_url=shop.url, timeout=60) as client:
        preflight = await client.options("/location/orders", headers=asked)
        refused = await client.get("/location/orders")

    assert preflight.status_code == 204
    assert "X-Access-Token" in preflight.headers["Access-Control-Allow-Headers"]
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
    for answer in (preflight, refused, await shop.local.get("/location/orders")):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "X-Cursor-Next" in answer.headers["Access-Control-Expose-Headers"]


async def test_every_answer_has_the_requests_id(shop: Shop) -> None:
    answer = await shop.local.get("/location/orders/ord_1", headers={"X-Request-Id": "partner-4711"})

    assert answer.headers["X-Request-Id"] == "partner-4711"
