"""What happens to a booking after it was made: webhooks that came early, silence, second thoughts, ways back."""

import asyncio

import pytest
from crossdock.v1 import delivery_pb2
from crossdock.v1.carrier_pb2 import CARRIER_CAPABILITY_CANCEL, CARRIER_CAPABILITY_RETURN, CARRIER_CAPABILITY_WEBHOOKS
from crossdock.v1.consignment_pb2 import Stop
from crossdock.v1.delivery_pb2 import StatusReason
from crossdock.v1.shipment_service_pb2 import CreateReturnRequest

from services import ids
from services.dispatching import amendments, returning, wishes, working
from services.dispatching.rows import Key
from services.dispatching.steps import BookingState
from services.errors import Problem
from tests.services.dispatching.stages import SOON, Theatre, word


async def test_a_carrier_that_gives_it_up_before_the_pickup_makes_way_for_the_next(theatre: Theatre) -> None:
    key, shipment = await theatre.dispatched()
    theatre["a"].move(shipment.delivery_id, "CANCELLED")
    theatre["a"].ledger[shipment.delivery_id].report.reason.code = "no_driver"

    await theatre.hear(shipment.delivery_id)
    assert await theatre.phase(key) == "RECEIVED"
    assert not (await theatre.shipment(key)).HasField("carrier")
    await theatre.work(seconds=3)

    after = await theatre.shipment(key)
    assert after.carrier.ref == "sim-b"
    assert after.attempt == 2
    assert theatre.live == [after.delivery_id]
    assert await theatre.fates(key) == {"sim-a": "BOOKING_ENDED", "sim-b": "BOOKED", "sim-c": "OUTRANKED"}
    assert len(await theatre.decisions(key)) == 2
    # Why the first one gave it up is no reason of what comes after.
    assert [bool(each.reason.code) for each in await theatre.history(key)][-5:] == [True, True, False, False, False]


async def test_carriers_that_all_give_it_up_leave_it_unbooked(theatre: Theatre) -> None:
    key, _ = await theatre.dispatched()

    for ref in "abc":
        shipment = await theatre.shipment(key)
        assert shipment.carrier.ref == f"sim-{ref}"
        theatre[ref].move(shipment.delivery_id, "CANCELLED")
        await theatre.hear(shipment.delivery_id)
        await theatre.work(seconds=3)

    assert await theatre.phase(key) == "UNBOOKED"
    assert not theatre.live
    shipment = await theatre.shipment(key)
    assert not {"carrier", "amount", "fee", "tracking_number"} & {field.name for field, _ in shipment.ListFields()}


async def test_a_carrier_that_drops_goods_it_has_picked_up_keeps_the_shipment(theatre: Theatre) -> None:
    key, shipment = await theatre.dispatched()
    for step in ("PICKED_UP", "CANCELLED"):
        theatre["a"].move(shipment.delivery_id, step)
        await theatre.hear(shipment.delivery_id)

    await theatre.work(seconds=3)

    assert await theatre.status(key) == "UNDELIVERABLE"
    assert not theatre["b"].ledger


async def test_a_booking_that_falls_silent_is_looked_up(theatre: Theatre) -> None:
    key, shipment = await theatre.dispatched()
    theatre["a"].move(shipment.delivery_id, "PICKED_UP")

    await theatre.work(seconds=50, step=25)
    assert await theatre.status(key) == "DISPATCHED"
    assert looks(theatre) == 0

    await theatre.work(seconds=50, step=25)
    assert await theatre.status(key) == "PICKED_UP"
    assert looks(theatre) == 1


async def test_a_booking_that_is_heard_of_is_left_alone(theatre: Theatre) -> None:
    key, shipment = await theatre.dispatched()

    await theatre.work(seconds=40, step=20)
    theatre["a"].move(shipment.delivery_id, "DRIVER_ASSIGNED")
    await theatre.hear(shipment.delivery_id)
    await theatre.work(seconds=50, step=25)

    assert looks(theatre) == 0
    assert await theatre.status(key) == "DRIVER_ASSIGNED"


