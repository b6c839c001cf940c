"""Pictures over HTTP: those that are stored, and those that the carrier keeps for itself."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.proof_pb2 import Proof, ProofKind
from crossdock.v1.webhook_pb2 import AuthScheme, FetchHeader, UnknownTargetPolicy, WebhookSource
from pydantic import SecretStr

from gateway.dialects.registry import INBOUND
from gateway.server import Server
from tests.conftest import SYSTEM_TOKEN
from tests.dialects.ordatic import ordatic_documents
from tests.gateway.egress.far_servers import NEIGHBOUR, Serve, answer, answering, far_server, read_request
from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import Metadata, World

if TYPE_CHECKING:
    from services.server import Server as Services

PHOTO = ProofKind.PROOF_KIND_PHOTO
EXAMPLE = Path(__file__).parents[1] / "dialects" / "skipcart" / "documented_example.json"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100
HASH = sha256(PNG).hexdigest()


@pytest.fixture
async def gateway(server: "Services") -> AsyncIterator[Server]:
    allowed = f"http://{NEIGHBOUR}"
    key = SecretStr(SYSTEM_TOKEN)
    async with running_gateway(server.address, INBOUND, egress_allow=allowed, system_token=key) as gateway:
        yield gateway


@pytest.fixture
async def client(gateway: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=60) as client:
        yield client


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: Metadata) -> World:
    return await World.make(channel, system)


def path(delivery_id: str, number: int = 1) -> str:
    return f"/v1/deliveries/{delivery_id}/proofs/{number}"


def reason(answer: httpx.Response) -> tuple[int, str, str]:
    info = answer.json()["details"][0]
    return answer.status_code, info["reason"], info.get("metadata", {}).get("answer", "")


async def kept_at(world: World, url: str, order: str = "A1", *, hosts: list[str] | None = None) -> str:
    """The delivery that a carrier's message gave a proof at this URL, its hosts trusted with a key."""
    source = WebhookSource(
        id=world.sources["CREATE"].id,
        fetch_hosts=hosts or [],
        fetch_headers=[FetchHeader(name="authorization", value="Key canary")] if hosts else [],
    )
    if hosts:
        request = contract.UpdateWebhookSourceRequest(source=source)
        await world.webhooks.UpdateWebhookSource(request, metadata=world.account)
    message = world.message(order, "delivered")
    message.report.patch.proofs.add(kind=PHOTO, url=url)
    return (await world.ingest(message))[0].delivery_id


async def test_a_stored_picture_is_served_as_it_is_and_harmless(world: World, client: httpx.AsyncClient) -> None:
    body = {"proofs": [{"kind": "PROOF_KIND_SIGNATURE", "image": base64.b64encode(PNG).decode()}]}
    made = await client.post("/v1/deliveries", content=json.dumps(body), headers=dict(world.account))
    delivery = made.json()

    shown = await client.get(path(delivery["id"]), headers=dict(world.account))

    assert delivery["proofs"] == [{"kind": "PROOF_KIND_SIGNATURE", "imageSha256": HASH, "mediaType": "image/png"}]
    assert (shown.status_code, shown.content) == (200, PNG)
    assert {name: shown.headers[name] for name in ("content-type", "cache-control", "etag")} == {
        "content-type": "image/png",
        "cache-control": "private, no-cache",
        "etag": f'"{HASH}"',
    }
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert shown.headers["x-content-type-options"] == "nosniff"


async def test_a_reader_who_has_the_picture_is_not_sent_it_again(world: World, client: httpx.AsyncClient) -> None:
    delivery = await world.delivery(proofs=[Proof(image=PNG)])
    account = dict(world.account)

    same = await client.get(path(delivery.id), headers=account | {"if-none-match": f'"{HASH}"'})
    head = await client.head(path(delivery.id), headers=account)

    assert (same.status_code, same.content, same.headers["cache-control"]) == (304, b"", "private, no-cache")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(PNG)))


async def test_who_does_not_see_the_delivery_does_not_see_its_pictures(
    world: World, client: httpx.AsyncClient, system: Metadata
) -> None:
    other = await World.make(world.channel, system, "other")
    delivery = await world.delivery(proofs=[Proof(image=PNG)])

    answers = [await client.get(path(delivery.id), headers=dict(caller)) for caller in (other.account, world.local, ())]

    assert [each.status_code for each in answers] == [404, 404, 401]
    assert not any(PNG in each.content for each in answers)


