"""Returns that turn out to be for nothing: the first carrier brought the goods back itself."""

import pytest
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_CANCELLED, DELIVERY_STATUS_FAILED
from crossdock.v1.shipment_service_pb2 import CreateReturnRequest

from services.dispatching import wishes
from services.dispatching.rows import Key
from tests.services.dispatching.stages import Theatre


async def undeliverable(theatre: Theatre) -> tuple[Key, str, str]:
    """A shipment that its first carrier could not hand over: its key, its id and that of its delivery."""
    key, shipment = await theatre.dispatched()
    for step in ("PICKED_UP", "UNDELIVERABLE"):
        await tell(theatre, "a", shipment.delivery_id, step)
    return key, shipment.id, shipment.delivery_id


async def fetched(theatre: Theatre, shipment_id: str) -> str:
    """The delivery by which another carrier is to fetch the goods."""
    theatre["a"].does("Quote", "decline")
    request = CreateReturnRequest(shipment_id=shipment_id)
    delivery = (await wishes.bring_back(theatre.hub, theatre.caller, request)).delivery
    assert theatre["b"].live == [delivery.id]
    return delivery.id


async def tell(theatre: Theatre, ref: str, delivery_id: str, step: str) -> None:
    theatre[ref].move(delivery_id, step)
    await theatre.hear(delivery_id)


async def attention(theatre: Theatre, key: Key) -> list[str]:
    return [each.reason for each in (await theatre.shipment(key)).attention]


async def test_a_booked_return_is_called_off_once_the_first_carrier_brought_the_goods_back(theatre: Theatre) -> None:
    key, shipment_id, outbound = await undeliverable(theatre)
    await fetched(theatre, shipment_id)

    await tell(theatre, "a", outbound, "RETURNED")
    await theatre.work(seconds=3)

    assert not theatre.live
    shipment = await theatre.shipment(key)
    assert await theatre.phase(key) == "CLOSED"
    assert await theatre.status(key) == "RETURNED"
    assert shipment.return_request.status == DELIVERY_STATUS_CANCELLED
    delivery = await theatre.delivery(shipment.return_request.delivery_id)
    assert delivery.status_reason.code == "back_already"


async def test_a_carrier_that_sets_out_for_nothing_all_the_same_is_for_people_to_look_at(theatre: Theatre) -> None:
    theatre["b"].does("CancelBooking", "keep")
    key, shipment_id, outbound = await undeliverable(theatre)
    way_back = await fetched(theatre, shipment_id)

    await tell(theatre, "a", outbound, "RETURNED")
    await theatre.work(seconds=3)
    assert await theatre.phase(key) == "BOOKED"
    assert await attention(theatre, key) == ["dispatch_return_goes_on"]

    await tell(theatre, "b", way_back, "PICKED_UP")
    assert await theatre.status(key) == "RETURNED"
    await tell(theatre, "b", way_back, "DELIVERED")
    assert await theatre.status(key) == "RETURNED"
    assert await theatre.phase(key) == "CLOSED"
    assert [method for method, _ in theatre["b"].asked].count("CancelBooking") == 1


@pytest.mark.parametrize("misbehaviour", ["pending", "unavailable", "cancelled, then unavailable"])
async def test_a_carrier_that_does_not_answer_is_asked_until_it_does(theatre: Theatre, misbehaviour: str) -> None:
    theatre["b"].does("CancelBooking", misbehaviour)
    key, shipment_id, outbound = await undeliverable(theatre)
    await fetched(theatre, shipment_id)

    await tell(theatre, "a", outbound, "RETURNED")
    await theatre.work(seconds=9)

    assert not theatre.live
    assert await theatre.phase(key) == "CLOSED"


async def test_a_return_that_still_looks_for_a_carrier_looks_no_further(theatre: Theatre) -> None:
    key, shipment_id, outbound = await undeliverable(theatre)
    request = CreateReturnRequest(shipment_id=shipment_id, asynchronous=True)
    await wishes.bring_back(theatre.hub, theatre.caller, request)

    await tell(theatre, "a", outbound, "RETURNED")
    await theatre.work(seconds=3)

    assert not theatre.live
    assert await theatre.phase(key) == "CLOSED"
    assert (await theatre.shipment(key)).return_request.status == DELIVERY_STATUS_CANCELLED


@pytest.mark.parametrize("misbehaviour", ["unavailable", "booked, then unavailable"])
async def test_a_return_whose_booking_is_unknown_is_settled_and_then_called_off(
    theatre: Theatre, misbehaviour: str
) -> None:
    key, shipment_id, outbound = await undeliverable(theatre)
    theatre["a"].does("Quote", "decline")
    theatre["b"].does("Book", misbehaviour)
    await wishes.bring_back(theatre.hub, theatre.caller, CreateReturnRequest(shipment_id=shipment_id))

    await tell(theatre, "a", outbound, "RETURNED")
    await theatre.work(seconds=12)

    assert not theatre.live
    assert await theatre.phase(key) == "CLOSED"
    ended = (await theatre.shipment(key)).return_request.status
    assert ended in (DELIVERY_STATUS_CANCELLED, DELIVERY_STATUS_FAILED)
    assert not theatre["c"].ledger