@pytest.mark.parametrize("silent", [True, False])
async def test_statuses_without_a_webhook_are_looked_for(theatre: Theatre, silent: bool) -> None:
    carrier = theatre["a"].carrier
    if silent:
        carrier.silent_statuses.append(delivery_pb2.DELIVERY_STATUS_DELIVERED)
    else:
        carrier.capabilities.append(CARRIER_CAPABILITY_CANCEL)
    key, shipment = await theatre.dispatched()

    await theatre.work(seconds=40, step=20)
    theatre["a"].move(shipment.delivery_id, "DRIVER_ASSIGNED")
    await theatre.hear(shipment.delivery_id)
    theatre["a"].move(shipment.delivery_id, "DELIVERED")
    await theatre.work(seconds=25, step=25)

    assert await theatre.status(key) == "DELIVERED"
    assert await theatre.phase(key) == "CLOSED"


async def test_looking_up_what_is_known_leaves_no_trace(theatre: Theatre) -> None:
    theatre["a"].carrier.capabilities.append(CARRIER_CAPABILITY_CANCEL)
    _, shipment = await theatre.dispatched()
    before = await theatre.delivery(shipment.delivery_id)

    await theatre.work(seconds=200, step=50)

    after = await theatre.delivery(shipment.delivery_id)
    assert looks(theatre) >= 2
    assert after.last_event_number == before.last_event_number


async def test_a_shipment_that_is_over_is_not_looked_up(theatre: Theatre) -> None:
    key, shipment = await theatre.dispatched()
    theatre["a"].move(shipment.delivery_id, "DELIVERED")
    await theatre.hear(shipment.delivery_id)

    await theatre.work(seconds=200, step=50)

    assert looks(theatre) == 0
    assert [each.state for each in await theatre.bookings(key)] == [BookingState.ENDED]


async def test_a_change_goes_to_the_carrier_which_may_refuse(theatre: Theatre) -> None:
    key, shipment = await theatre.dispatched()
    shipment.consignment.dropoff.instructions = "Ring twice"

    assert await amendments.amend(theatre.hub, key, shipment, "change-1") == []
    assert theatre["a"].asked[-1][1].consignment.dropoff.instructions == "Ring twice"
    delivery = await theatre.delivery(shipment.delivery_id)
    assert delivery.consignment.dropoff.instructions == "Ring twice"

    theatre["a"].does("AmendBooking", "keep")
    with pytest.raises(Problem) as refused:
        await amendments.amend(theatre.hub, key, shipment, "change-2")
    assert refused.value.reason == "AMENDMENT_REFUSED"
    assert refused.value.metadata == {"carrier_ref": "sim-a", "answer": "too_late"}

    theatre["a"].does("AmendBooking", "empty", "empty", "empty")
    with pytest.raises(Problem) as unclear:
        await amendments.amend(theatre.hub, key, shipment, "change-3")
    assert unclear.value.reason == "UNAVAILABLE"
    assert [each.request_id for _, each in theatre["a"].asked[-3:]] == ["change-3"] * 3


async def test_a_carrier_that_cannot_change_bookings_is_not_asked(theatre: Theatre) -> None:
    theatre["a"].carrier.capabilities.append(CARRIER_CAPABILITY_WEBHOOKS)
    key, shipment = await theatre.dispatched()

    warnings = await amendments.amend(theatre.hub, key, shipment, "change-1")

    assert [each.code for each in warnings] == ["carrier_not_told"]
    assert theatre["a"].asked[-1][0] == "Book"


async def delivered(theatre: Theatre) -> tuple[Key, str]:
    """A shipment that was handed over, and its id."""
    key, shipment = await theatre.dispatched()
    theatre["a"].move(shipment.delivery_id, "DELIVERED")
    await theatre.hear(shipment.delivery_id)
    return key, shipment.id


async def test_goods_come_back_with_a_carrier_that_can_fetch_them(theatre: Theatre) -> None:
    theatre["a"].carrier.capabilities.append(CARRIER_CAPABILITY_WEBHOOKS)
    theatre["b"].carrier.capabilities.append(CARRIER_CAPABILITY_RETURN)
    key, shipment_id = await delivered(theatre)
    outbound = (await theatre.shipment(key)).delivery_id
    request = CreateReturnRequest(shipment_id=shipment_id, reason=StatusReason(code="wrong_size"))
    request.destination.CopyFrom(Stop(name="Warehouse"))

    delivery = (await wishes.bring_back(theatre.hub, theatre.caller, request)).delivery

    assert delivery.carrier_ref == "sim-b"
    assert delivery.kind == delivery_pb2.DELIVERY_KIND_RETURN
    assert delivery.outbound_delivery_id == outbound
    assert delivery.consignment.dropoff.name == "Warehouse"
    assert word(delivery) == "DISPATCHED"
    assert theatre["b"].live == [delivery.id]
    shipment = await theatre.shipment(key)
    assert shipment.return_request.delivery_id == delivery.id
    assert shipment.return_request.reason.code == "wrong_size"
    assert shipment.delivery_id == outbound

    theatre["b"].move(delivery.id, "DELIVERED")
    await theatre.hear(delivery.id)
    assert await theatre.status(key) == "RETURNED"


