"""Pictures of handovers, whichever way they come: stored once, told by their hash, shown to who sees the delivery."""

import asyncio
from hashlib import sha256
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import delivery_service_pb2 as pb
from crossdock.v1 import webhook_service_pb2
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from crossdock.v1.proof_pb2 import Proof, ProofKind
from crossdock.v1.webhook_pb2 import FetchHeader, WebhookSource
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy.ext.asyncio import AsyncEngine

from services.server import Server
from tests.services.accounts import refused
from tests.services.answers import failure_of
from tests.services.worlds import Metadata, World

SIGNATURE, PHOTO = ProofKind.PROOF_KIND_SIGNATURE, ProofKind.PROOF_KIND_PHOTO
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400
HASH = sha256(PNG).hexdigest()
CANARY = b"canary-value-of-a-header"


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: Metadata) -> World:
    return await World.make(channel, system)


async def shown(world: World, delivery_id: str, number: int = 1, caller: Metadata = ()) -> pb.GetDeliveryProofResponse:
    request = pb.GetDeliveryProofRequest(delivery_id=delivery_id, number=number)
    return await world.deliveries.GetDeliveryProof(request, metadata=caller or world.account)


async def largest_rows(engine: AsyncEngine) -> dict[str, int]:
    """The largest document of each table that must not hold pictures."""
    sizes = {}
    async with engine.connect() as connection:
        for table, column in (
            ("deliveries", "document"),
            ("events", "document"),
            ("webhooks", "report"),
            ("webhooks", "document"),
            ("idempotency_keys", "response"),
        ):
            query = sa.text(f"SELECT coalesce(max(octet_length({column})), 0) FROM {table}")
            sizes[f"{table}.{column}"] = await connection.scalar(query)
    return sizes


async def pictures(engine: AsyncEngine) -> list[tuple[str, int]]:
    async with engine.connect() as connection:
        rows = await connection.execute(sa.text("SELECT media_type, size FROM proof_images"))
        return [(row.media_type, row.size) for row in rows]


def message(world: World, order: str, minute: int, *proofs: Proof) -> webhook_service_pb2.IngestWebhookRequest:
    told = world.message(order, "delivered", minute)
    told.report.patch.proofs.extend(proofs)
    return told


async def test_a_picture_in_a_webhook_is_stored_once_and_told_by_its_hash(world: World, engine: AsyncEngine) -> None:
    proof = Proof(kind=SIGNATURE, image=PNG, media_type="text/html")

    results = await world.ingest(*(message(world, "A1", minute, proof) for minute in range(3)))

    delivery = await world.get(results[0].delivery_id)
    assert list(delivery.proofs) == [Proof(kind=SIGNATURE, image_sha256=HASH, media_type="image/png")]
    assert await pictures(engine) == [("image/png", len(PNG))]
    assert max((await largest_rows(engine)).values()) < 10_000
    answer = await shown(world, delivery.id)
    assert (answer.image.content_type, answer.image.data, answer.etag) == ("image/png", PNG, HASH)


async def test_a_picture_waits_outside_of_the_parked_message_that_told_of_it(world: World, engine: AsyncEngine) -> None:
    told = message(world, "P1", 0, Proof(kind=PHOTO, image=PNG))
    told.source_id = world.sources["PARK"].id
    await world.ingest(told)

    delivery = await world.delivery(references=[told.report.targets[0]])

    assert (await shown(world, delivery.id)).image.data == PNG
    assert max((await largest_rows(engine)).values()) < 10_000


async def test_callers_bring_pictures_too(world: World, engine: AsyncEngine) -> None:
    made = await world.delivery("once", proofs=[Proof(kind=SIGNATURE, image=PNG)])
    patch = Delivery(id=made.id, proofs=[Proof(kind=PHOTO, image=b"GIF89a"), Proof(kind=PHOTO, image=PNG)])
    changed = (
        await world.deliveries.UpdateDelivery(pb.UpdateDeliveryRequest(delivery=patch), metadata=world.account)
    ).delivery

    assert [each.image_sha256 for each in changed.proofs] == [HASH, sha256(b"GIF89a").hexdigest()]
    assert (await shown(world, made.id, 2)).image.content_type == "image/gif"
    assert len(await pictures(engine)) == 2
    assert max((await largest_rows(engine)).values()) < 10_000


async def test_what_is_no_picture_is_refused_to_callers_and_noted_for_carriers(world: World) -> None:
    failure = await failure_of(world.delivery(proofs=[Proof(text="fine"), Proof(image=b"<svg/>")]))
    assert failure.reason == "INVALID_REQUEST"
    assert [each.field for each in failure.violations] == ["delivery.proofs[1].image"]

    result = (await world.ingest(message(world, "S1", 0, Proof(kind=PHOTO, image=b"<svg/>"))))[0]

    assert list((await world.get(result.delivery_id)).proofs) == [Proof(kind=PHOTO)]
    read = await world.webhooks.GetWebhook(
        webhook_service_pb2.GetWebhookRequest(webhook_id=result.webhook_id), metadata=world.account
    )
    assert [each.code for each in read.webhook.report.issues] == ["not_a_picture"]
    with refused("NOT_FOUND"):
        await shown(world, result.delivery_id)


