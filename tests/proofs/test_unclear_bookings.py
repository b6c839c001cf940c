"""Promise 12: a booking whose answer is lost is shown as unknown, and is settled or shown to people.

`CROSSDOCK_PROOF_SEEDS` sets how many bookings (24 by default, 100 at most).
"""

import asyncio
import os
from datetime import UTC, datetime, timedelta

from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_BOOKING_UNKNOWN, DELIVERY_STATUS_DISPATCHED

from services.server import Server
from tests.carriers.worlds import eventually
from tests.proofs.fault_proxy import Call, Fault, calm
from tests.proofs.lives import Lives

BOOKINGS = min(100, int(os.environ.get("CROSSDOCK_PROOF_SEEDS", "24")))
LOST = (Fault.DROP, Fault.ERROR, Fault.CUT_AFTER, Fault.HANG)
ATTENTION = "booking_unknown"


def no_answer(call: Call) -> Fault:
    """To no booking, made or not, nor to any question about one."""
    if call.method == "Book":
        return LOST[int(call.life) % len(LOST)]
    return Fault.ERROR if call.method == "GetBooking" else Fault.NONE


async def test_lost_answers_are_visible_and_then_settled_or_shown_to_people(server: Server, lives: Lives) -> None:
    names = [str(number) for number in range(BOOKINGS)]
    lives.booking_seconds = 3
    await lives.settle_all(names, ["swift"])
    lives.proxy.choose = no_answer
    await asyncio.gather(*(lives.create(life, asynchronous=True) for life in names))

    async def statuses() -> set[int]:
        return {(await lives.get(life)).status for life in names}

    async def all_unknown() -> bool:
        return await statuses() == {DELIVERY_STATUS_BOOKING_UNKNOWN}

    await eventually(all_unknown)
    assert all(lives.proxy.count(life, "Book") == 1 for life in names), "one answer was lost, and nobody asked again"

    settled = [life for life in names if int(life) // len(LOST) % 2]
    unclear = [life for life in names if life not in settled]
    lives.proxy.choose = lambda call: calm(call) if call.life in settled else no_answer(call)
    made = [life for life in settled if await lives.ledger(life)]

    async def half_are_settled() -> bool:
        return all([(await lives.get(life)).status == DELIVERY_STATUS_DISPATCHED for life in made])

    await eventually(half_are_settled)

    later = timedelta(seconds=70)
    server.hub.now = lambda: datetime.now(UTC) + later

    async def people_are_told() -> bool:
        told = [await lives.delivery(life) for life in unclear]
        return all(ATTENTION in {each.reason for each in delivery.attention} for delivery in told)

    await eventually(people_are_told)
    assert {(await lives.get(life)).status for life in unclear} == {DELIVERY_STATUS_BOOKING_UNKNOWN}

    lives.proxy.choose = calm

    async def nothing_is_wrong() -> bool:
        return not await lives.all_lies()

    await eventually(nothing_is_wrong)
