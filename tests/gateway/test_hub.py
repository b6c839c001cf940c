"""The gateway in front of the real services: what is posted is the truth that comes out."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest
import standardwebhooks
import svix
from crossdock.v1 import delivery_pb2, event_pb2, webhook_pb2
from crossdock.v1 import webhook_service_pb2 as contract
from pydantic import SecretStr

from gateway.dialects.registry import INBOUND
from gateway.server import Server
from tests.conftest import SYSTEM_TOKEN
from tests.gateway.test_strict_json import CORPUS
from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import World

if TYPE_CHECKING:
    from services.server import Server as Services

# The documented example, as it stands in the documentation.
EXAMPLE = (Path(__file__).parents[1] / "dialects" / "skipcart" / "documented_example.json").read_bytes()
SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
async def gateway(server: "Services") -> AsyncIterator[Server]:
    async with running_gateway(server.address, INBOUND, system_token=SecretStr(SYSTEM_TOKEN)) as gateway:
        yield gateway


@pytest.fixture
async def client(gateway: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=60) as client:
        yield client


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: tuple[tuple[str, str], ...]) -> World:
    return await World.make(channel, system)


def path_of(source: webhook_pb2.WebhookSource) -> str:
    return f"{source.path}/{source.secrets[0].value}"


async def stored(world: World, source_id: str) -> list[webhook_pb2.Webhook]:
    """Everything that came from a source, with bodies, the youngest first."""
    found: list[webhook_pb2.Webhook] = []
    request = contract.ListWebhooksRequest(source_id=source_id, page_size=1000)
    for each in (await world.webhooks.ListWebhooks(request, metadata=world.account)).webhooks:
        asked = contract.GetWebhookRequest(webhook_id=each.id)
        found.append((await world.webhooks.GetWebhook(asked, metadata=world.account)).webhook)
    return found


async def make_source(
    world: World, dialect: str, scheme: "webhook_pb2.AuthScheme.ValueType", secret: str
) -> webhook_pb2.WebhookSource:
    source = webhook_pb2.WebhookSource(dialect=dialect, auth_scheme=scheme)
    request = contract.CreateWebhookSourceRequest(source=source, secret=secret)
    return (await world.webhooks.CreateWebhookSource(request, metadata=world.account)).source


async def test_the_documented_example_becomes_the_state_of_a_delivery(world: World, client: httpx.AsyncClient) -> None:
    source = world.sources["CREATE"]

    answer = await client.post(path_of(source), content=EXAMPLE)

    assert (answer.status_code, answer.content) == (200, b'{"statusCode":200}')
    assert answer.headers["content-type"] == "application/json"
    webhook = (await stored(world, source.id))[0]
    assert webhook.body == EXAMPLE
    assert webhook.disposition == event_pb2.DISPOSITION_APPLIED
    delivery = await world.get(webhook.delivery_id)
    assert delivery.status == delivery_pb2.DELIVERY_STATUS_DELIVERED
    assert delivery.courier.external_id == "65847"


async def test_a_second_copy_has_no_effect_in_whatever_order_its_members_stand(
    world: World, client: httpx.AsyncClient
) -> None:
    source = world.sources["CREATE"]
    again = json.dumps(dict(reversed(json.loads(EXAMPLE).items()))).encode()

    answers = [await client.post(path_of(source), content=body) for body in (EXAMPLE, again)]

    assert [answer.content for answer in answers] == [b'{"statusCode":200}'] * 2
    second, first = await stored(world, source.id)
    assert (first.disposition, second.disposition) == (
        event_pb2.DISPOSITION_APPLIED,
        event_pb2.DISPOSITION_DUPLICATE,
    )
    assert second.duplicate_of == first.id


@pytest.mark.parametrize("library", ["svix", "standardwebhooks"])
async def test_the_reference_libraries_reach_an_evermile_source(
    world: World, client: httpx.AsyncClient, library: str
) -> None:
    source = await make_source(world, "evermile", webhook_pb2.AUTH_SCHEME_STANDARD_WEBHOOKS, SIGNING_SECRET)
    body, now = b'{"order": {"id": "1"}}', datetime.now(UTC)
    family = "svix" if library == "svix" else "webhook"
    sender = (svix if library == "svix" else standardwebhooks).Webhook(SIGNING_SECRET)
    headers = {
        f"{family}-id": "msg_1",
        f"{family}-timestamp": str(int(now.timestamp())),
        f"{family}-signature": sender.sign("msg_1", now, body.decode()),
    }

    answers = [await client.post(source.path, content=content, headers=headers) for content in (body, body + b" ")]

    assert [answer.status_code for answer in answers] == [200, 401]
    assert [(each.message_id, each.body) for each in await stored(world, source.id)] == [("msg_1", body)]


async def test_a_fixed_authorization_reaches_an_ordatic_source(world: World, client: httpx.AsyncClient) -> None:
    source = await make_source(world, "ordatic", webhook_pb2.AUTH_SCHEME_STATIC_AUTHORIZATION, "Token our-canary")

    answers = [
        await client.post(source.path, content=b'{"event": "rider-created"}', headers={"Authorization": value})
        for value in ("Token our-canary", "Token another")
    ]

    assert [answer.status_code for answer in answers] == [200, 401]
    kept = (await stored(world, source.id))[0]
    assert "our-canary" not in str(kept)
    assert ("authorization", "[redacted]") in {(each.name, each.value) for each in kept.headers}


async def test_every_authentic_hostile_body_is_stored(world: World, client: httpx.AsyncClient) -> None:
    source = await make_source(world, "skipcart", webhook_pb2.AUTH_SCHEME_STANDARD_WEBHOOKS, SIGNING_SECRET)
    bodies = [body for _, body in CORPUS if len(body) <= 1 << 20]
    assert len(bodies) >= 200

    answers = await asyncio.gather(
        *(client.post(source.path, content=body, headers=signed(number, body)) for number, body in enumerate(bodies)),
        *(client.post(source.path, content=body) for body in bodies),
    )

    assert [answer.status_code for answer in answers] == [200] * len(bodies) + [401] * len(bodies)
    kept = await stored(world, source.id)
    assert sorted(each.body for each in kept) == sorted(bodies)
    assert {each.disposition for each in kept} <= {
        event_pb2.DISPOSITION_MALFORMED,
        event_pb2.DISPOSITION_DUPLICATE,  # one text is in the corpus twice
    }


def signed(number: int, body: bytes) -> dict[str, str]:
    """As the reference library signs, but over bytes that are no text."""
    moment = str(int(datetime.now(UTC).timestamp()))
    key = base64.b64decode(SIGNING_SECRET.removeprefix("whsec_"))
    digest = hmac.digest(key, f"m{number}.{moment}.".encode() + body, "sha256")
    return {
        "svix-id": f"m{number}",
        "svix-timestamp": moment,
        "svix-signature": "v1," + base64.b64encode(digest).decode(),
    }


async def test_a_rotated_secret_works_beside_the_new_one(server: "Services", world: World) -> None:
    source = world.sources["CREATE"]
    async with (
        running_gateway(server.address, INBOUND, system_token=SecretStr(SYSTEM_TOKEN), source_seconds=0) as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=60) as client,
    ):
        request = contract.RotateWebhookSourceSecretRequest(source_id=source.id)
        rotated = (await world.webhooks.RotateWebhookSourceSecret(request, metadata=world.account)).source

        answers = [
            await client.post(f"{source.path}/{secret}", content=b"{}")
            for secret in (source.secrets[0].value, rotated.secrets[0].value, "another-secret-in-the-path")
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 401]


async def test_a_stopped_service_is_503_and_everything_acknowledged_is_there(
    server: "Services", world: World, client: httpx.AsyncClient
) -> None:
    source = world.sources["CREATE"]
    assert (await client.post(path_of(source), content=EXAMPLE)).status_code == 200
    before = await stored(world, source.id)

    await server.stop(0)
    answer = await client.post(path_of(source), content=b"{}")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert [each.body for each in before] == [EXAMPLE]
