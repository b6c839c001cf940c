"""Promise 1: a 2xx survives a crash. Killed under load, the hub has what it thanked for, once.

`CROSSDOCK_PROOF_KILLS` sets how many kills (10 by default), `CROSSDOCK_PROOF_THANKS` how many thanks there are between
two of them (60 by default); `make chaos` runs the same with more.
"""

import asyncio
import contextlib
import os
import signal
import textwrap
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from cli.hub.addresses import Address
from cli.hub.local_hub import LocalHub, Plan
from tests.services.waiting import until

KILLS = int(os.environ.get("CROSSDOCK_PROOF_KILLS", "10"))
SENDERS = 16
BETWEEN_KILLS = int(os.environ.get("CROSSDOCK_PROOF_THANKS", "60"))
"""How many thanks are awaited before the next kill."""

EFFECTS = """
SELECT r.value, count(*)
FROM delivery_references r JOIN events e USING (tenant_id, delivery_id)
WHERE r.scope = 'skipcart.order' AND octet_length(e.input_key) > 0
GROUP BY r.value
"""
THANKS_BEFORE_COMMIT = """
import asyncio
import sys

if sys.argv[-1:] != ["services"]:
    from crossdock.v1.webhook_service_pb2 import IngestWebhookResponse
    from gateway.webhooks.ingest import Ingest

    really, kept = Ingest.store, set()

    async def store(self, message):
        task = asyncio.create_task(really(self, message))
        kept.add(task)
        task.add_done_callback(lambda done: (kept.discard(done), done.exception()))
        return IngestWebhookResponse(webhook_id="whk", disposition=1)

    Ingest.store = store
"""


class Senders:
    """Carriers that post without pause, and send again what was not thanked for; they write down every thanks."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._next = 0
        self.thanked: list[str] = []
        self.refused = 0

    async def send(self, stop: asyncio.Event) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            while not stop.is_set():
                self._next += 1
                await self._send_until_thanked(client, f"order-{self._next}", stop)

    async def _send_until_thanked(self, client: httpx.AsyncClient, order: str, stop: asyncio.Event) -> None:
        body = {"skipcart_order_id": order, "event_status": "delivered", "event_time_utc": "2026-01-01T10:00:00Z"}
        while not stop.is_set():
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.post(self._url, json=body)
                if answer.status_code == 200:
                    assert answer.content == b'{"statusCode":200}'
                    self.thanked.append(order)
                    return
                assert answer.status_code == 503, answer.text
                assert "retry-after" in answer.headers
            self.refused += 1
            await asyncio.sleep(0.02)

    async def wait_for(self, count: int) -> None:
        # The supervisor takes its time with a process that ends again and again.
        await until(lambda: len(self.thanked) >= count, 600)


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[LocalHub]:
    plan = Plan(folder, Address("127.0.0.1", 0), Address("127.0.0.1", 0), demo_data=True, log_level="ERROR")
    hub = await LocalHub.start(plan)
    try:
        yield hub
    finally:
        await hub.stop()


async def kill(hub: LocalHub, name: str) -> None:
    """Ends a process without a word."""
    await until(lambda: hub.pid(name) is not None, 60)
    pid = hub.pid(name)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: hub.pid(name) != pid, 60)


async def effects(hub: LocalHub) -> Counter[str]:
    connection = await asyncpg.connect(hub.database_url.replace("+asyncpg", ""))
    try:
        return Counter(dict(await connection.fetch(EFFECTS)))
    finally:
        await connection.close()


async def test_what_was_thanked_for_survives_kills_and_happens_once(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        senders, stop = Senders(hub.ready["sources"]["skipcart"]["url"]), asyncio.Event()
        tasks = [asyncio.create_task(senders.send(stop)) for _ in range(SENDERS)]
        for number in range(KILLS):
            await senders.wait_for(len(senders.thanked) + BETWEEN_KILLS)
            await kill(hub, ("services", "gateway")[number % 2])
        await senders.wait_for(len(senders.thanked) + BETWEEN_KILLS)
        stop.set()
        await asyncio.gather(*tasks)
        found = await effects(hub)

    assert len(senders.thanked) > KILLS * BETWEEN_KILLS
    assert [order for order in senders.thanked if found[order] == 0] == [], "thanked for and lost"
    assert [order for order, count in found.items() if count > 1] == [], "counted twice"
    told = f"{len(senders.thanked)} thanked for over {KILLS} kills, {senders.refused} tries refused"
    print(f"{told}, 0 lost, 0 twice")  # noqa: T201  the figure of the proof


async def test_a_gateway_that_thanks_before_the_commit_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotage = tmp_path / "sabotage"
    sabotage.mkdir()
    (sabotage / "sitecustomize.py").write_text(textwrap.dedent(THANKS_BEFORE_COMMIT))
    monkeypatch.setenv("PYTHONPATH", str(sabotage))
    async with running(tmp_path / "hub") as hub:
        senders, stop = Senders(hub.ready["sources"]["skipcart"]["url"]), asyncio.Event()
        tasks = [asyncio.create_task(senders.send(stop)) for _ in range(SENDERS)]
        for _ in range(2):
            await senders.wait_for(len(senders.thanked) + BETWEEN_KILLS)
            await kill(hub, "services")
        await senders.wait_for(len(senders.thanked) + BETWEEN_KILLS)
        stop.set()
        await asyncio.gather(*tasks)
        found = await effects(hub)

    assert any(found[order] == 0 for order in senders.thanked), "the sabotage lost nothing: this proof proves nothing"
