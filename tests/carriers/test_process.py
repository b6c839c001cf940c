"""The simulator as a process: its flags, its ready file, and its books after a kill."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from crossdock.v1.carrier_pb2 import BOOKING_STATE_CLOSED

from carriers.simulator.fleet import FLEET
from tests.carriers.front_doors import FrontDoor, open_door
from tests.carriers.worlds import KEY, World, eventually

PEAK_MIB = 150


class Simulator:
    """Processes on one folder, one at a time."""

    def __init__(self, folder: Path) -> None:
        self._ready = folder / "ready.json"
        self._flags = ("--grpc", "127.0.0.1:0", "--ready-file", str(self._ready))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *flags: str) -> None:
        self._ready.unlink(missing_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CROSSDOCK_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "carriers.simulator", *self._flags, *flags],
            env={**inherited, "CROSSDOCK_SIMULATOR_KEY": KEY},
            stderr=subprocess.DEVNULL,
        )

    @asynccontextmanager
    async def started(self, *flags: str) -> AsyncIterator[World]:
        self.start(*flags)
        await eventually(self._is_ready)
        async with grpc.aio.insecure_channel(json.loads(self._ready.read_text())["grpc"]) as channel:
            yield World(channel, KEY)

    async def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "it ended before it was ready"
        return self._ready.exists()

    def end(self, sign: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait(60)

    def peak_mib(self) -> float:
        assert self.process is not None
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path)
    yield simulator
    if simulator.process and simulator.process.poll() is None:
        simulator.end(signal.SIGKILL)


@pytest.fixture
async def door() -> AsyncIterator[FrontDoor]:
    async with open_door() as door:
        yield door


async def test_a_kill_in_the_middle_of_a_journey_loses_nothing(
    simulator: Simulator, tmp_path: Path, door: FrontDoor
) -> None:
    async def is_under_way() -> bool:
        return bool(door.posted)

    ledger = ("--ledger", str(tmp_path / "ledger.sqlite"))
    async with simulator.started(*ledger) as world:
        await world.configure("pronto", f"{door.url}/pronto", "the value")
        booked = await world.pronto.book("dlv_1", order_number="A-1001")
        await world.misbehave("swift", decline_code="no_capacity")
        await world.set_out("dlv_1", pace=120)
        await eventually(is_under_way)
        simulator.end(signal.SIGKILL)

    async with simulator.started(*ledger) as world:
        await world.run("dlv_1", pace=20_000)

        ended = (await world.pronto.get("dlv_1")).booking
        assert (ended.id, ended.price, ended.state) == (booked.booking.id, booked.booking.price, BOOKING_STATE_CLOSED)
        assert (await world.swift.book("dlv_2")).declined.code == "no_capacity"
        assert list(dict.fromkeys(door.words("eventType"))) == [
            "rider-created", "rider-picking", "rider-delivering", "rider-completed", "rider-proof-delivery",
        ]  # fmt: skip
        assert {each.headers["authorization"] for each in door.posted} == {"the value"}


async def test_a_journey_goes_on_by_itself_after_a_kill(simulator: Simulator, tmp_path: Path) -> None:
    ledger = ("--ledger", str(tmp_path / "ledger.sqlite"))
    async with simulator.started(*ledger) as world:
        await world.pronto.book("dlv_1")
        await world.set_out("dlv_1", pace=1_000)
        simulator.end(signal.SIGKILL)

    async with simulator.started(*ledger) as world:
        assert (await world.stands_still("dlv_1")).booking.state == BOOKING_STATE_CLOSED


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_a_thousand_bookings_fit_into_its_memory_and_it_ends_when_told(
    simulator: Simulator, sign: signal.Signals
) -> None:
    async with simulator.started() as world:
        for number in range(1_000):
            await world.swift.book(f"dlv_{number}")

        assert simulator.peak_mib() < PEAK_MIB
        assert simulator.end(sign) == 0


def test_its_help_names_every_setting_and_a_wrong_one_is_told() -> None:
    def run(*flags: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "carriers.simulator", *flags]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    shown, refused = run("--help"), run("--grpc", "nowhere")

    assert shown.returncode == 0
    assert {"--grpc", "--ledger", "--hub", "--seed", "--pace"} <= set(shown.stdout.replace(",", " ").split())
    assert (refused.returncode, "CROSSDOCK_SIMULATOR_GRPC" in refused.stderr) == (2, True)


def test_the_fleet_speaks_all_three_dialects() -> None:
    assert {each.dialect for each in FLEET.values()} == {"skipcart", "evermile", "ordatic"}
