"""The tracking page as a recipient has it: in a real browser, on a telephone, by day and by night."""

from pathlib import Path

from crossdock.v1.courier_pb2 import Courier
from crossdock.v1.delivery_pb2 import DeliveryStatus

from gateway.server import Server as Gateway
from services.hub import Hub
from tests.browsers import needs_chromium, running_browser
from tests.gateway.tracking.test_tracking import path, send
from tests.services.shipments.shops import Shop, book, report

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
TOO_WIDE = "document.scrollingElement.scrollWidth > innerWidth"
HEADLINE = "document.querySelector('h1').textContent"
ENDED = "document.querySelector('footer').textContent === ''"


@needs_chromium
async def test_the_page_is_readable_asks_nobody_else_and_renews_itself(shop: Shop, hub: Hub, gateway: Gateway) -> None:
    made = await send(shop)
    delivery = await book(hub, shop.tenant, made, tracking_number="T" * 64)
    courier = Courier(name="Dora Driver")
    await report(hub, shop.tenant, delivery.id, DeliveryStatus.DELIVERY_STATUS_DROPOFF_EN_ROUTE, courier=courier)
    url = gateway.url + path(made.links.tracking_url)

    async with running_browser() as browser:
        page = await browser.page()
        for scheme in ("light", "dark"):
            await page.look(320, 640, scheme)
            await page.open(url)
            assert await page.evaluate(CONTRAST) == []
            assert not await page.evaluate(TOO_WIDE)
        title = await page.evaluate("document.title")
        seen = await page.evaluate(HEADLINE)
        await page.evaluate("window.stayed = true")
        await report(hub, shop.tenant, delivery.id, DeliveryStatus.DELIVERY_STATUS_DELIVERED)
        await page.evaluate("renew()")
        renewed = await page.evaluate(HEADLINE)

        assert (seen, renewed) == ("On its way to you", "Delivered")
        assert title == "On its way to you – Acme <script>alert(1)</script> & Sons"
        assert await page.evaluate("document.documentElement.lang") == "en"
        assert await page.evaluate(f"{ENDED} && window.stayed")
        assert set(page.requests) == {url}
        assert page.complaints == []
