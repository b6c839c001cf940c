"""The document and its page, over HTTP."""

import gzip
import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.dialects.registry import INBOUND
from tests.gateway.webhook_services import running_gateway

OWN = ("docs/favicon-32x32.png", "docs/swagger-ui.css", "docs/swagger-ui-bundle.js", "docs/start.js", "openapi.json")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    # Nothing listens on port 1: neither the document nor the page need the services.
    async with (
        running_gateway("127.0.0.1:1", INBOUND) as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=60) as client,
    ):
        yield client


async def test_the_document_is_served_and_not_sent_twice(client: httpx.AsyncClient) -> None:
    first = await client.get("/openapi.json")
    again = await client.get("/openapi.json", headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})

    assert first.headers["content-type"] == "application/json"
    assert first.json()["openapi"] == "3.1.0"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])


async def test_a_client_that_cannot_unpack_gets_the_same_document_plain(client: httpx.AsyncClient) -> None:
    plain = await client.get("/openapi.json", headers={"Accept-Encoding": "gzip;q=0, identity"})
    async with client.stream("GET", "/openapi.json", headers={"Accept-Encoding": "br, gzip;q=0.8"}) as answer:
        packed = b"".join([chunk async for chunk in answer.aiter_raw()])

    assert "content-encoding" not in plain.headers
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain.content
    assert len(packed) < len(plain.content) / 3


async def test_the_page_loads_nothing_but_our_own_files(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    answers = {path: await client.get(f"/{path}") for path in loaded}

    assert sorted(loaded) == sorted(OWN)
    assert {answer.status_code for answer in answers.values()} == {200}
    script = answers["docs/start.js"].text
    assert json.loads(re.findall(r"url: (.*),", script)[0]) == "openapi.json"
    assert "http" not in page.text + script
    assert "SwaggerUIBundle" in answers["docs/swagger-ui-bundle.js"].text


async def test_the_page_may_run_no_script_but_ours(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")

    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert not re.search(r"<script>|<style|\son\w+=|style=", page.text)


@pytest.mark.parametrize("name", ["nothing", "docs.html", "..%2fpages.py", "main.py"])
async def test_the_page_has_no_other_files(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/docs/{name}")

    assert answer.status_code == 404
