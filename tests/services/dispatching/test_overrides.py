"""A delivery that an operator states to be over: that stands, its carrier is told, and nobody else is booked."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_CANCELLED, DELIVERY_STATUS_FAILED
from crossdock.v1.delivery_service_pb2 import OverrideDeliveryStatusRequest

from services import callers
from services.deliveries.service import DeliveryServicer
from services.dispatching import wishes
from tests.services.dispatching.stages import Theatre, until, word

AT_ONCE = timedelta(0)
NO_CONTEXT: Any = None


async def override(theatre: Theatre, delivery_id: str, status: Any = DELIVERY_STATUS_CANCELLED) -> None:
    servicer = DeliveryServicer(theatre.hub, wishes.cancel_delivery, wishes.end_booking)
    request = OverrideDeliveryStatusRequest(delivery_id=delivery_id, status=status, actor="Jane", reason="fire")
    callers.set_current(theatre.caller)
    await servicer.OverrideDeliveryStatus(request, NO_CONTEXT)


@pytest.mark.parametrize("status", [DELIVERY_STATUS_CANCELLED, DELIVERY_STATUS_FAILED])
async def test_a_carrier_hears_at_once_that_its_booking_is_over(theatre: Theatre, status: Any) -> None:
    key, shipment = await theatre.dispatched()

    await override(theatre, shipment.delivery_id, status)
    await theatre.work(seconds=1, step=1)

    assert not theatre.live
    told = [request for method, request in theatre["a"].asked if method == "CancelBooking"]
    assert [each.reason.message for each in told] == ["fire"]
    assert await theatre.phase(key) == "CLOSED"


async def test_what_was_stated_stands_though_the_carrier_goes_on(theatre: Theatre) -> None:
    theatre["a"].does("CancelBooking", "keep")
    key, shipment = await theatre.dispatched()

    await override(theatre, shipment.delivery_id)
    await theatre.work(seconds=1, step=1)

    delivery = await theatre.delivery(shipment.delivery_id)
    assert word(delivery) == await theatre.status(key) == "CANCELLED"
    assert "orphan_not_called_off" in [each.reason for each in delivery.attention]


@pytest.mark.parametrize("misbehaviour", ["unavailable", "booked, then unavailable"])
async def test_a_booking_whose_fate_is_unknown_is_called_off_once_it_is_found(
    theatre: Theatre, misbehaviour: str
) -> None:
    theatre["a"].does("Book", misbehaviour)
    key = await theatre.store()
    await theatre.dispatch(key, AT_ONCE)
    await until(partial(theatre.has_come_to, key, "BOOKING_UNKNOWN"))

    await override(theatre, (await theatre.shipment(key)).delivery_id)
    await theatre.work(seconds=90, step=5)

    assert not theatre.live
    assert not theatre["b"].ledger
    assert (await theatre.status(key), await theatre.phase(key)) == ("CANCELLED", "CLOSED")