async def test_a_way_back_that_is_declined_is_offered_to_the_next(theatre: Theatre) -> None:
    theatre["a"].does("Book", "well", "decline")
    key, shipment_id = await delivered(theatre)

    delivery = (
        await wishes.bring_back(theatre.hub, theatre.caller, CreateReturnRequest(shipment_id=shipment_id))
    ).delivery

    assert delivery.carrier_ref == "sim-b"
    assert delivery.attempt == 2
    assert theatre["b"].live == [delivery.id]
    assert [each.number for each in await theatre.decisions(key)] == [1, 2]


async def test_a_way_back_is_found_by_a_worker_and_only_one_at_a_time(theatre: Theatre) -> None:
    key, shipment_id = await delivered(theatre)
    request = CreateReturnRequest(shipment_id=shipment_id, asynchronous=True)
    await wishes.bring_back(theatre.hub, theatre.caller, request)

    with pytest.raises(Problem) as refused:
        await wishes.bring_back(theatre.hub, theatre.caller, request)
    assert refused.value.reason == "RETURN_NOT_POSSIBLE"
    assert "on their way back" in str(refused.value)

    await theatre.work(seconds=3)
    assert len(theatre.live) == 1
    assert (await theatre.shipment(key)).return_request.status == delivery_pb2.DELIVERY_STATUS_DISPATCHED


async def test_who_asks_for_a_way_back_waits_for_the_worker_that_took_it_up(theatre: Theatre) -> None:
    theatre["a"].does("Book", "well", "booked, then wait").carrier.booking_timeout.FromSeconds(60)
    key, shipment_id = await delivered(theatre)
    request = CreateReturnRequest(shipment_id=shipment_id, asynchronous=True)
    asked = (await wishes.bring_back(theatre.hub, theatre.caller, request)).delivery
    worker = asyncio.create_task(working.work_once(theatre.hub))
    await asyncio.wait_for(theatre["a"].waiting.wait(), 60)

    delivery = (theatre.tenant_id, ids.read("delivery", asked.id))
    waits = asyncio.create_task(returning.dispatch(theatre.hub, key, delivery, SOON))
    early, _ = await asyncio.wait([waits], timeout=1)
    theatre["a"].gate.set()
    await asyncio.gather(waits, worker)

    assert not early
    assert word(await theatre.delivery(asked.id)) == "DISPATCHED"


async def test_nobody_who_fetches_goods_back_is_said_and_another_try_is_possible(theatre: Theatre) -> None:
    for ref in "abc":
        theatre[ref].does("Quote", "well", "decline")
    _, shipment_id = await delivered(theatre)
    request = CreateReturnRequest(shipment_id=shipment_id)

    with pytest.raises(Problem) as refused:
        await wishes.bring_back(theatre.hub, theatre.caller, request)
    assert refused.value.reason == "NO_PROVIDER_MATCHED"

    assert (await wishes.bring_back(theatre.hub, theatre.caller, request)).delivery.carrier_ref == "sim-a"


async def test_goods_that_never_left_do_not_come_back(theatre: Theatre) -> None:
    _, shipment = await theatre.dispatched()

    with pytest.raises(Problem) as refused:
        await wishes.bring_back(theatre.hub, theatre.caller, CreateReturnRequest(shipment_id=shipment.id))

    assert refused.value.reason == "RETURN_NOT_POSSIBLE"
    assert str(refused.value) == "it is DISPATCHED: no goods are out"


def looks(theatre: Theatre) -> int:
    """How often the first carrier was asked how a booking stands."""
    return sum(method == "GetBooking" for method, _ in theatre["a"].asked)
