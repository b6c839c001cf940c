"""Promise 33: what the links of shipments lead to, through the real services and the real gateway."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pypdfium2
import pytest
import zxingcpp
from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.contact_pb2 import Address, Contact, Phone
from crossdock.v1.courier_pb2 import Courier
from crossdock.v1.delivery_pb2 import DeliveryLinks, DeliveryStatus
from crossdock.v1.shipment_pb2 import Shipment

from gateway.server import Server as Gateway
from services.hub import Hub
from services.server import Server
from tests.gateway.tracking.conftest import PUBLIC
from tests.services.shipments.shops import Shop, book, report

STRICT = ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'")


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=60) as client:
        yield client


def path(link: str) -> str:
    return link.removeprefix(PUBLIC)


async def send(shop: Shop) -> Shipment:
    """A shipment with names and addresses that no page may tell."""
    postal = Address()
    postal.postal_address.address_lines.append("725 Albany Street")
    postal.postal_address.locality, postal.postal_address.administrative_area = "Boston", "MA"
    postal.postal_address.postal_code, postal.postal_address.region_code = "02118", "US"
    wanted = shop.wanted("7709-<001>")
    stop = wanted.consignment.dropoff
    stop.address.CopyFrom(postal)
    stop.contact.CopyFrom(Contact(name="Ann Onymous", phone=Phone(raw="+16175550188", e164="+16175550188")))
    stop.instructions = "Key under the mat"
    wanted.consignment.merchant_name = "Acme <script>alert(1)</script> & Sons"
    wanted.consignment.parcels.add(name="Box")
    request = pb.CreateShipmentRequest(shipment=wanted)
    return (await shop.stub.CreateShipment(request, metadata=shop.account.metadata)).shipment


async def test_the_page_tells_how_far_it_is_and_nobodys_address(
    shop: Shop, hub: Hub, client: httpx.AsyncClient
) -> None:
    made = await send(shop)
    courier = Courier(name="Dora Driver", phone=Phone(raw="+13125550123", e164="+13125550123"))
    delivery = await book(hub, shop.tenant, made, tracking_number="TRK-1")
    await report(hub, shop.tenant, delivery.id, DeliveryStatus.DELIVERY_STATUS_DROPOFF_EN_ROUTE, courier=courier)

    page = (await client.get(path(made.links.tracking_url))).text

    for part in ("On its way to you", "Dora", "•••• 0123", "TRK-1", "Sim A", '<html lang="en">', 'role="status"'):
        assert part in page
    for part in ("Driver", "5550123", "Albany", "Boston", "02118", "Onymous", "0188", "mat", "7709", made.id, "shp_"):
        assert part not in page


async def test_what_people_wrote_stays_text(shop: Shop, client: httpx.AsyncClient) -> None:
    page = (await client.get(path((await send(shop)).links.tracking_url))).text

    assert "Acme &lt;script&gt;alert(1)&lt;/script&gt; &amp; Sons" in page
    assert page.count("<script>") == 1  # our own


async def test_nobody_may_keep_find_frame_or_pass_on_what_a_link_leads_to(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    made = await send(shop)
    links = made.links
    wanted = [path(each) for each in (links.tracking_url, links.qr_code_url, links.label_url)]

    answers = [await client.get(each) for each in (*wanted, "/t/" + "x" * 27, "/labels/x.pdf")]

    assert [each.status_code for each in answers] == [200, 200, 200, 404, 404]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert all(part in policy for part in STRICT)
        assert "unsafe" not in policy
        assert "*" not in policy


async def test_the_pages_own_style_and_script_are_all_that_browsers_let_it_have(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    answer = await client.get(path((await send(shop)).links.tracking_url))

    for element, directive in (("style", "style-src"), ("script", "script-src")):
        [inline] = re.findall(f"<{element}>(.*?)</{element}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in answer.headers["content-security-policy"]


async def test_the_page_loads_nothing_from_anywhere(shop: Shop, client: httpx.AsyncClient) -> None:
    page = (await client.get(path((await send(shop)).links.tracking_url))).text

    page = page.replace('<link rel="icon" href="data:,">', "")  # asks for none
    assert not any(mark in page for mark in ("src=", "<link", "@import", "url(", "http://", "https://"))


async def test_the_qr_code_leads_to_the_page(shop: Shop, client: httpx.AsyncClient) -> None:
    made = await send(shop)

    answer = await client.get(path(made.links.qr_code_url))
    label = await client.get(path(made.links.label_url))

    assert answer.headers["content-type"] == "image/svg+xml"
    assert b"<svg" in answer.content
    printed = pypdfium2.PdfDocument(label.content)[0].render(scale=203 / 72).to_pil()
    assert {each.text for each in zxingcpp.read_barcodes(printed)} == {made.links.tracking_url, made.id}


async def test_the_label_is_a_pdf_that_says_from_whom_to_whom(shop: Shop, client: httpx.AsyncClient) -> None:
    answer = await client.get(path((await send(shop)).links.label_url))

    assert answer.headers["content-type"] == "application/pdf"
    said = pypdfium2.PdfDocument(answer.content)[0].get_textpage().get_text_range()
    for part in ("Ann Onymous", "725 Albany Street", "Boston, MA 02118", "+16175550188", "Parcel 1 of 1: Box"):
        assert part in said


async def test_a_carriers_own_label_is_led_on_to_until_it_gives_the_shipment_up(
    shop: Shop, hub: Hub, client: httpx.AsyncClient
) -> None:
    made = await send(shop)
    theirs = DeliveryLinks(label_url="https://carrier.example/1.pdf")
    delivery = await book(hub, shop.tenant, made, links=theirs)

    led_on = await client.get(path(made.links.label_url))
    await report(hub, shop.tenant, delivery.id, DeliveryStatus.DELIVERY_STATUS_CANCELLED)
    ours = await client.get(path(made.links.label_url))

    assert (led_on.status_code, led_on.headers["location"]) == (302, theirs.label_url)
    assert led_on.headers["referrer-policy"] == "no-referrer"
    assert ours.headers["content-type"] == "application/pdf"


async def test_one_secret_opens_not_what_another_does(shop: Shop, client: httpx.AsyncClient) -> None:
    made = await send(shop)
    tracking = path(made.links.tracking_url).removeprefix("/t/")
    label = path(made.links.label_url).removeprefix("/labels/").removesuffix(".pdf")
    crossed = (f"/labels/{tracking}.pdf", f"/t/{label}", f"/t/{label}/qr.svg")
    guessed = (f"/t/{made.id}", f"/t/{tracking[:-1]}", f"/t/{tracking}=", f"/t/{tracking.swapcase()}")

    answers = [await client.get(each) for each in (*crossed, *guessed)]

    assert {each.status_code for each in answers} == {404}
    assert len({each.content for each in answers}) == 1  # one looks like the other


async def test_a_day_after_the_end_the_page_is_gone(shop: Shop, server: Server, client: httpx.AsyncClient) -> None:
    made = await send(shop)
    await shop.stub.CancelShipment(pb.CancelShipmentRequest(shipment_id=made.id), metadata=shop.account.metadata)
    wanted = [path(each) for each in (made.links.tracking_url, made.links.qr_code_url, made.links.label_url)]
    clock = server.hub.now

    at_the_end = await client.get(wanted[0])
    server.hub.now = lambda: clock() + timedelta(hours=23, minutes=59)
    just_before = [(await client.get(each)).status_code for each in wanted]
    server.hub.now = lambda: clock() + timedelta(hours=24)
    after = [(await client.get(each)).status_code for each in wanted]
    server.hub.now = clock

    assert "Called off" in at_the_end.text
    assert "<script>" not in at_the_end.text  # nothing more will come
    assert (just_before, after) == ([200] * 3, [404] * 3)


async def test_while_the_services_are_away_one_may_come_again(
    shop: Shop, server: Server, client: httpx.AsyncClient
) -> None:
    made = await send(shop)
    await server.stop(0)

    answer = await client.get(path(made.links.tracking_url))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["cache-control"] == "no-store"


async def test_delivery_solutions_clients_are_told_links_that_work(shop: Shop, client: httpx.AsyncClient) -> None:
    made = await shop.create("ds-1")
    key = shop.account.metadata[0][1].removeprefix("Bearer ")

    told = await client.get("/deliverysolutions/v2/shipments/ds-1", headers={"x-api-key": key, "tenantid": "acme"})
    shipment = told.json()

    links = (shipment["referenceLinks"]["trackingUrl"], shipment["referenceLinks"]["qrcodeLink"], shipment["label"])
    assert links == (made.links.tracking_url, made.links.qr_code_url, made.links.label_url)
    assert [(await client.get(path(each))).status_code for each in links] == [200] * 3


async def test_no_log_tells_a_link(shop: Shop, client: httpx.AsyncClient, capfd: Any) -> None:
    made = await send(shop)
    capfd.readouterr()

    await client.get(path(made.links.tracking_url))
    await client.get(path(made.links.tracking_url) + "x")

    logged = [line for line in "\n".join(capfd.readouterr()).splitlines() if '"logger": "httpx"' not in line]
    assert any("/t/{token}" in line for line in logged)
    assert not any(path(made.links.tracking_url) in line for line in logged)
