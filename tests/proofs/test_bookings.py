"""Promise 11: never booked twice, however calls break and the hub dies; in the end the hub knows what carriers know.

The services are a process of their own, which is killed; the simulator's ledger is the truth. What the last killed
process left is finished by a hub whose clock is ahead, so that no claim has to be waited for.
`CROSSDOCK_PROOF_SEEDS` sets how many lives (40 by default); the hub is killed for every twentieth. `make chaos` runs
the same with more.
"""

import asyncio
import os
import random
import textwrap
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc

from cli.hub.addresses import Address, Reservation
from services.config import Settings
from services.db.engine import create_engine
from services.dispatching import working
from services.hub import make_hub
from tests.proofs.fault_proxy import Fault, calm, dice
from tests.proofs.lives import SECONDS, Lives, running_lives
from tests.services.processes import ROOT, Process, start_process
from tests.services.waiting import until
from tests.services.worlds import Metadata

SEEDS = int(os.environ.get("CROSSDOCK_PROOF_SEEDS", "40"))
KILLS = SEEDS // 20
AT_ONCE = 20
TIMES = {"quote_seconds": SECONDS, "booking_seconds": SECONDS}
SHARES = {"Quote": 0.15, "Book": 0.5, "GetBooking": 0.3, "CancelBooking": 0.4}
"""How many of the calls go wrong."""
SEED = 24
"""With it the very first calls of the lives meet every fault."""
AN_UNCLEAR_ANSWER_IS_A_NO = """
import sys

if "services" in sys.argv or "services" in sys.orig_argv:
    from services.dispatching import steps

    booked = steps.BOOKINGS[steps.BookingState.SENDING]
    booked[steps.Said.UNCERTAIN] = booked[steps.Said.FAILED]
"""


class Services:
    """The process of the services, on one port however often it is killed."""

    def __init__(self, settings: Settings, folder: Path, **environment: str) -> None:
        self._port = Reservation.take(Address("127.0.0.1", 0), "--grpc")
        self.address = str(self._port.address)
        self._settings, self._folder = settings, folder
        self._environment = {"CROSSDOCK_GRPC": self.address, "CROSSDOCK_CARRIERS_ALLOW": "127.0.0.1", **environment}
        self._process: Process | None = None
        self.deaths = 0

    async def start(self) -> None:
        folder = self._folder / str(self.deaths)
        self._process = await start_process(self._settings, folder, **self._environment)

    async def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self.deaths += 1
            self._process.popen.kill()
            await self._process.ended(60)
            self._process = None

    async def close(self) -> None:
        """Likewise, for good."""
        await self.kill()
        self._port.release()


@asynccontextmanager
async def running(
    settings: Settings, folder: Path, system: Metadata, **environment: str
) -> AsyncIterator[tuple[Services, Lives]]:
    services = Services(settings, folder, **environment)
    await services.start()
    try:
        async with (
            grpc.aio.insecure_channel(services.address) as channel,
            running_lives(channel, system, poll=timedelta(seconds=5), **TIMES) as lives,
        ):
            yield services, lives
    finally:
        await services.close()


async def live(lives: Lives, life: str) -> None:
    """What happens to one shipment, by its own dice."""
    thrown = random.Random(life)
    await lives.create(life)
    for number in range(thrown.randrange(4)):
        match thrown.randrange(4):
            case 0:
                await lives.cancel(life, f"cancel {life} {number}")
            case 1:
                await lives.retry(life, f"retry {life} {number}")
            case 2:
                await lives.carry(life, thrown)
            case 3:
                await asyncio.sleep(thrown.random())


async def live_all(lives: Lives, names: Sequence[str], services: Services, kills: int) -> None:
    """All of them, a few at once, while the services die now and then."""
    few = asyncio.Semaphore(AT_ONCE)

    async def one(life: str) -> None:
        async with few:
            await live(lives, life)

    living = [asyncio.create_task(one(life)) for life in names]
    for number in range(kills):
        due = (number + 1) * len(names) // (kills + 1)
        await until(lambda due=due: len(lives.shipments) >= due, 120)  # type: ignore[misc]
        await services.kill()
        await services.start()
    await asyncio.gather(*living)


async def finish(settings: Settings, lives: Lives) -> None:
    """Kills and faults are over: lets a hub do whatever becomes due within the next minutes of its clock."""
    lives.proxy.choose = calm
    for booking in await lives.simulator.pages(1000):
        await lives.simulator.stands_still(booking.booking.reference)
    hub = make_hub(settings, create_engine(settings))
    ahead = timedelta()
    hub.now = lambda: datetime.now(UTC) + ahead
    try:
        # On a slow machine a look-up may time out though nobody breaks it: then the next one tells.
        for seconds in (0, 30, 10, 60, 30, 30, *(60,) * 10):
            ahead += timedelta(seconds=seconds)
            while await working.work_once(hub):
                pass
    finally:
        await hub.close()


async def test_however_calls_break_and_the_hub_dies_nothing_is_booked_twice_and_nothing_is_forgotten(
    settings: Settings, system: Metadata, tmp_path: Path
) -> None:
    names = [f"life-{number}" for number in range(SEEDS)]
    async with running(settings, tmp_path, system) as (services, lives):
        await lives.settle_all(names)
        lives.proxy.choose = dice(SHARES, seed=SEED)
        await live_all(lives, names, services, KILLS)
        await services.kill()
        await finish(settings, lives)
        await services.start()  # to be asked

        lies = await lives.all_lies()
        met = Counter(dice(SHARES, seed=SEED)(each) for each in lives.proxy.calls)
        ends = Counter([(await lives.get(life)).status for life in names])

    assert lies == []
    assert all(met[fault] for fault in Fault), met
    assert len(ends) > 1, ends
    told = f"{SEEDS} lives, {KILLS + 1} kills, {met.total() - met[Fault.NONE]} of {met.total()} calls broken"
    print(f"{told}: 0 booked twice, 0 orphans, 0 that the hub saw otherwise")  # noqa: T201  the figure of the proof


async def test_a_hub_that_takes_an_unclear_answer_for_a_no_is_caught(
    settings: Settings, system: Metadata, tmp_path: Path
) -> None:
    sabotage = tmp_path / "sabotage"
    sabotage.mkdir()
    (sabotage / "sitecustomize.py").write_text(textwrap.dedent(AN_UNCLEAR_ANSWER_IS_A_NO))
    path = os.pathsep.join(map(str, (sabotage, ROOT, ROOT / "gen")))
    names = [f"life-{number}" for number in range(8)]
    async with running(settings, tmp_path, system, PYTHONPATH=path) as (services, lives):
        await lives.settle_all(names)
        lives.proxy.choose = lambda call: Fault.ERROR if call.method == "Book" and not call.number else Fault.NONE
        await asyncio.gather(*map(lives.create, names))
        await services.kill()
        await finish(settings, lives)
        await services.start()

        lies = await lives.all_lies()

    assert len(lies) == len(names), "the sabotage booked nothing twice: this proof proves nothing"
