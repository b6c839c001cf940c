"""The interactive page as a developer has it: in a real browser, with nothing but this hub to ask."""

import httpx

from gateway.dialects.registry import INBOUND
from tests.browsers import needs_chromium, running_browser
from tests.gateway.webhook_services import running_gateway

TAGS = "[...document.querySelectorAll('.opblock-tag')].map((each) => each.dataset.tag)"
PATHS = "[...document.querySelectorAll('.opblock-summary-path')].map((each) => each.dataset.path)"
CALL = "document.getElementById('operations-Process-process_healthz')"


@needs_chromium
async def test_the_page_shows_the_operations_and_calls_one_without_any_network() -> None:
    # Nothing listens on port 1: the page needs no services.
    async with running_gateway("127.0.0.1:1", INBOUND) as gateway, running_browser() as browser:
        async with httpx.AsyncClient(base_url=gateway.url, timeout=60) as client:
            document = (await client.get("/openapi.json")).json()
        page = await browser.page()
        await page.open(f"{gateway.url}/docs")
        await page.until("document.querySelector('.opblock-tag')")

        tags = await page.evaluate(TAGS)
        await page.evaluate("document.querySelector('.opblock-tag[data-tag=Process]').click()")
        for button in (".opblock-summary-control", ".try-out__btn", ".execute"):
            await page.until(f"{CALL}?.querySelector('{button}')")
            await page.evaluate(f"{CALL}.querySelector('{button}').click()")
        await page.until(f"{CALL}.querySelector('.live-responses-table .response-col_status')")
        answer = await page.evaluate(f"{CALL}.querySelector('.live-responses-table').innerText")
        paths = await page.evaluate(PATHS)

        assert set(tags) == {tag["name"] for tag in document["tags"]}
        assert {"/healthz", "/readyz", "/metrics"} <= set(paths)
        assert '"status": "ok"' in answer
        elsewhere = [url for url in page.requests if not url.startswith((gateway.url, "data:"))]
        assert elsewhere == []
        assert page.complaints == []
