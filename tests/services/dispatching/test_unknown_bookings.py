"""A booking whose answer was lost: visible at once, looked up until it is certain, and nobody else before that."""

from datetime import timedelta
from functools import partial

import pytest

from services.dispatching.rows import Key
from tests.services.dispatching.stages import Theatre, until, word

AT_ONCE = timedelta(seconds=0)


async def unknown(theatre: Theatre, misbehaviour: str) -> Key:
    """A shipment whose booking with the first carrier has no certain answer."""
    theatre["a"].does("Book", misbehaviour)
    key = await theatre.store()
    await theatre.dispatch(key, AT_ONCE)
    await until(partial(theatre.has_come_to, key, "BOOKING_UNKNOWN"))
    return key


@pytest.mark.parametrize(
    "misbehaviour", ["unavailable", "hang", "booked, then unavailable", "booked, then hang", "booked, then empty"]
)
async def test_a_lost_answer_is_visible_and_books_nobody_else(theatre: Theatre, misbehaviour: str) -> None:
    key = await unknown(theatre, misbehaviour)

    await theatre.dispatch(key, AT_ONCE)

    assert await theatre.phase(key) == "BOOKING"
    assert word(await theatre.delivery((await theatre.shipment(key)).delivery_id)) == "BOOKING_UNKNOWN"
    assert not theatre["b"].ledger


async def test_a_booking_that_was_made_is_found(theatre: Theatre) -> None:
    key = await unknown(theatre, "booked, then unavailable")

    await theatre.work(seconds=3)

    shipment = await theatre.shipment(key)
    assert await theatre.phase(key) == "BOOKED"
    assert shipment.carrier.ref == "sim-a"
    assert shipment.tracking_number == "T-1"
    assert theatre.live == [shipment.delivery_id]
    assert (await theatre.fates(key))["sim-a"] == "BOOKED"


async def test_an_absence_counts_only_once_no_booking_may_come_any_more(theatre: Theatre) -> None:
    key = await unknown(theatre, "unavailable")

    await theatre.work(seconds=3, step=1)
    assert await theatre.phase(key) == "BOOKING"
    assert len([method for method, _ in theatre["a"].asked if method == "GetBooking"]) > 1

    await theatre.work(seconds=6)
    shipment = await theatre.shipment(key)
    assert shipment.carrier.ref == "sim-b"
    assert theatre.live == [shipment.delivery_id]
    assert await theatre.fates(key) == {"sim-a": "BOOKING_FAILED", "sim-b": "BOOKED", "sim-c": "OUTRANKED"}


async def test_a_carrier_that_says_nothing_for_long_is_for_people_to_look_at(theatre: Theatre) -> None:
    theatre["a"].does("GetBooking", *["unavailable"] * 30)
    key = await unknown(theatre, "unavailable")

    await theatre.work(seconds=60, step=6)

    shipment = await theatre.shipment(key)
    assert [each.reason for each in shipment.attention] == ["booking_unknown"]
    assert await theatre.phase(key) == "BOOKING"
    assert not theatre["b"].ledger


async def test_a_carrier_that_books_against_its_word_is_called_off(theatre: Theatre) -> None:
    key = await unknown(theatre, "unavailable")
    abandoned = (await theatre.shipment(key)).delivery_id
    await theatre.work(seconds=9)
    assert (await theatre.shipment(key)).carrier.ref == "sim-b"

    theatre["a"].make(abandoned)
    await theatre.work(seconds=90, step=10)

    assert theatre.live == [(await theatre.shipment(key)).delivery_id]
    assert "booked_after_given_up" in [each.reason for each in (await theatre.delivery(abandoned)).attention]


async def test_a_found_booking_that_was_called_off_leads_on(theatre: Theatre) -> None:
    key = await unknown(theatre, "booked, then unavailable")
    theatre["a"].move((await theatre.shipment(key)).delivery_id, "CANCELLED")

    await theatre.work(seconds=3)

    assert (await theatre.shipment(key)).carrier.ref == "sim-b"
    assert len(theatre.live) == 1
    assert (await theatre.fates(key))["sim-a"] == "BOOKING_ENDED"


async def test_a_found_booking_that_was_carried_out_ends_the_shipment(theatre: Theatre) -> None:
    key = await unknown(theatre, "booked, then unavailable")
    theatre["a"].move((await theatre.shipment(key)).delivery_id, "DELIVERED")

    await theatre.work(seconds=3)

    assert await theatre.phase(key) == "CLOSED"
    assert await theatre.status(key) == "DELIVERED"
    assert not theatre["b"].ledger
