"""Promise 13: a cancellation that meets the pickup ends as the carrier says, whichever came first.

`CROSSDOCK_PROOF_SEEDS` sets how many meet (30 by default).
"""

import asyncio
import os
import random
from collections import Counter
from contextlib import suppress

import grpc
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_CANCELLED, DELIVERY_STATUS_PICKED_UP

from tests.carriers.worlds import AT_ONCE, eventually
from tests.proofs.fault_proxy import dice
from tests.proofs.lives import Lives

OK = grpc.StatusCode.OK
MEETINGS = int(os.environ.get("CROSSDOCK_PROOF_SEEDS", "30"))
AT_ONE_TIME = 20
ALMOST = 0.3
"""Within so many seconds of the departure it is called off."""
PACES = (AT_ONCE, AT_ONCE / 10, AT_ONCE / 40)
"""The pickup is a few moments, some tenths of a second, or seconds after it."""


async def test_whichever_comes_first_the_hub_says_what_the_ledger_says(lives: Lives) -> None:
    names = [f"life-{number}" for number in range(MEETINGS)]
    answers: Counter[grpc.StatusCode] = Counter()
    lives.booking_seconds = 3
    await lives.settle_all(names, ["swift"])
    lives.proxy.choose = dice({"CancelBooking": 0.3, "GetBooking": 0.1}, seed=13)
    few = asyncio.Semaphore(AT_ONE_TIME)

    async def call_off(life: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        answers[await lives.cancel(life, f"cancel {life}")] += 1

    async def set_out(reference: str, pace: float) -> None:
        with suppress(grpc.aio.AioRpcError):  # it was called off before
            await lives.simulator.set_out(reference, pace=pace, until="PICKED_UP")

    async def meet(life: str) -> None:
        thrown = random.Random(life)
        async with few:
            await lives.create(life)
            (booking,) = await eventually(lambda: lives.ledger(life))
            reference = booking.booking.reference
            if life == names[0]:  # which is called off for certain, as the next is picked up
                await call_off(life, 0)
            elif life == names[1]:
                await set_out(reference, AT_ONCE)
                await lives.simulator.stands_still(reference)
                await call_off(life, 0)
            else:
                await asyncio.gather(
                    set_out(reference, thrown.choice(PACES)),
                    call_off(life, thrown.choice((0, thrown.random() * ALMOST))),
                )

    await asyncio.gather(*map(meet, names))
    for life in names:
        await lives.simulator.stands_still(life)

    async def nothing_is_wrong() -> bool:
        return not await lives.all_lies()

    await eventually(nothing_is_wrong)
    truth = Counter([(await lives.ledger(life))[0].booking.report.status for life in names])
    for life in names:
        steps = await lives.history(life)
        assert not {"PICKED_UP", "CANCELLED"} <= set(steps), f"{life} was picked up and called off: {steps}"
    assert set(truth) == {DELIVERY_STATUS_CANCELLED, DELIVERY_STATUS_PICKED_UP}
    told = f"{truth[DELIVERY_STATUS_PICKED_UP]} picked up, {truth[DELIVERY_STATUS_CANCELLED]} called off"
    print(f"{MEETINGS} meetings: {told}, {answers[OK]} wishes accepted, all as the ledger says")  # noqa: T201  the figure
