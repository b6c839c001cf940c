"""Calling off: at once where nobody has it, else as the carrier answers; and nothing that is not true."""

import asyncio
import random
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from crossdock.v1.carrier_pb2 import BOOKING_STATE_LIVE, CARRIER_CAPABILITY_WEBHOOKS
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_CANCELLED, DELIVERY_STATUS_PICKED_UP, StatusReason
from crossdock.v1.shipment_service_pb2 import CancelShipmentRequest, CancelShipmentResponse

from services.db.dispatch_tables import bookings
from services.dispatching import wishes
from services.dispatching.rows import Key
from services.errors import Problem
from tests.services.dispatching.stages import Theatre, until, word

REASON = StatusReason(code="changed_mind", message="not wanted any more")


async def cancel(theatre: Theatre, key: Key, **members: str) -> CancelShipmentResponse:
    shipment = await theatre.shipment(key)
    request = CancelShipmentRequest(shipment_id=shipment.id, reason=REASON, **members)
    return await wishes.cancel(theatre.hub, theatre.caller, request)


@pytest.mark.parametrize("members", [{"hold": True}, {}])
async def test_what_no_carrier_has_is_called_off_at_once(theatre: Theatre, members: dict[str, bool]) -> None:
    key = await theatre.store(**members)

    answer = await cancel(theatre, key)

    assert word(answer.shipment) == "CANCELLED"
    assert await theatre.phase(key) == "CLOSED"
    assert (await theatre.history(key))[-1].status_user == theatre.caller.actor.id
    await theatre.dispatch(key, timedelta(0))
    await theatre.work(seconds=3)
    assert not theatre.live


async def test_a_carrier_that_agrees_ends_it_and_may_charge_a_fee(theatre: Theatre) -> None:
    key, shipment = await theatre.dispatched()

    answer = await cancel(theatre, key)

    assert word(answer.shipment) == "CANCELLED"
    assert await theatre.phase(key) == "CLOSED"
    assert not theatre.live
    delivery = await theatre.delivery(shipment.delivery_id)
    assert word(delivery) == "CANCELLED"
    assert delivery.status_reason.code == "changed_mind"
    assert [each.price.amount.units for each in delivery.costs] == [2]
    assert not answer.shipment.HasField("cancel_request_time")


async def test_a_delivery_that_was_written_down_by_hand_has_no_carrier_to_ask(theatre: Theatre) -> None:
    key, _ = await theatre.dispatched()
    async with theatre.hub.transaction() as connection:
        await connection.execute(sa.delete(bookings).where(bookings.c.tenant_id == theatre.tenant_id))

    answer = await cancel(theatre, key)

    assert word(answer.shipment) == "CANCELLED"
    assert await theatre.phase(key) == "CLOSED"
    assert [method for method, _ in theatre["a"].asked] == ["Quote", "Book"]


async def test_twice_is_once_too_often(theatre: Theatre) -> None:
    key, _ = await theatre.dispatched()
    await cancel(theatre, key)

    with pytest.raises(Problem) as refused:
        await cancel(theatre, key)

    assert refused.value.reason == "ORDER_ALREADY_CANCELED"


async def test_a_carrier_that_refuses_leaves_everything_as_it_was(theatre: Theatre) -> None:
    theatre["a"].does("CancelBooking", "keep")
    key, shipment = await theatre.dispatched()

    with pytest.raises(Problem) as refused:
        await cancel(theatre, key)

    assert refused.value.reason == "ORDER_CANCELLATION_FAILED"
    assert refused.value.metadata == {"carrier_ref": "sim-a", "answer": "already_picked_up"}
    after = await theatre.shipment(key)
    assert not after.HasField("cancel_request_time")
    assert word(after) == "DISPATCHED"
    assert not (await theatre.delivery(shipment.delivery_id)).HasField("cancel_request_time")
    assert theatre.live == [shipment.delivery_id]


async def test_the_same_request_has_the_same_end(theatre: Theatre) -> None:
    theatre["a"].does("CancelBooking", "keep")
    key, _ = await theatre.dispatched()

    with pytest.raises(Problem):
        await cancel(theatre, key, request_id="r1")
    first = await cancel(theatre, key, request_id="r1")  # the refusal left nothing behind: it is asked anew
    second = await cancel(theatre, key, request_id="r1")

    assert word(first.shipment) == "CANCELLED"
    assert second == first


async def test_a_carrier_that_never_calls_off_is_not_asked(theatre: Theatre) -> None:
    theatre["a"].carrier.capabilities.append(CARRIER_CAPABILITY_WEBHOOKS)
    key, _ = await theatre.dispatched()

    with pytest.raises(Problem) as refused:
        await cancel(theatre, key)

    assert refused.value.reason == "CANCELLATION_NOT_ALLOWED"
    assert not (await theatre.shipment(key)).HasField("cancel_request_time")