async def test_a_carriers_picture_is_fetched_with_its_credentials_and_kept(
    world: World, client: httpx.AsyncClient
) -> None:
    heard: list[tuple[bytes, bytes]] = []
    async with far_server(answering(answer("200 OK", PNG, "content-type: text/html"), heard)) as far:
        host = f"{NEIGHBOUR}:{far.port}"
        delivery_id = await kept_at(world, f"http://{host}/sig/1", hosts=[host])
        first = await client.get(path(delivery_id), headers=dict(world.account))
    second = await client.get(path(delivery_id), headers=dict(world.account))

    assert [(each.status_code, each.headers["content-type"]) for each in (first, second)] == [(200, "image/png")] * 2
    assert first.content == second.content == PNG
    assert len(heard) == 1
    assert b"\r\nauthorization: key canary\r\n" in heard[0][0].lower()
    assert list((await world.get(delivery_id)).proofs) == [Proof(kind=PHOTO, url=f"http://{host}/sig/1")]


async def test_skipcarts_protected_images_are_served_and_its_public_ones_passed_on(
    world: World, client: httpx.AsyncClient
) -> None:
    heard: list[tuple[bytes, bytes]] = []
    source = world.sources["CREATE"]
    async with far_server(answering(answer("200 OK", PNG), heard)) as far:
        at = f"http://{NEIGHBOUR}:{far.port}"
        trusted = WebhookSource(
            id=source.id,
            fetch_hosts=[f"{NEIGHBOUR}:{far.port}"],
            fetch_headers=[FetchHeader(name="x-api-key", value="canary")],
        )
        request = contract.UpdateWebhookSourceRequest(source=trusted)
        await world.webhooks.UpdateWebhookSource(request, metadata=world.account)
        document = json.loads(EXAMPLE.read_bytes())
        document["delivery_details"] |= {"signature": f"{at}/signature?token=a%2Fb", "photo": f"{at}/photo.png"}
        document["driver"]["photo"] = f"{at}/driver.png"

        posted = await client.post(f"{source.path}/{source.secrets[0].value}", content=json.dumps(document))
        found = await client.get(
            f"/v1/deliveries:byReference?reference.scope=skipcart.order&reference.value={document['skipcart_order_id']}",
            headers=dict(world.account),
        )
        delivery = found.json()
        kinds = {each["kind"]: number for number, each in enumerate(delivery["proofs"], 1) if "url" in each}
        shown = {
            kind: await client.get(path(delivery["id"], number), headers=dict(world.account))
            for kind, number in kinds.items()
        }

    assert posted.status_code == 200
    assert delivery["courier"]["photoUrl"] == f"{at}/driver.png"
    assert {kind: (each.status_code, each.content) for kind, each in shown.items()} == {
        "PROOF_KIND_SIGNATURE": (200, PNG),
        "PROOF_KIND_PHOTO": (200, PNG),
    }
    targets = {head.split(b" ")[1] for head, _ in heard}
    assert targets == {b"/signature?token=a%2Fb", b"/photo.png"}, "the link as it was written, and no driver's photo"
    assert all(b"\r\nx-api-key: canary\r\n" in head.lower() for head, _ in heard)


async def test_the_largest_image_of_ordatic_goes_all_the_way(world: World, client: httpx.AsyncClient) -> None:
    value = "Token of-the-app"
    source = WebhookSource(
        dialect="ordatic",
        auth_scheme=AuthScheme.AUTH_SCHEME_STATIC_AUTHORIZATION,
        unknown_target_policy=UnknownTargetPolicy.UNKNOWN_TARGET_POLICY_CREATE,
    )
    request = contract.CreateWebhookSourceRequest(source=source, secret=value)
    source = (await world.webhooks.CreateWebhookSource(request, metadata=world.account)).source
    image = PNG.ljust(6_200_000, b"\0")
    body = ordatic_documents.body("rider-proof-delivery", proofDelivery=ordatic_documents.picture(image))

    posted = [
        await client.post(source.path, content=each, headers={"authorization": value}) for each in (body, body + b" ")
    ]

    assert len(body) > 8_000_000
    assert [each.status_code for each in posted] == [200, 200]
    listed = contract.ListWebhooksRequest(source_id=source.id)
    messages = (await world.webhooks.ListWebhooks(listed, metadata=world.account)).webhooks
    delivery = await world.get(messages[-1].delivery_id)
    assert [each.image_sha256 for each in delivery.proofs] == [sha256(image).hexdigest()]
    assert delivery.ByteSize() < 10_000
    shown = await client.get(path(delivery.id), headers=dict(world.account))
    assert (shown.headers["content-type"], shown.content) == ("image/png", image)


async def test_credentials_do_not_go_where_the_operator_did_not_say(world: World, client: httpx.AsyncClient) -> None:
    heard: list[tuple[bytes, bytes]] = []
    async with far_server(answering(answer("200 OK", PNG), heard)) as far:
        delivery_id = await kept_at(world, f"http://{NEIGHBOUR}:{far.port}/1", hosts=["api.carrier.example"])
        shown = await client.get(path(delivery_id), headers=dict(world.account))

    assert shown.content == PNG
    assert b"canary" not in heard[0][0]


