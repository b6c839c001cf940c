"""Promise 4: every committed event reaches its subscribers, though the sender is killed wherever it stands.

`CROSSDOCK_PROOF_KILLS` sets how many kills; the points at which they come follow each other.
"""

import asyncio
import os
import textwrap
from itertools import cycle, islice
from pathlib import Path

import pytest

from services.server import Server
from tests.conftest import SYSTEM_TOKEN
from tests.gateway.sending.conftest import ALLOWED, Subscribers, settings, sink, subscribers
from tests.gateway.sending.sinks import Sink
from tests.gateway.test_process import gateway_process
from tests.services.waiting import until

__all__ = ["settings", "sink", "subscribers"]

KILLS = int(os.environ.get("CROSSDOCK_PROOF_KILLS", "5"))
POINTS = ("leased", "posting", "posted", "reporting", "reported")
WORDS = ("confirmed", "arrived_at_store", "out_for_delivery", "delivered")
PATHS = ("/a", "/b", "/c")
DEATH = """
import asyncio
import os
import signal

from gateway.sending.leases import LeaseWork
from gateway.sending.reports import Reports
from gateway.sending.tries import Tries

point, left = os.environ.get("KILL_AT", ""), int(os.environ.get("KILL_AT_NUMBER", "0"))


def around(cls, name, before="", after=""):
    really = getattr(cls, name)

    async def method(*arguments):
        pass_by(before)
        answer = await really(*arguments)
        pass_by(after)
        return answer

    setattr(cls, name, method)


def pass_by(here):
    global left
    if here == point and point:
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


around(LeaseWork, "run", before="leased")
around(Tries, "_post", before="posting", after="posted")
around(Reports, "_call", before="reporting", after="reported")
"""
TELL_BEFORE_SENDING = """
from gateway.sending import outcomes
from gateway.sending.tries import Tries

really = Tries._post


async def post(self, attempt, subscription, message, host):
    await really(self, attempt, subscription, message, host)
    attempt.outcome = outcomes.SUCCEEDED


Tries._post = post
"""


@pytest.fixture
def surroundings(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a gateway whose leases end soon after it."""
    for name in [name for name in os.environ if name.startswith("CROSSDOCK_")]:
        monkeypatch.delenv(name)
    return {
        "CROSSDOCK_HTTP": "127.0.0.1:0",
        "CROSSDOCK_SERVICES": server.address,
        "CROSSDOCK_SYSTEM_TOKEN": SYSTEM_TOKEN,
        "CROSSDOCK_EGRESS_ALLOW": ALLOWED,
        "CROSSDOCK_SENDING_LEASE_SECONDS": "1",
        "CROSSDOCK_LOG_LEVEL": "ERROR",
    }


def customised(folder: Path, program: str) -> dict[str, str]:
    """The environment in which a program of Python begins with these lines."""
    (folder / "sitecustomize.py").write_text(textwrap.dedent(program))
    root = Path(__file__).parents[2]
    return {"PYTHONPATH": os.pathsep.join((str(folder), str(root), str(root / "gen")))}


async def feed(subscribers: Subscribers, stop: asyncio.Event) -> None:
    """Carriers that always have something to say."""
    number = 0
    while not stop.is_set():
        number += 1
        await subscribers.happen([f"o{number}"], WORDS)
        await asyncio.sleep(0.1)


async def test_every_committed_event_reaches_every_subscriber_though_senders_are_killed(
    subscribers: Subscribers, sink: Sink, surroundings: dict[str, str], tmp_path: Path
) -> None:
    for path in PATHS:
        await subscribers.create(sink.url(path))
    deadly = surroundings | customised(tmp_path, DEATH)
    stop = asyncio.Event()
    feeding = asyncio.create_task(feed(subscribers, stop))

    for number, point in enumerate(islice(cycle(POINTS), KILLS)):
        async with gateway_process(**deadly, KILL_AT=point, KILL_AT_NUMBER=str(3 + number % 7)) as process:
            assert await asyncio.wait_for(process.wait(), 60) == -9, point
    stop.set()
    await feeding
    recorded = await subscribers.recorded()
    async with gateway_process(**surroundings):
        await until(lambda: all(sink.ids(path) >= recorded for path in PATHS), 60)

    for path in PATHS:
        assert all(numbers == sorted(numbers) for numbers in sink.numbers(path).values()), "out of order"
    wanted, told = len(recorded) * len(PATHS), len(sink.heard)
    print(f"{wanted} messages due, {KILLS} kills, 0 missing, {told - wanted} sent again")  # noqa: T201  the figure


async def test_a_sender_that_tells_of_success_without_any_is_caught(
    subscribers: Subscribers, sink: Sink, surroundings: dict[str, str], tmp_path: Path
) -> None:
    made = await subscribers.create(f"http://127.0.0.1:{await _closed_port()}/")
    await subscribers.happen(["o1"], WORDS)
    recorded = await subscribers.recorded()

    async with gateway_process(**surroundings | customised(tmp_path, TELL_BEFORE_SENDING)):
        stats = await subscribers.until(made.id, lambda stats: stats.succeeded_count == len(recorded))

    assert stats.backlog_count == 0
    assert not sink.heard, "nothing came, and nobody knows: this is what the proof above would find missing"


async def _closed_port() -> int:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    return port