@pytest.mark.parametrize("misbehaviour", ["pending", "unavailable", "hang", "cancelled, then unavailable"])
async def test_an_answer_that_does_not_come_is_waited_for(theatre: Theatre, misbehaviour: str) -> None:
    theatre["a"].does("CancelBooking", misbehaviour)
    key, shipment = await theatre.dispatched()

    answer = await cancel(theatre, key)
    assert answer.shipment.HasField("cancel_request_time")
    assert (await theatre.delivery(shipment.delivery_id)).HasField("cancel_request_time")

    await theatre.work(seconds=6)
    assert await theatre.status(key) == "CANCELLED"
    assert await theatre.phase(key) == "CLOSED"
    assert not theatre.live


async def test_a_wish_whose_process_died_is_carried_out(theatre: Theatre) -> None:
    theatre["a"].does("CancelBooking", "hang")
    key, _ = await theatre.dispatched()
    task = asyncio.create_task(cancel(theatre, key))

    async def is_asked() -> bool:
        return any(method == "CancelBooking" for method, _ in theatre["a"].asked)

    await until(is_asked)
    task.cancel()
    await asyncio.wait([task])

    await theatre.work(seconds=9)

    assert await theatre.status(key) == "CANCELLED"
    assert not theatre.live


@pytest.mark.parametrize("misbehaviour", ["unavailable", "booked, then unavailable"])
async def test_a_wish_during_an_unknown_booking_is_carried_out_once_it_is_settled(
    theatre: Theatre, misbehaviour: str
) -> None:
    theatre["a"].does("Book", misbehaviour)
    key = await theatre.store()
    await theatre.dispatch(key, timedelta(0))
    await until(partial(theatre.has_come_to, key, "BOOKING_UNKNOWN"))

    answer = await cancel(theatre, key)
    assert answer.shipment.HasField("cancel_request_time")

    await theatre.work(seconds=9)
    assert await theatre.status(key) == "CANCELLED"
    assert await theatre.phase(key) == "CLOSED"
    assert not theatre.live
    assert not theatre["b"].ledger


async def test_goods_that_were_picked_up_meanwhile_are_not_called_off(theatre: Theatre) -> None:
    key, shipment = await theatre.dispatched()
    theatre["a"].move(shipment.delivery_id, "PICKED_UP")

    with pytest.raises(Problem) as refused:
        await cancel(theatre, key)
    assert refused.value.reason == "ORDER_CANCELLATION_FAILED"

    await theatre.work(seconds=3)
    assert await theatre.status(key) == "PICKED_UP"  # the refusal made the hub look
    with pytest.raises(Problem) as too_late:
        await cancel(theatre, key)
    assert too_late.value.reason == "DELIVERY_NOT_CANCELLABLE"


async def test_whichever_comes_first_the_hub_says_what_the_carrier_says(theatre: Theatre) -> None:
    dice = random.Random(13)
    stories = [await theatre.dispatched() for _ in range(30)]
    refusals = []

    async def pick_up(reference: str) -> None:
        if theatre["a"].ledger[reference].state == BOOKING_STATE_LIVE:
            theatre["a"].move(reference, "PICKED_UP")
            await theatre.hear(reference)

    async def call_off(key: Key) -> None:
        try:
            await cancel(theatre, key)
        except Problem as problem:
            refusals.append(problem.reason)

    for key, shipment in stories:
        match dice.randrange(4):
            case 0:  # the carrier's webhook and the caller's wish meet at the hub
                await asyncio.gather(pick_up(shipment.delivery_id), call_off(key))
            case 1:  # the wish meets the pickup at the carrier, whose webhook is lost
                theatre["a"].does("CancelBooking", "picked up first")
                await call_off(key)
            case 2:  # the carrier agrees, and its webhook of a pickup that never was comes after
                await asyncio.gather(call_off(key))
                await pick_up(shipment.delivery_id)
            case _:
                await asyncio.gather(call_off(key), pick_up(shipment.delivery_id))
    theatre.later(seconds=120)
    await theatre.work(seconds=6)

    truth = [theatre["a"].ledger[shipment.delivery_id].report.status for _, shipment in stories]
    assert [(await theatre.shipment(key)).status for key, _ in stories] == truth
    assert set(truth) == {DELIVERY_STATUS_PICKED_UP, DELIVERY_STATUS_CANCELLED}
    assert set(refusals) <= {"ORDER_CANCELLATION_FAILED", "DELIVERY_NOT_CANCELLABLE"}
    assert len(refusals) == truth.count(DELIVERY_STATUS_PICKED_UP)