async def test_many_messages_with_the_same_pictures_at_once_do_not_stop_each_other(
    world: World, engine: AsyncEngine
) -> None:
    proofs = [Proof(kind=PHOTO, image=b"GIF89a" + bytes([number])) for number in range(6)]

    def turned(number: int) -> list[Proof]:
        return proofs[number:] + proofs[:number]

    await asyncio.gather(*(world.ingest(message(world, f"C{number}", 0, *turned(number % 6))) for number in range(12)))

    assert len(await pictures(engine)) == 6


async def test_the_largest_picture_of_a_message_goes_through(world: World, server: Server) -> None:
    image = b"\xff\xd8\xff" + bytes(6 << 20)
    told = message(world, "L1", 0, Proof(kind=PHOTO, image=image))
    told.body = bytes(8 << 20)

    result = (await world.ingest(told))[0]

    options = [("grpc.max_receive_message_length", 17 << 20)]
    async with grpc.aio.insecure_channel(server.address, options=options) as wide:
        request = pb.GetDeliveryProofRequest(delivery_id=result.delivery_id, number=1)
        answer = await DeliveryServiceStub(wide).GetDeliveryProof(request, metadata=world.account)
    assert answer.image.data == image


async def test_a_replayed_message_keeps_its_pictures_out_of_its_report(world: World, engine: AsyncEngine) -> None:
    unread = message(world, "R1", 0)
    report = unread.report
    report.patch.proofs.add(kind=PHOTO, image=PNG * 20)
    unread.malformed = "not yet understood"
    kept = (await world.ingest(unread))[0]

    request = webhook_service_pb2.ReplayWebhookRequest(webhook_id=kept.webhook_id, report=report)
    replayed = (await world.webhooks.ReplayWebhook(request, metadata=world.account)).webhook

    assert (await shown(world, replayed.delivery_id)).image.data == PNG * 20
    assert max((await largest_rows(engine)).values()) < 10_000


async def test_there_is_nothing_beyond_the_last_proof(world: World) -> None:
    delivery = await world.delivery(proofs=[Proof(image=PNG)])

    for number in (2, 1000):
        with refused("NOT_FOUND"):
            await shown(world, delivery.id, number)


async def test_a_hash_of_nothing_and_words_have_no_picture(world: World) -> None:
    delivery = await world.delivery(proofs=[Proof(image_sha256=HASH), Proof(text="left with Jane")])

    for number in (1, 2):
        with refused("NOT_FOUND"):
            await shown(world, delivery.id, number)


async def test_a_picture_that_only_the_carrier_has_is_not_stored_until_the_gateway_brings_it(
    world: World, system: Metadata
) -> None:
    ours = (*system, ("x-crossdock-tenant", world.tenant_id))
    delivery = await world.delivery(proofs=[Proof(kind=PHOTO, url="https://carrier.example/1.png")])
    with refused("PROOF_NOT_STORED") as refusal:
        await shown(world, delivery.id)
    assert refusal.metadata == {"tenant_id": world.tenant_id, "delivery_id": delivery.id, "number": "1"}

    async def store(image: bytes, url: str = "https://carrier.example/1.png") -> None:
        request = pb.StoreDeliveryProofRequest(delivery_id=delivery.id, url=url, image=image)
        await world.deliveries.StoreDeliveryProof(request, metadata=ours)

    with refused("INVALID_REQUEST"):
        await store(b"<html>")
    with refused("NOT_FOUND"):
        await store(PNG, "https://carrier.example/other.png")
    await store(PNG)
    await store(b"GIF89a, another one")

    assert (await shown(world, delivery.id)).image.data == PNG, "the first answer counts"
    assert await world.get(delivery.id) == delivery


async def protected(world: World, **members: Any) -> WebhookSource:
    source = WebhookSource(
        id=world.sources["CREATE"].id,
        fetch_hosts=["api.carrier.example"],
        fetch_headers=[FetchHeader(name="authorization", value=CANARY.decode())],
        **members,
    )
    request = webhook_service_pb2.UpdateWebhookSourceRequest(source=source)
    return (await world.webhooks.UpdateWebhookSource(request, metadata=world.account)).source


async def credentials(world: World, system: Metadata, delivery_id: str, number: int = 1) -> list[FetchHeader]:
    request = pb.ResolveDeliveryProofRequest(delivery_id=delivery_id, number=number)
    metadata = (*system, ("x-crossdock-tenant", world.tenant_id))
    return list((await world.deliveries.ResolveDeliveryProof(request, metadata=metadata)).headers)


