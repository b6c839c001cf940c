"""Promise 11: never booked twice, whatever carriers do and wherever a process dies; and in the end the hub knows.

A process that dies is a task that is cancelled at one of its awaits: what it had not committed is gone, and its claims
stay until they end. The same with whole processes and `kill -9` is the matter of the chaos runs.
"""

import asyncio
import random
from collections import deque
from contextlib import suppress

import pytest
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_PICKED_UP
from crossdock.v1.shipment_service_pb2 import CancelShipmentRequest, RetryShipmentRequest

from services.dispatching import engine, wishes
from services.dispatching.rows import Key
from services.dispatching.steps import OCCUPIES
from services.errors import Problem
from tests.services.dispatching.stages import Theatre
from tests.services.test_deadlines import CancelledAt

CLAIM_ENDS = 30
LIVES = 100
STRIDE = 9
"""A process dies at every so-many-th await; the chaos runs let it die anywhere."""


async def die_at(theatre: Theatre, key: Key, wait: int) -> bool:
    """Goes on with a shipment and dies at the n-th await; False when it had come to its end before."""
    driven = CancelledAt(engine.run(theatre.hub, key), wait)

    async def live() -> None:
        await driven

    task = asyncio.create_task(live())
    with suppress(asyncio.CancelledError):
        await task
    return driven.reached


async def require_truth(theatre: Theatre, key: Key) -> None:
    """The hub knows of the one booking that is live, or of none when there is none."""
    shipment = await theatre.shipment(key)
    live = theatre.live_of(shipment.id)
    occupying = [each for each in await theatre.bookings(key) if each.state in OCCUPIES]
    booked = await theatre.phase(key) == "BOOKED"
    assert live == ([shipment.delivery_id] if booked else [])
    assert len(occupying) == len(live)
    assert await theatre.phase(key) in ("BOOKED", "UNBOOKED", "UNQUOTED", "CLOSED")
    for reference in live:
        carrier = next(each for each in theatre.carriers.values() if reference in each.ledger)
        assert shipment.carrier.ref == carrier.ref
        assert shipment.status == carrier.ledger[reference].report.status


def watch(theatre: Theatre) -> list[int]:
    """How many bookings of an order were live whenever one was made."""
    counts: list[int] = []
    for each in theatre.carriers.values():
        each.made = lambda order: counts.append(len(theatre.live_of(order)))
    return counts


@pytest.mark.parametrize("word", ["well", "decline", "booked, then unavailable", "unavailable"])
async def test_a_dispatch_that_dies_anywhere_is_finished_and_books_once(theatre: Theatre, word: str) -> None:
    counts = watch(theatre)
    wait, reached, keys = 0, True, []
    while reached:
        wait += STRIDE
        theatre["a"].script["Book"] = deque([word])
        keys.append(await theatre.store())
        reached = await die_at(theatre, keys[-1], wait)

    theatre["a"].script.clear()
    theatre.later(seconds=CLAIM_ENDS)
    await theatre.work(seconds=9)

    assert max(counts) == 1
    assert len(keys) > 5
    for key in keys:
        assert await theatre.phase(key) == "BOOKED"
        await require_truth(theatre, key)


MOODS = {
    "Quote": ("well", "well", "well", "decline", "unavailable"),
    "Book": (
        "well", "decline", "fail", "refuse", "unavailable", "dearer",
        "booked, then unavailable", "booked, then empty",
    ),
    "GetBooking": ("well", "unavailable", "empty"),
    "CancelBooking": ("well", "keep", "pending", "unavailable", "cancelled, then unavailable"),
}  # fmt: skip


async def happen(theatre: Theatre, key: Key, dice: random.Random) -> None:
    """One thing that happens to a shipment: a process dies, a caller changes his mind, a carrier moves."""
    shipment = await theatre.shipment(key)
    live = theatre.live_of(shipment.id)
    with suppress(Problem):
        match dice.randrange(6):
            case 0 | 1:
                await die_at(theatre, key, dice.randrange(1, 120))
            case 2:
                await engine.run(theatre.hub, key)
            case 3:
                request = CancelShipmentRequest(shipment_id=shipment.id)
                await wishes.cancel(theatre.hub, theatre.caller, request)
            case 4:
                await wishes.retry(theatre.hub, theatre.caller, RetryShipmentRequest(shipment_id=shipment.id))
            case 5 if live:
                carrier = next(each for each in theatre.carriers.values() if live[0] in each.ledger)
                if carrier.ledger[live[0]].report.status < DELIVERY_STATUS_PICKED_UP:
                    carrier.move(live[0], dice.choice(("CANCELLED", "DRIVER_ASSIGNED", "PICKED_UP")))
                    if dice.random() < 0.7:
                        await theatre.hear(live[0])


async def test_whatever_happens_nothing_is_booked_twice_and_the_hub_knows_the_truth(theatre: Theatre) -> None:
    dice = random.Random(11)
    counts = watch(theatre)
    for each in theatre.carriers.values():
        each.mood = lambda method: dice.choice(MOODS.get(method, ("well",)))
    keys = [await theatre.store() for _ in range(LIVES)]
    few = asyncio.Semaphore(6)  # fewer than there are connections

    async def one(key: Key) -> None:
        async with few:
            await happen(theatre, key, dice)

    for span in (0, 1, CLAIM_ENDS, 1, 10):
        await asyncio.gather(*(one(key) for key in keys))
        theatre.later(seconds=span)
        await theatre.work(seconds=1, step=1)
    for each in theatre.carriers.values():
        each.mood = lambda _: "well"
    for span in (CLAIM_ENDS, 10, 20, CLAIM_ENDS):
        theatre.later(seconds=span)
        await theatre.work(seconds=1, step=1)

    assert max(counts) == 1
    for key in keys:
        await require_truth(theatre, key)
    # Which of the others come, FAILED and PICKED_UP, hangs on whose turn it was when the dice were thrown.
    assert {"DISPATCHED", "CANCELLED"} <= {await theatre.status(key) for key in keys}
