"""What the contract's comments say of a carrier, asked of the simulator through the wire."""

import asyncio
from typing import Any

import grpc
import pytest
from crossdock.v1 import delivery_pb2 as delivery
from crossdock.v1.carrier_pb2 import BOOKING_STATE_CANCELLED, BOOKING_STATE_CLOSED, BOOKING_STATE_LIVE, Refusal
from google.type.money_pb2 import Money

from carriers.simulator.fleet import FLEET
from tests.carriers.worlds import World, consignment, in_seconds, running_simulator, stop

CARRIERS = sorted(FLEET)


@pytest.mark.parametrize("name", CARRIERS)
async def test_a_carrier_says_who_it_is_by_the_authorization_of_the_call(world: World, name: str) -> None:
    told = await world.carrier(name).describe()

    assert (told.name, told.dialect) == (FLEET[name].display_name, FLEET[name].dialect)
    assert list(told.capabilities) == list(FLEET[name].capabilities)
    assert [each.id for each in told.service_levels] == [each.id for each in FLEET[name].levels]


@pytest.mark.parametrize("authorization", ["", "Bearer swift", "Bearer swift.wrong", "swift"])
async def test_nobody_is_served_without_the_right_authorization(world: World, authorization: str) -> None:
    world.swift.metadata = (("authorization", authorization),)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.swift.book("dlv_1")

    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert await world.bookings() == []


async def test_carriers_ask_different_prices_and_serve_different_areas(world: World) -> None:
    near = {name: await world.carrier(name).quote() for name in CARRIERS}
    far = {name: await world.carrier(name).quote(consignment=consignment(north=0.1)) for name in CARRIERS}

    prices = {quote.price.units * 100 + quote.price.nanos for each in near.values() for quote in each.quotes}
    assert len(prices) == sum(len(each.levels) for each in FLEET.values())
    assert [each.code for each in far["pronto"].refusals] == ["out_of_area"]
    assert far["evergreen"].quotes[0].distance_meters > 11_000


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"consignment": consignment(kilograms=500)}, "too_heavy"),
        ({"currency_code": "JPY"}, "currency_not_served"),
        ({"kind": delivery.DELIVERY_KIND_RETURN}, "not_allowed"),
        ({"service_level_ids": ["teleport"]}, "unknown_service_level"),
    ],
)
async def test_what_is_not_carried_is_refused_with_a_reason(world: World, members: dict[str, Any], code: str) -> None:
    answer = await world.swift.quote(**members)

    assert [each.code for each in answer.refusals] == [code]
    assert not answer.quotes


async def test_an_offer_is_booked_at_its_price(world: World) -> None:
    (offer, _) = (await world.swift.quote()).quotes

    answer = await world.swift.book("dlv_1", quote_id=offer.id, service_level_id="express", max_price=offer.price)

    booking = answer.booking
    assert (booking.reference, booking.state, booking.price) == ("dlv_1", BOOKING_STATE_LIVE, offer.price)
    assert [(each.scope, each.value) for each in booking.references] == [
        ("skipcart.order", booking.id),
        ("order", "dlv_1"),
    ]
    assert booking.report.status == delivery.DELIVERY_STATUS_DISPATCHED


async def test_sixteen_bookings_of_one_reference_at_once_are_one(world: World) -> None:
    answers = await asyncio.gather(*(world.swift.book("dlv_1", order_number=str(number)) for number in range(16)))

    assert len({each.booking.SerializeToString(deterministic=True) for each in answers}) == 1
    (kept,) = await world.bookings()
    assert kept.book_count == 16


async def test_a_booking_that_exists_is_answered_whatever_else_the_request_says(world: World) -> None:
    first = await world.swift.book("dlv_1")

    again = await world.swift.book("dlv_1", book_before=in_seconds(-60), max_price=Money(currency_code="USD"))

    assert again.booking == first.booking


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"book_before": in_seconds(-1)}, "too_late"),
        ({"max_price": Money(currency_code="USD", units=1)}, "price_changed"),
        ({"consignment": consignment(north=2)}, "out_of_area"),
        ({"service_level_id": "teleport"}, "unknown_service_level"),
        ({"quote_id": "q1600000000-express-123456"}, "quote_expired"),
    ],
)
async def test_what_is_declined_is_not_booked(world: World, members: dict[str, Any], code: str) -> None:
    answer = await world.swift.book("dlv_1", **members)

    assert answer.declined.code == code
    assert (await world.swift.get("dlv_1")).HasField("absent")


async def test_one_carriers_bookings_are_not_anothers(world: World) -> None:
    await world.swift.book("dlv_1")

    assert (await world.evergreen.get("dlv_1")).HasField("absent")
    assert (await world.swift.get("dlv_1")).booking.reference == "dlv_1"


