"""Images come whole from the sender to the request that the services get, up to the limit that is told."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from crossdock.v1 import webhook_pb2

from gateway.config import MIB
from gateway.dialects.registry import INBOUND
from tests.dialects.ordatic.ordatic_documents import PNG, body, picture
from tests.gateway.webhook_services import StandIn, path_of, running_gateway, secrets, serve_stand_in

LIMIT = 8 * MIB
AUTHORIZATION = {"Authorization": "Token of-the-app"}
EMPTY = len(body("rider-proof-delivery", proofDelivery=""))


def message_of(size: int) -> tuple[bytes, bytes]:
    """A message with exactly this many bytes, and the image in it."""
    encoded = (size - EMPTY) // 4
    image = PNG.ljust(encoded * 3, b"\0")
    return body("rider-proof-delivery", proofDelivery=picture(image)).ljust(size), image


@pytest.fixture
def services() -> StandIn:
    return StandIn()  # type: ignore[abstract]  # the methods that a gateway does not call


@pytest.fixture
async def client(services: StandIn) -> AsyncIterator[httpx.AsyncClient]:
    server, port = await serve_stand_in(services)
    async with (
        running_gateway(f"127.0.0.1:{port}", INBOUND) as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=60) as client,
    ):
        yield client
    await server.stop(None)


def source_of(services: StandIn) -> webhook_pb2.WebhookSource:
    return services.add(
        dialect="ordatic",
        auth_scheme=webhook_pb2.AUTH_SCHEME_STATIC_AUTHORIZATION,
        secrets=secrets(AUTHORIZATION["Authorization"]),
    )


@pytest.mark.parametrize("size", [200_000, 5 * MIB, LIMIT])
async def test_an_image_comes_whole_to_the_services(services: StandIn, client: httpx.AsyncClient, size: int) -> None:
    content, image = message_of(size)

    answer = await client.post(path_of(source_of(services), None), content=content, headers=AUTHORIZATION)

    [request] = services.stored
    [proof] = request.report.patch.proofs
    assert (answer.status_code, len(content)) == (200, size)
    assert (request.body, proof.image, proof.media_type) == (content, image, "image/png")
    assert request.ByteSize() < 15 * MIB, "the services take 17 MiB in one message"


async def test_images_that_come_at_once_go_in_messages_that_the_services_take(
    services: StandIn, client: httpx.AsyncClient
) -> None:
    path = path_of(source_of(services), None)
    contents = [message_of(3 * MIB + 4 * place)[0] for place in range(6)]

    answers = await asyncio.gather(*(client.post(path, content=each, headers=AUTHORIZATION) for each in contents))

    assert [each.status_code for each in answers] == [200] * 6
    assert sorted(request.body for request in services.stored) == sorted(contents)


async def test_one_byte_more_is_too_large(services: StandIn, client: httpx.AsyncClient) -> None:
    path = path_of(source_of(services), None)

    answer = await client.post(path, content=b" " * (LIMIT + 1), headers=AUTHORIZATION)

    assert answer.status_code == 413
    assert services.stored == []


async def test_only_messages_that_may_hold_images_may_be_that_large(
    services: StandIn, client: httpx.AsyncClient
) -> None:
    skipcart = path_of(services.add(dialect="skipcart"))

    answers = [
        await client.post(path, content=b" " * (MIB + 1)) for path in (skipcart, "/v1/orders", "/webhooks/ordatic")
    ]

    assert [each.status_code for each in answers] == [413] * 3
