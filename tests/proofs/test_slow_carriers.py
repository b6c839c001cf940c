"""Promise 14: a carrier that hangs does not slow the others, and is soon left alone."""

import asyncio
import time
from datetime import timedelta
from statistics import median

from crossdock.v1.carrier_pb2 import CircuitState
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_DISPATCHED

from tests.carriers.worlds import eventually
from tests.proofs.fault_proxy import Call, Fault
from tests.proofs.lives import SECONDS, Lives

SHIPMENTS = 25
MOST_FAILURES = 10


def hang(call: Call) -> Fault:
    """One store's carrier."""
    return Fault.HANG if call.life == "slow" else Fault.NONE


async def test_a_carrier_that_hangs_is_left_alone_and_slows_nobody(lives: Lives) -> None:
    lives.poll = timedelta(minutes=10)
    await lives.settle("well", ["evergreen"])
    lives.quote_seconds = SECONDS
    await lives.settle("slow", ["swift"])

    _, with_a_quick_one = await asyncio.gather(ship(lives, "slow"), ship(lives, "well"))
    lives.proxy.choose = hang
    asked = lives.proxy.count("slow", "Quote")
    _, with_one_that_hangs = await asyncio.gather(ship(lives, "slow"), ship(lives, "well"))

    async def well_are_dispatched() -> bool:
        found = {(await lives.get(each)).status for each in lives.shipments if each.startswith("well")}
        return found == {DELIVERY_STATUS_DISPATCHED}

    await eventually(well_are_dispatched)
    assert lives.proxy.count("slow", "Quote") - asked <= MOST_FAILURES
    assert (await lives.carrier("swift-slow")).circuit_state != CircuitState.CIRCUIT_STATE_CLOSED
    assert (await lives.carrier("evergreen-well")).circuit_state == CircuitState.CIRCUIT_STATE_CLOSED
    ratio = with_one_that_hangs / with_a_quick_one
    print(f"a dispatch beside a carrier that hangs takes {ratio:.2f} times as long")  # noqa: T201  the figure


async def ship(lives: Lives, kind: str) -> float:
    """Shipments of a store, one after the other; the median of their seconds."""
    seconds = []
    for _ in range(SHIPMENTS):
        began = time.perf_counter()
        await lives.create(kind, f"{kind} {len(lives.shipments)}")
        seconds.append(time.perf_counter() - began)
    return median(seconds)