async def test_a_cancelled_booking_stays_cancelled_and_can_be_cancelled_again(world: World) -> None:
    await world.swift.book("dlv_1")

    first, again = await world.swift.cancel("dlv_1"), await world.swift.cancel("dlv_1")

    assert first.cancelled.HasField("time")
    assert again == first
    looked_up = (await world.swift.get("dlv_1")).booking
    assert (looked_up.state, looked_up.report.status) == (BOOKING_STATE_CANCELLED, delivery.DELIVERY_STATUS_CANCELLED)


async def test_what_is_called_off_before_it_is_booked_is_never_booked(world: World) -> None:
    assert (await world.swift.cancel("dlv_1")).HasField("absent")

    answer = await world.swift.book("dlv_1")

    assert answer.declined.code == "cancelled"
    assert (await world.swift.get("dlv_1")).HasField("absent")


@pytest.mark.parametrize("until", ["PICKED_UP", "DROPOFF_EN_ROUTE", "DELIVERED"])
async def test_with_the_goods_on_board_nothing_is_called_off(world: World, until: str) -> None:
    await world.swift.book("dlv_1")
    await world.run("dlv_1", until=until)

    answer = await world.swift.cancel("dlv_1")

    assert answer.refused.code == "already_picked_up"
    assert (await world.swift.get("dlv_1")).booking.report.status == delivery.DeliveryStatus.Value(
        f"DELIVERY_STATUS_{until}"
    )


async def test_a_driver_who_set_out_in_vain_is_paid(world: World) -> None:
    await world.swift.book("dlv_1", max_price=Money(currency_code="EUR", units=99))
    await world.run("dlv_1", until="PICKUP_ARRIVED")

    answer = await world.swift.cancel("dlv_1")

    assert answer.cancelled.fee == Money(currency_code="EUR", units=3)


async def test_a_change_is_made_once(world: World) -> None:
    await world.swift.book("dlv_1", order_number="A-1")
    wanted = consignment(north=0.03)

    first = await world.swift.amend("dlv_1", consignment=wanted, order_number="A-2")
    again = await world.swift.amend("dlv_1", consignment=consignment(), order_number="A-3")

    assert first.booking == again.booking
    kept = await world.booking("dlv_1")
    assert (kept.request.consignment, kept.request.order_number) == (wanted, "A-2")


async def test_what_cannot_be_changed_stays_as_it_was(world: World) -> None:
    refusals: list[Refusal] = []
    await world.pronto.book("dlv_1")
    refusals.append((await world.pronto.amend("dlv_1")).refused)
    await world.swift.book("dlv_2")
    refusals.append((await world.swift.amend("dlv_2", consignment=consignment(kilograms=500))).refused)
    await world.run("dlv_2", until="PICKUP_ARRIVED")
    moved = consignment()
    moved.pickup.CopyFrom(stop("Wells", 41.88, -87.63))
    refusals.append((await world.swift.amend("dlv_2", request_id="2", consignment=moved)).refused)
    await world.run("dlv_2", until="PICKED_UP")
    refusals.append((await world.swift.amend("dlv_2", request_id="3")).refused)

    assert [each.code for each in refusals] == ["not_allowed", "too_heavy", "driver_on_the_way", "already_picked_up"]
    assert (await world.swift.amend("dlv_3")).HasField("absent")


async def test_a_request_that_breaks_the_contract_is_a_clear_no(world: World) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.swift.book("")

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_places_without_positions_are_served_and_lead_nowhere_on_the_map(world: World) -> None:
    unplaced = consignment()
    for each in (unplaced.pickup, unplaced.dropoff):
        each.address.ClearField("position")
    (offer, _) = (await world.swift.quote(consignment=unplaced)).quotes
    await world.swift.book("dlv_1", consignment=unplaced)

    ended = await world.run("dlv_1")

    assert offer.distance_meters >= 1_000
    assert ended.booking.report.status == delivery.DELIVERY_STATUS_DELIVERED
    assert not ended.booking.report.patch.HasField("position")


async def test_the_same_seed_gives_the_same_and_another_one_does_not() -> None:
    told = []
    for seed in (1, 1, 2):
        async with running_simulator(seed=seed) as world:
            quotes = (await world.swift.quote()).quotes
            booking = (await world.swift.book("dlv_1")).booking
            told.append(([each.price for each in quotes], booking.id, booking.tracking_number))

    assert told[0] == told[1]
    assert told[0][1:] != told[2][1:]


async def test_a_closed_booking_is_still_found(world: World) -> None:
    await world.pronto.book("dlv_1")
    await world.run("dlv_1")

    booking = (await world.pronto.get("dlv_1")).booking

    assert (booking.state, booking.report.status) == (BOOKING_STATE_CLOSED, delivery.DELIVERY_STATUS_DELIVERED)
    assert booking.report.patch.courier.name
