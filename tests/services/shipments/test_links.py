"""Promise 33: links that cannot be guessed, that expire, and that survive a change of carrier."""

import re
from datetime import timedelta
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.delivery_pb2 import DeliveryLinks, DeliveryStatus
from crossdock.v1.shipment_pb2 import (
    SHIPMENT_LINK_KIND_LABEL,
    SHIPMENT_LINK_KIND_TRACKING,
    Shipment,
    ShipmentLinkKind,
    ShipmentPhase,
)

from services.config import Settings
from services.hub import Hub
from services.maintenance import maintain
from services.server import Server
from services.shipments import links
from services.tokens import digest
from tests.services.accounts import refused
from tests.services.shipments.shops import Shop, book, report

PUBLIC = "https://track.example/hub"
THEIRS = DeliveryLinks(tracking_url="https://carrier.example/1", label_url="https://carrier.example/1.pdf")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_url": PUBLIC})


def tokens_of(shipment: Shipment) -> tuple[str, str]:
    """The secrets of the tracking page and of the label."""
    tracking = re.fullmatch(re.escape(PUBLIC) + r"/t/([A-Za-z0-9_-]{27})", shipment.links.tracking_url)
    label = re.fullmatch(re.escape(PUBLIC) + r"/labels/([A-Za-z0-9_-]{27})\.pdf", shipment.links.label_url)
    assert tracking
    assert label
    return tracking[1], label[1]


async def resolve(
    shop: Shop, token: str, kind: "ShipmentLinkKind.ValueType" = SHIPMENT_LINK_KIND_TRACKING, metadata: Any = None
) -> pb.ResolveShipmentLinkResponse:
    request = pb.ResolveShipmentLinkRequest(token=token, kind=kind)
    return await shop.stub.ResolveShipmentLink(request, metadata=metadata or shop.account.system[:1])


async def test_each_link_leads_to_its_shipment_whosever_it_is(shop: Shop) -> None:
    made = await shop.create("7709-001")
    tracking, label = tokens_of(made)

    by_page = await resolve(shop, tracking)
    by_label = await resolve(shop, label, SHIPMENT_LINK_KIND_LABEL)

    assert made.links.qr_code_url == f"{made.links.tracking_url}/qr.svg"
    assert by_page == by_label
    assert by_page.shipment == made
    assert by_page.location.id == made.location_id
    assert not by_page.HasField("delivery")


async def test_a_link_shows_nothing_but_its_own_kind(shop: Shop) -> None:
    tracking, label = tokens_of(await shop.create())

    for token, kind in ((tracking, SHIPMENT_LINK_KIND_LABEL), (label, SHIPMENT_LINK_KIND_TRACKING)):
        with refused("NOT_FOUND") as refusal:
            await resolve(shop, token, kind)
        assert token not in str(refusal.metadata)


async def test_links_are_for_the_deployments_own_processes_to_resolve(shop: Shop) -> None:
    tracking, _ = tokens_of(await shop.create())

    with refused("SCOPE_MISSING"):
        await resolve(shop, tracking, metadata=shop.account.metadata)


def test_a_token_has_160_random_bits_and_says_nothing_of_its_shipment() -> None:
    given: list[str] = []
    for _ in range(2000):
        shipment = Shipment(id="shp_1")
        links.give(shipment, PUBLIC)
        given += tokens_of(shipment)

    assert links.TOKEN_BYTES * 8 >= 128
    assert len(set(given)) == len(given)
    # Every place takes every character, but for the last, which has 4 bits: no place is told by the shipment.
    places = [{token[place] for token in given} for place in range(27)]
    assert [len(place) for place in places] == [64] * 26 + [16]


async def test_the_database_knows_a_links_digest_and_finds_it_through_an_index(shop: Shop, hub: Hub) -> None:
    tracking, label = tokens_of(await shop.create())

    async with hub.engine.connect() as connection:
        kept = (await connection.execute(sa.text("SELECT * FROM shipment_links"))).all()
        await connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = (
            await connection.scalars(
                sa.text("EXPLAIN SELECT 1 FROM shipment_links WHERE token_hash = :hash AND kind = 1"),
                {"hash": digest(tracking)},
            )
        ).all()

    assert {row.token_hash for row in kept} == {digest(tracking), digest(label)}
    assert not any(token in str(kept) for token in (tracking, label))
    assert "shipment_links_pkey" in " ".join(plan)


