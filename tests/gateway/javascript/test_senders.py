"""Evermile's messages as foreign JavaScript signs and posts them: node, over HTTP, to the gateway and real services."""

import asyncio
import base64
import json
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from crossdock.v1 import webhook_pb2
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_DELIVERED, DELIVERY_STATUS_PICKUP_EN_ROUTE
from crossdock.v1.event_pb2 import DISPOSITION_APPLIED, DISPOSITION_MALFORMED
from pydantic import SecretStr

from gateway.dialects.registry import INBOUND
from gateway.server import Server
from tests.conftest import SYSTEM_TOKEN
from tests.gateway.javascript.programs import node
from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import World

if TYPE_CHECKING:
    from services.server import Server as Services

DOCUMENTS = Path(__file__).parents[2] / "dialects" / "evermile"
OLD, NEW, FOREIGN = ("whsec_" + base64.b64encode(each * 32).decode() for each in (b"o", b"n", b"f"))
REFUSED = "missing or wrong credentials, or no such source"


@pytest.fixture
async def gateway(server: "Services") -> AsyncIterator[Server]:
    key = SecretStr(SYSTEM_TOKEN)
    async with running_gateway(server.address, INBOUND, system_token=key, source_seconds=0) as gateway:
        yield gateway


@pytest.fixture
async def source(channel: grpc.aio.Channel, system: tuple[tuple[str, str], ...]) -> tuple[World, str, str]:
    """A world, and the id and path of a source whose secret was rotated: both are live."""
    world = await World.make(channel, system)
    wanted = webhook_pb2.WebhookSource(
        dialect="evermile",
        auth_scheme=webhook_pb2.AUTH_SCHEME_STANDARD_WEBHOOKS,
        unknown_target_policy=webhook_pb2.UNKNOWN_TARGET_POLICY_CREATE,
    )
    made = contract.CreateWebhookSourceRequest(source=wanted, secret=OLD)
    source = (await world.webhooks.CreateWebhookSource(made, metadata=world.account)).source
    rotated = contract.RotateWebhookSourceSecretRequest(source_id=source.id, secret=NEW)
    await world.webhooks.RotateWebhookSourceSecret(rotated, metadata=world.account)
    return world, source.id, source.path


def documents() -> dict[str, str]:
    """Messages by the order that they name: as documented, with emoji, as good as empty, and of 20 kB."""
    documented = (DOCUMENTS / "documented_order.json").read_text()
    found = {"ascii": documented}
    for name, instructions in (("emoji", "\U0001f4a5 \u202e é at the \U0001f6aa"), ("20kB", "x" * 10_000)):
        told = json.loads(documented)
        told["order"] |= {"instructions": instructions, "notes": [instructions]}
        found[name] = json.dumps(told, ensure_ascii=False)
    found["minimal"] = (DOCUMENTS / "minimal_order.json").read_text()
    for name, text in found.items():
        told = json.loads(text)
        found[name] = text.replace(told["order"]["id"], f"order-{name}")
    return found


def message(library: str, secret: str, name: str, body: str, **members: Any) -> dict[str, Any]:
    now = int(datetime.now(UTC).timestamp())
    told = {"library": library, "secret": secret, "id": f"msg_{name}", "seconds": now}
    return {**told, "body": base64.b64encode(body.encode()).decode(), **members}


async def post(url: str, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What node was answered, message by message."""
    program = await asyncio.create_subprocess_exec(
        *node("sender.mjs", url), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60):
            output, _ = await program.communicate("".join(json.dumps(each) + "\n" for each in messages).encode())
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    assert program.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("library", ["svix", "standardwebhooks"])
async def test_what_javascript_signs_with_either_secret_is_seen_over_grpc(
    gateway: Server, source: tuple[World, str, str], library: str
) -> None:
    world, source_id, path = source
    told = documents()
    secrets = dict(zip(told, [OLD, NEW, NEW, OLD], strict=True))
    messages = [message(library, secrets[name], name, body) for name, body in told.items()]

    answers = await post(gateway.url + path, [*messages, message(library, NEW, "empty", "")])

    assert [(each["status"], each["body"]) for each in answers] == [(200, "")] * 5
    kept = await stored(world, source_id)
    assert {each.message_id for each in kept.values()} == {f"msg_{name}" for name in (*told, "empty")}
    assert kept.pop("msg_empty").disposition == DISPOSITION_MALFORMED
    for name, body in told.items():
        webhook = kept[f"msg_{name}"]
        assert (webhook.body.decode(), webhook.disposition) == (body, DISPOSITION_APPLIED)
        delivery = await world.get(webhook.delivery_id)
        assert f"order-{name}" in {each.value for each in delivery.references}
        order = json.loads(body)["order"]
        assert delivery.consignment.dropoff.instructions == order.get("instructions", "")
        minimal = name == "minimal"
        assert delivery.status == (DELIVERY_STATUS_DELIVERED if minimal else DELIVERY_STATUS_PICKUP_EN_ROUTE)
    assert len({each.delivery_id for each in kept.values()}) == len(told)


@pytest.mark.parametrize("library", ["svix", "standardwebhooks"])
async def test_what_javascript_signs_otherwise_is_refused_and_not_stored(
    gateway: Server, source: tuple[World, str, str], library: str
) -> None:
    world, source_id, path = source
    body = documents()["emoji"]
    now = int(datetime.now(UTC).timestamp())
    wrong = [
        message(library, FOREIGN, "foreign", body),
        message(library, NEW, "altered", body, altered=" "),
        message(library, NEW, "old", body, seconds=now - 3600),
        message(library, NEW, "early", body, seconds=now + 3600),
    ]

    answers = await post(gateway.url + path, [*wrong, message(library, NEW, "right", body)])

    assert [each["status"] for each in answers] == [401] * len(wrong) + [200]
    for each in answers[:-1]:
        assert each["type"] == "application/json"
        assert REFUSED in each["body"]
    assert set(await stored(world, source_id)) == {"msg_right"}


async def stored(world: World, source_id: str) -> dict[str, webhook_pb2.Webhook]:
    """Everything that came from the source, by the sender's id."""
    found = {}
    request = contract.ListWebhooksRequest(source_id=source_id, page_size=1000)
    for each in (await world.webhooks.ListWebhooks(request, metadata=world.account)).webhooks:
        asked = contract.GetWebhookRequest(webhook_id=each.id)
        found[each.message_id] = (await world.webhooks.GetWebhook(asked, metadata=world.account)).webhook
    return found
