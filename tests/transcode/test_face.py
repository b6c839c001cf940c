"""The face on the real services, header by header."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor_pool import DescriptorPool
from prometheus_client import CollectorRegistry
from starlette.routing import BaseRoute

from gateway.transcode import canonical_routes
from gateway.transcode.bindings import contract_services
from services.server import Server
from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import Metadata, World
from tests.transcode.faces import our_face


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: Metadata) -> World:
    return await World.make(channel, system)


@pytest.fixture
async def client(channel: grpc.aio.Channel, world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        our_face(channel) as url,
        httpx.AsyncClient(base_url=url, headers=dict(world.account), timeout=60) as client,
    ):
        yield client


def reason(answer: httpx.Response) -> str:
    error = answer.json()
    assert set(error) == {"code", "status", "message", "details"}
    return str(error["details"][0]["reason"])


def fields(answer: httpx.Response) -> list[str]:
    return [each.get("field", "") for each in answer.json()["details"][1]["fieldViolations"]]


async def test_a_created_thing_is_shown_read_listed_and_explained(client: httpx.AsyncClient) -> None:
    created = await client.post("/v1/deliveries", json={"carrier": "Skipcart"})

    delivery = created.json()
    path = f"/v1/deliveries/{delivery['id']}"
    assert (created.status_code, delivery["carrier"], delivery["status"]) == (
        200,
        "Skipcart",
        "DELIVERY_STATUS_CREATED",
    )
    assert (await client.get(path)).json() == delivery
    assert (await client.get("/v1/deliveries")).json() == {"deliveries": [delivery]}
    assert [each["number"] for each in (await client.get(f"{path}/events")).json()["events"]] == ["1"]
    assert (await client.get(f"{path}:explain")).json()["steps"]


async def test_an_idempotency_key_makes_a_call_repeatable(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "abc"}

    first = await client.post("/v1/deliveries", json={"carrier": "A"}, headers=key)
    again = await client.post("/v1/deliveries", json={"carrier": "A"}, headers=key)
    other = await client.post("/v1/deliveries", json={"carrier": "B"}, headers=key)
    two = await client.post("/v1/deliveries?requestId=other", json={"carrier": "A"}, headers=key)
    same = await client.post("/v1/deliveries?requestId=abc", json={"carrier": "A"}, headers=key)

    assert first.json() == again.json() == same.json()
    assert (other.status_code, reason(other)) == (409, "REQUEST_ID_REUSED")
    assert (two.status_code, fields(two)) == (400, ["request_id"])


async def test_a_change_can_depend_on_the_etag_that_was_read(client: httpx.AsyncClient) -> None:
    created = await client.post("/v1/deliveries", json={})
    path = f"/v1/deliveries/{created.json()['id']}"
    etag = created.headers["etag"]

    async def patch(condition: str, **members: Any) -> httpx.Response:
        return await client.patch(path, json={"delayed": True, **members}, headers={"If-Match": condition})

    changed = await patch(etag)
    stale = await patch(etag, onHold=True)
    weak = await patch(f"W/{changed.headers['etag']}")
    contradicting = await patch(changed.headers["etag"], etag="77")
    several = await patch('"1", "2"')
    cancelled = await client.post(f"{path}:cancel", headers={"If-Match": etag})

    assert etag == f'"{created.json()["etag"]}"'
    assert (changed.status_code, changed.headers["etag"]) == (200, f'"{changed.json()["etag"]}"')
    assert [(each.status_code, reason(each)) for each in (stale, weak, cancelled)] == [(412, "ETAG_MISMATCH")] * 3
    assert [(each.status_code, fields(each)) for each in (contradicting, several)] == [(400, ["delivery.etag"])] * 2
    assert (await patch("*")).status_code == 200


async def test_a_condition_that_cannot_be_kept_is_refused(client: httpx.AsyncClient) -> None:
    creation = await client.post("/v1/deliveries", json={}, headers={"If-Match": '"1"'})
    unless = await client.post("/v1/deliveries", json={}, headers={"If-None-Match": "*"})

    assert [creation.status_code, unless.status_code] == [400, 400]
    assert (await client.get("/v1/deliveries")).json() == {}


async def test_a_reader_who_has_the_present_state_is_told_so(client: httpx.AsyncClient) -> None:
    created = await client.post("/v1/deliveries", json={})
    path = f"/v1/deliveries/{created.json()['id']}"

    same = await client.get(path, headers={"If-None-Match": f'"9", W/{created.headers["etag"]}'})
    other = await client.get(path, headers={"If-None-Match": '"9"'})

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", created.headers["etag"])
    assert other.status_code == 200


async def test_a_patch_changes_what_stands_in_its_body_and_nothing_else(client: httpx.AsyncClient) -> None:
    created = await client.post(
        "/v1/deliveries", json={"courier": {"name": "Jane"}, "delayed": True, "parkingSlot": "7"}
    )
    path = f"/v1/deliveries/{created.json()['id']}"

    erased = await client.patch(path, json={"parkingSlot": None, "delayed": False})
    nested = await client.patch(path, json={"courier": {"lastName": "Doe"}})
    masked = await client.patch(f"{path}?updateMask=courier.lastName", json={"courier": {"name": "Tom"}})
    empty = await client.patch(path, json={})

    assert not {"parkingSlot", "delayed"} & set(erased.json())
    assert nested.json()["courier"] == {"name": "Jane", "lastName": "Doe"}
    assert masked.json()["courier"] == {"name": "Jane"}
    assert empty.json()["courier"] == {"name": "Jane"}


async def test_who_is_not_known_is_told_how_to_authenticate(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/caller", headers={"authorization": "Bearer nonsense"})
    none = await client.get("/v1/caller", headers={"authorization": "Basic eDp5"})
    strange = await client.get("/v1/caller", headers={b"authorization": b"Bearer \xff\xfe"})

    assert (answer.status_code, reason(answer)) == (401, "TOKEN_INVALID")
    assert answer.headers["www-authenticate"] == 'Bearer realm="crossdock"'
    assert (none.status_code, strange.status_code) == (401, 400)


async def test_the_deployment_may_say_for_which_tenant_it_calls(
    client: httpx.AsyncClient, world: World, system: Metadata
) -> None:
    headers = {**dict(system), "x-crossdock-tenant": world.tenant_id}

    assert (await client.get("/v1/locations", headers=headers)).json()["locations"][0]["id"] == world.location_id


async def test_what_may_pass_says_when_to_come_again(world: World) -> None:
    async with (
        grpc.aio.insecure_channel("127.0.0.1:1") as nowhere,
        our_face(nowhere) as url,
        httpx.AsyncClient(timeout=60) as client,
    ):
        answer = await client.get(f"{url}/v1/deliveries", headers=dict(world.account), timeout=60)

    assert (answer.status_code, reason(answer), answer.headers["retry-after"]) == (503, "UNAVAILABLE", "1")
    assert "127.0.0.1" not in answer.text


async def test_other_bodies_than_json_are_refused(client: httpx.AsyncClient) -> None:
    async def status(body: bytes, content_type: str | None, **headers: str) -> int:
        sent = {**headers, **({"content-type": content_type} if content_type is not None else {})}
        return (await client.post("/v1/deliveries", content=body, headers=sent)).status_code

    assert await status(b"carrier=x", "application/x-www-form-urlencoded") == 415
    assert await status(b"{}", "application/json; charset=latin-1") == 415
    assert await status(b"{}", "application/json", **{"content-encoding": "gzip"}) == 415
    assert await status(b"{}", 'application/json; charset="UTF-8"') == 200
    assert await status(b"{}", None) == 200
    assert await status(b'{"carrier": NaN}', "application/json") == 400
    assert await status(b'{"carrier": "\\ud800"}', "application/json") == 400
    assert await status(b"{} {}", "application/json") == 400


async def test_a_head_has_the_headers_of_a_get(client: httpx.AsyncClient) -> None:
    got, headed = await client.get("/v1/locations"), await client.head("/v1/locations")

    assert headed.content == b""
    assert headed.headers["content-length"] == got.headers["content-length"]


async def test_a_path_says_what_it_takes(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/v1/deliveries")
    stream = await client.head("/v1/events:watch")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, HEAD")
    assert (stream.status_code, stream.headers["allow"]) == (405, "GET")
    assert reason(await client.get("/v1/nonsense")) == "NOT_FOUND"


async def test_a_request_has_one_name_everywhere(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/caller", headers={"X-Request-Id": "my-request-7"})

    assert answer.headers["x-request-id"] == "my-request-7"


async def test_all_faults_of_path_query_body_and_headers_are_told_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.patch(
        "/v1/deliveries/dlv_1?validateOnly=perhaps&nonsense=1&delivery.carrier=x",
        json={"id": "dlv_2", "carrier": 5, "wheels": 4},
        headers={"If-Match": "1"},
    )

    assert answer.status_code == 400
    assert sorted(fields(answer)) == [
        "delivery.carrier",
        "delivery.carrier",
        "delivery.etag",
        "delivery.id",
        "delivery.wheels",
        "nonsense",
        "validate_only",
    ]


async def test_queries_take_nested_and_repeated_members_in_both_spellings(
    client: httpx.AsyncClient, world: World
) -> None:
    await world.delivery(carrier="A")

    async def events(query: str) -> int:
        answer = await client.get(f"/v1/events?{query}")
        assert answer.status_code == 200, answer.text
        return len(answer.json().get("events", []))

    assert await events("filter.kinds=EVENT_KIND_CREATED&filter.kinds=2") == 1
    assert await events("filter.kinds=EVENT_KIND_STATUS_CHANGED") == 0
    assert await events("filter.exclude_synthetic=true&filter.excludeIneffective=false&pageSize=5") == 1
    assert await events("startTime=2200-01-01T00:00:00%2B02:00") == 0


async def test_requests_are_counted_under_their_template(channel: grpc.aio.Channel, world: World) -> None:
    registry = CollectorRegistry()
    async with (
        our_face(channel, registry=registry) as url,
        httpx.AsyncClient(headers=dict(world.account), timeout=60) as client,
    ):
        await client.get(f"{url}/v1/deliveries/dlv_1:explain")

    labels = {"method": "GET", "route": "/v1/deliveries/{delivery_id}:explain", "status": "404"}
    assert registry.get_sample_value("crossdock_http_request_seconds_count", labels) == 1


async def test_a_method_that_is_added_to_the_contract_has_its_route(channel: grpc.aio.Channel, world: World) -> None:
    routes = canonical_routes(channel, services=[*contract_services(), added_service()])

    answers = await ask_new_method(channel, world, routes)

    assert [answer.status_code for answer in answers] == [501, 400]
    assert answers[0].json()["details"][0]["metadata"] == {"method": "/crossdock.v1.PalletService/GetPallet"}


def added_service() -> Any:
    """A service that the contract does not have."""
    pool = DescriptorPool()
    default = descriptor_pool.Default()
    for name in ("google/protobuf/descriptor.proto", "google/api/http.proto", "google/api/annotations.proto"):
        file = descriptor_pb2.FileDescriptorProto()
        default.FindFileByName(name).CopyToProto(file)
        pool.Add(file)
    from google.api import annotations_pb2

    extension: Any = annotations_pb2.http
    file = descriptor_pb2.FileDescriptorProto(name="pallet.proto", package="crossdock.v1", syntax="proto3")
    file.dependency.append("google/api/annotations.proto")
    file.message_type.add(name="GetPalletRequest").field.add(name="name", number=1, type=9, label=1)
    file.message_type.add(name="Pallet")
    method = file.service.add(name="PalletService").method.add(
        name="GetPallet", input_type=".crossdock.v1.GetPalletRequest", output_type=".crossdock.v1.Pallet"
    )
    method.options.Extensions[extension].get = "/v1/{name=pallets/**}"
    pool.Add(file)
    return pool.FindServiceByName("crossdock.v1.PalletService")


async def ask_new_method(channel: grpc.aio.Channel, world: World, routes: list[BaseRoute]) -> list[httpx.Response]:
    async with our_face(channel, routes) as url, httpx.AsyncClient(headers=dict(world.account), timeout=60) as client:
        return [await client.get(f"{url}/v1/pallets/a/b"), await client.get(f"{url}/v1/pallets/a?weight=1")]


async def test_every_annotated_method_has_a_route_and_no_other(channel: grpc.aio.Channel) -> None:
    (route,) = canonical_routes(channel)

    served = {each.endpoint.binding.method.full_name for each in route.routes}  # type: ignore[attr-defined]

    assert "crossdock.v1.ShipmentService.QuoteShipment" in served
    assert "crossdock.v1.WebhookService.IngestWebhook" not in served
    assert not any("CarrierService." in name for name in served)


async def test_the_gateway_serves_the_face(server: Server, world: World) -> None:
    async with (
        running_gateway(server.address) as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=60) as client,
    ):
        answer = await client.get("/v1/caller", headers=dict(world.account), timeout=60)
        large = await client.post("/v1/deliveries", content=b"[" * (2 << 20), headers=dict(world.account), timeout=60)

    assert answer.json()["tenant"]["id"] == world.tenant_id
    assert large.status_code == 413