ADDRESSES = [
    ("https://api.carrier.example/1.png", True),
    ("https://API.carrier.example:443/1.png", True),
    ("https://api.carrier.example:8443/1.png", False),
    ("http://api.carrier.example/1.png", False),
    ("https://carrier.example/1.png", False),
    ("https://api.carrier.example.evil.example/1.png", False),
    ("https://api.carrier.example@evil.example/1.png", False),
    ("https://evil.example/?https://api.carrier.example/", False),
]
"""Whether credentials for api.carrier.example are sent there."""


async def test_credentials_go_to_the_hosts_that_the_operator_named(world: World, system: Metadata) -> None:
    await protected(world)
    told = {}
    for number, (url, _) in enumerate(ADDRESSES):
        result = (await world.ingest(message(world, f"U{number}", 0, Proof(kind=PHOTO, url=url))))[0]
        told[url] = [(each.name, each.value) for each in await credentials(world, system, result.delivery_id)]

    assert told == {url: [("authorization", CANARY.decode())] if goes else [] for url, goes in ADDRESSES}


async def test_a_url_that_a_caller_wrote_never_gets_a_carriers_credentials(world: World, system: Metadata) -> None:
    await protected(world)
    result = (await world.ingest(message(world, "U2", 0)))[0]
    patch = Delivery(id=result.delivery_id, proofs=[Proof(url="https://api.carrier.example/of-another.png")])
    await world.deliveries.UpdateDelivery(pb.UpdateDeliveryRequest(delivery=patch), metadata=world.account)

    assert await credentials(world, system, result.delivery_id) == []


async def test_values_of_headers_are_kept_sealed_and_shown_to_nobody(world: World, engine: AsyncEngine) -> None:
    changed = await protected(world)
    read = webhook_service_pb2.GetWebhookSourceRequest(source_id=changed.id)
    source = (await world.webhooks.GetWebhookSource(read, metadata=world.account)).source
    rotate = webhook_service_pb2.RotateWebhookSourceSecretRequest(source_id=changed.id)
    rotated = (await world.webhooks.RotateWebhookSourceSecret(rotate, metadata=world.account)).source
    resolve = webhook_service_pb2.ResolveWebhookSourceRequest(source_id=changed.id)
    resolved = (await world.webhooks.ResolveWebhookSource(resolve, metadata=world.system)).source

    for each in (changed, source, rotated, resolved):
        assert list(each.fetch_headers) == [FetchHeader(name="authorization")]
    async with engine.connect() as connection:
        query = sa.text("SELECT count(*) FROM webhook_sources s WHERE position(:canary in s.document || s.secrets) > 0")
        assert await connection.scalar(query, {"canary": CANARY}) == 0


async def test_a_header_keeps_its_value_when_it_comes_back_without_one(world: World, system: Metadata) -> None:
    source = await protected(world)
    source.display_name = "Renamed"
    await world.webhooks.UpdateWebhookSource(
        webhook_service_pb2.UpdateWebhookSourceRequest(source=source), metadata=world.account
    )
    rotate = webhook_service_pb2.RotateWebhookSourceSecretRequest(source_id=source.id)
    await world.webhooks.RotateWebhookSourceSecret(rotate, metadata=world.account)
    proof = Proof(kind=PHOTO, url="https://api.carrier.example/1.png")
    result = (await world.ingest(message(world, "U3", 0, proof)))[0]

    assert (await credentials(world, system, result.delivery_id))[0].value == CANARY.decode()

    erased = WebhookSource(id=source.id)
    mask = FieldMask(paths=["fetch_headers"])
    await world.webhooks.UpdateWebhookSource(
        webhook_service_pb2.UpdateWebhookSourceRequest(source=erased, update_mask=mask), metadata=world.account
    )
    assert await credentials(world, system, result.delivery_id) == []


UNSENDABLE = [
    (WebhookSource(fetch_headers=[FetchHeader(name="a", value="b")]), "source.fetch_hosts"),
    (
        WebhookSource(fetch_hosts=["a.example"], fetch_headers=[FetchHeader(name="a")]),
        "source.fetch_headers[0].value",
    ),
    (
        WebhookSource(fetch_hosts=["a.example"], fetch_headers=[FetchHeader(name="host", value="b")]),
        "source.fetch_headers[0].name",
    ),
    (
        WebhookSource(fetch_hosts=["a.example"], fetch_headers=[FetchHeader(name="a", value="b")] * 2),
        "source.fetch_headers[1].name",
    ),
]


async def test_headers_that_could_not_be_sent_are_refused(world: World) -> None:
    for source, field in UNSENDABLE:
        source.id = world.sources["PARK"].id
        request = webhook_service_pb2.UpdateWebhookSourceRequest(source=source)

        failure = await failure_of(world.webhooks.UpdateWebhookSource(request, metadata=world.account))

        assert [each.field for each in failure.violations] == [field]
