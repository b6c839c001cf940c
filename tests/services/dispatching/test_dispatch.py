"""A shipment finds its carrier, or is told why not."""

from crossdock.v1.error_reason_pb2 import ErrorReason

from tests.services.dispatching.stages import Theatre, word


async def test_the_cheapest_carrier_gets_it(theatre: Theatre) -> None:
    key, shipment = await theatre.dispatched(external_id="A-1")

    assert await theatre.phase(key) == "BOOKED"
    assert word(shipment) == "DISPATCHED"
    assert shipment.carrier.ref == "sim-a"
    assert shipment.tracking_number == "T-1"
    assert shipment.amount.units == 10
    assert theatre.live == [shipment.delivery_id]
    assert await theatre.fates(key) == {"sim-a": "BOOKED", "sim-b": "OUTRANKED", "sim-c": "OUTRANKED"}


async def test_a_decline_leads_to_the_next_candidate(theatre: Theatre) -> None:
    theatre["a"].does("Book", "decline")

    key, shipment = await theatre.dispatched()

    assert shipment.carrier.ref == "sim-b"
    assert shipment.attempt == 2
    assert theatre.live == [shipment.delivery_id]
    assert await theatre.fates(key) == {"sim-a": "BOOKING_DECLINED", "sim-b": "BOOKED", "sim-c": "OUTRANKED"}


async def test_a_shipment_that_everybody_declines_is_unbooked_and_says_so(theatre: Theatre) -> None:
    for ref in "abc":
        theatre[ref].does("Book", "decline")

    key, shipment = await theatre.dispatched()

    assert await theatre.phase(key) == "UNBOOKED"
    assert word(shipment) == "FAILED"
    assert shipment.failure == ErrorReason.ERROR_REASON_PLACE_ORDER_FAILED
    assert not shipment.HasField("carrier")
    assert not shipment.HasField("fee")
    assert theatre.live == []