async def test_many_who_ask_at_once_cost_the_carrier_one_request(world: World, client: httpx.AsyncClient) -> None:
    asked, release = asyncio.Event(), asyncio.Event()
    heard = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        await read_request(reader)
        heard += 1
        asked.set()
        await release.wait()
        writer.write(answer("200 OK", PNG))
        await writer.drain()

    async with far_server(slow) as far, asyncio.timeout(60):
        delivery_id = await kept_at(world, f"http://{NEIGHBOUR}:{far.port}/1")
        reads = [asyncio.create_task(client.get(path(delivery_id), headers=dict(world.account))) for _ in range(20)]
        await asked.wait()
        reads[0].cancel()
        release.set()
        answers = await asyncio.gather(*reads[1:])

    assert {each.content for each in answers} == {PNG}
    assert heard == 1


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


FAILURES: list[tuple[Serve, int, str]] = [
    (answering(answer("404 Not Found", b"gone")), 502, "it answers with status 404"),
    (answering(answer("401 Unauthorized", b"")), 502, "it answers with status 401"),
    (answering(answer("302 Found", b"", "location: http://127.0.0.1/")), 502, "it answers with status 302"),
    (answering(answer("200 OK", b"")), 502, "it answers with status 200"),
    (answering(answer("200 OK", b"<html>please log in")), 502, "what it answers is no picture"),
    (
        answering(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n"),
        502,
        "the answer has more than 10485760 bytes",
    ),
    (answering(answer("429 Too Many", b"")), 503, "it answers with status 429"),
    (answering(answer("500 Oops", b"")), 503, "it answers with status 500"),
    (silent, 503, f"{NEIGHBOUR}:PORT ended the connection without an answer"),
    (answering(b"nonsense\r\n\r\n"), 503, f"{NEIGHBOUR}:PORT does not answer in HTTP"),
]


async def test_a_carriers_failure_is_told_as_what_it_is(world: World, client: httpx.AsyncClient) -> None:
    for number, (serve, status, told) in enumerate(FAILURES):
        async with far_server(serve) as far:
            delivery_id = await kept_at(world, f"http://{NEIGHBOUR}:{far.port}/1", f"F{number}")
            failed = await client.get(path(delivery_id), headers=dict(world.account))

        assert reason(failed) == (status, "PROOF_UNAVAILABLE", told.replace("PORT", str(far.port)))
        assert int(failed.headers["retry-after"]) > 0


async def test_a_url_that_leads_inside_is_not_fetched(world: World, client: httpx.AsyncClient) -> None:
    for number, url in enumerate(("https://127.0.0.1:1/", "https://169.254.169.254/latest", "https://[::1]:1/")):
        delivery_id = await kept_at(world, url, f"I{number}")

        failed = await client.get(path(delivery_id), headers=dict(world.account))

        assert reason(failed)[:2] == (502, "PROOF_UNAVAILABLE")
        assert "not a public address" in reason(failed)[2]


async def test_a_failure_is_not_remembered(world: World, client: httpx.AsyncClient) -> None:
    answers = [answer("503 Busy", b""), answer("200 OK", PNG)]

    async def better(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(answers.pop(0))
            await writer.drain()

    async with far_server(better) as far:
        delivery_id = await kept_at(world, f"http://{NEIGHBOUR}:{far.port}/1")
        statuses = [(await client.get(path(delivery_id), headers=dict(world.account))).status_code for _ in range(2)]

    assert statuses == [503, 200]


async def test_a_number_that_is_none_is_no_fault_of_ours(world: World, client: httpx.AsyncClient) -> None:
    delivery = await world.delivery(proofs=[Proof(image=PNG)])

    refused = [
        await client.get(f"/v1/deliveries/{delivery.id}/proofs/{number}", headers=dict(world.account))
        for number in ("0", "-1", "x", "2147483648", "")
    ]

    assert [each.status_code for each in refused] == [400, 400, 400, 400, 404]


@pytest.mark.parametrize(("key", "told"), [("", (400, "PROOF_NOT_STORED")), ("wrong", (503, "UNAVAILABLE"))])
async def test_a_gateway_without_the_deployments_key_fetches_nothing(
    world: World, server: "Services", key: str, told: tuple[int, str]
) -> None:
    delivery_id = await kept_at(world, "https://carrier.example/1")

    async with (
        running_gateway(server.address, INBOUND, system_token=SecretStr(key)) as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=60) as client,
    ):
        failed = await client.get(path(delivery_id), headers=dict(world.account))

    assert reason(failed)[:2] == told