async def test_links_lead_nowhere_a_day_after_the_shipment_is_over(shop: Shop, server: Server) -> None:
    made = await shop.create()
    tracking, label = tokens_of(made)
    cancelled = await shop.stub.CancelShipment(
        pb.CancelShipmentRequest(shipment_id=made.id), metadata=shop.account.metadata
    )
    assert cancelled.shipment.phase == ShipmentPhase.SHIPMENT_PHASE_CLOSED
    over, clock = cancelled.shipment.status_time.ToDatetime(tzinfo=server.hub.now().tzinfo), server.hub.now

    server.hub.now = lambda: over + timedelta(hours=24, microseconds=-1)
    assert (await resolve(shop, tracking)).shipment.id == made.id
    server.hub.now = lambda: over + timedelta(hours=24)
    for token, kind in ((tracking, SHIPMENT_LINK_KIND_TRACKING), (label, SHIPMENT_LINK_KIND_LABEL)):
        with refused("NOT_FOUND"):
            await resolve(shop, token, kind)
    server.hub.now = clock


async def test_links_that_led_nowhere_for_long_are_removed_and_no_others(shop: Shop, server: Server) -> None:
    hub, kept = server.hub, tokens_of(await shop.create())
    made = await shop.create()
    await shop.stub.CancelShipment(pb.CancelShipmentRequest(shipment_id=made.id), metadata=shop.account.metadata)
    clock = hub.now

    async def left() -> set[bytes]:
        async with hub.engine.connect() as connection:
            return set(await connection.scalars(sa.text("SELECT token_hash FROM shipment_links")))

    hub.now = lambda: clock() + links.LIFE + links.KEPT - timedelta(hours=1)
    await maintain(hub)
    assert await left() == {digest(each) for each in (*kept, *tokens_of(made))}
    hub.now = lambda: clock() + links.LIFE + links.KEPT + timedelta(hours=1)
    await maintain(hub)
    hub.now = clock

    assert await left() == {digest(each) for each in kept}


async def test_an_open_shipments_links_do_not_expire(shop: Shop, server: Server) -> None:
    tracking, _ = tokens_of(await shop.create())
    clock = server.hub.now

    server.hub.now = lambda: clock() + timedelta(days=300)

    assert (await resolve(shop, tracking)).shipment.phase == ShipmentPhase.SHIPMENT_PHASE_HELD
    server.hub.now = clock


async def test_the_hubs_own_links_stay_whoever_carries_it(shop: Shop, hub: Hub) -> None:
    made = await shop.create()

    first = await book(hub, shop.tenant, made, links=THEIRS)
    booked = await shop.get(made.id)
    await report(hub, shop.tenant, first.id, DeliveryStatus.DELIVERY_STATUS_CANCELLED)
    given_up = await shop.get(made.id)
    resolved = await resolve(shop, tokens_of(made)[0])

    assert made.links == booked.links == given_up.links
    assert resolved.delivery.links == THEIRS


async def test_a_dry_run_gives_no_links(shop: Shop) -> None:
    request = pb.CreateShipmentRequest(shipment=shop.wanted(), validate_only=True)

    answer = await shop.stub.CreateShipment(request, metadata=shop.account.metadata)

    assert not answer.shipment.HasField("links")


@pytest.mark.parametrize("url", ["ftp://track.example", "https://", "track.example", "https://a.example/?x=1"])
def test_a_public_url_is_one_beneath_which_pages_can_stand(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Settings(database_url="postgresql://x/y", encryption_key="11" * 32, public_url=url)  # type: ignore[arg-type]


async def test_without_public_url_the_carriers_links_are_the_shipments(shop: Shop, server: Server, hub: Hub) -> None:
    server.hub.settings = server.hub.settings.model_copy(update={"public_url": ""})
    made = await shop.create()

    await book(hub, shop.tenant, made, links=THEIRS)

    assert not made.HasField("links")
    assert (await shop.get(made.id)).links.label_url == THEIRS.label_url


async def test_a_token_that_cannot_be_one_is_not_looked_up(shop: Shop) -> None:
    with refused("INVALID_REQUEST") as refusal:
        await resolve(shop, "x" * 65)

    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
