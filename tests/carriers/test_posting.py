"""What a front door sees of the simulated carriers, and what their books say of it."""

import asyncio
from typing import Any

import grpc
import pytest
import svix
from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.v1.carrier_pb2 import BOOKING_STATE_CLOSED
from crossdock.v1.delivery_pb2 import DeliveryStatus

from tests.carriers.front_doors import FrontDoor
from tests.carriers.worlds import World, eventually, running_simulator

TAKEN, GIVEN_UP, DROPPED = (
    books.WEBHOOK_OUTCOME_TAKEN,
    books.WEBHOOK_OUTCOME_GIVEN_UP,
    books.WEBHOOK_OUTCOME_DROPPED,
)


async def test_a_booking_stands_still_until_it_is_driven(world: World, door: FrontDoor) -> None:
    await world.swift.book("dlv_1")

    assert not (await world.booking("dlv_1")).journey.running
    await world.run("dlv_1")

    assert door.words("event_status")[-1] == "delivered"


async def test_a_carrier_with_a_pace_drives_by_itself() -> None:
    async with running_simulator(pace=20_000) as world:
        await world.swift.book("dlv_1")

        assert (await world.stands_still("dlv_1")).booking.state == BOOKING_STATE_CLOSED


async def test_the_books_know_every_webhook_and_its_answer(world: World, door: FrontDoor) -> None:
    await world.pronto.book("dlv_1")

    await world.run("dlv_1")

    kept = await world.webhooks("dlv_1")
    assert [each.body.encode() for each in kept] == [each.body for each in door.posted]
    assert [each.number for each in kept] == [1, 2, 3, 4, 5]
    assert {(each.outcome, each.attempts[0].http_status, each.attempts[0].answer) for each in kept} == {
        (TAKEN, 200, "so")
    }


async def test_the_svix_library_believes_evergreen(world: World, door: FrontDoor) -> None:
    await world.evergreen.book("dlv_1")

    await world.run("dlv_1")

    verifier = svix.Webhook("whsec_c2VjcmV0IG9mIHRoZSB0ZXN0")
    assert len(door.posted) > 10
    for each in door.posted:
        verifier.verify(each.body, each.headers)
    assert len({each.headers["svix-id"] for each in door.posted}) == len(door.posted)


async def test_pronto_brings_the_value_that_was_agreed_on(world: World, door: FrontDoor) -> None:
    await world.pronto.book("dlv_1")

    await world.run("dlv_1")

    assert {each.headers["authorization"] for each in door.posted} == {"the value"}


@pytest.mark.parametrize(("carrier", "tries"), [("swift", 1), ("evergreen", 8), ("pronto", 3)])
async def test_a_vendor_tries_as_often_as_it_documents(world: World, door: FrontDoor, carrier: str, tries: int) -> None:
    door.statuses = [500] * 100
    await world.carrier(carrier).book("dlv_1")

    await world.run("dlv_1", until="DRIVER_ASSIGNED", pace=1_000_000)

    kept = await world.webhooks("dlv_1")
    assert {(each.outcome, len(each.attempts)) for each in kept} == {(GIVEN_UP, tries)}


async def test_what_is_tried_again_is_the_same_message(world: World, door: FrontDoor) -> None:
    door.statuses = [503]
    await world.evergreen.book("dlv_1")

    await world.run("dlv_1", until="DISPATCHED")

    first, again = door.posted
    assert (first.body, first.headers["svix-id"]) == (again.body, again.headers["svix-id"])
    (kept,) = await world.webhooks("dlv_1")
    assert (kept.outcome, [each.http_status for each in kept.attempts]) == (TAKEN, [503, 200])


async def test_dropped_webhooks_are_in_the_books_and_the_truth_is_looked_up(world: World, door: FrontDoor) -> None:
    await world.misbehave("pronto", drop_every=2)
    await world.pronto.book("dlv_1")

    await world.run("dlv_1")

    assert door.words("eventType") == ["rider-created", "rider-delivering", "rider-proof-delivery"]
    assert [each.outcome for each in await world.webhooks("dlv_1")] == [TAKEN, DROPPED, TAKEN, DROPPED, TAKEN]
    assert (await world.pronto.get("dlv_1")).booking.report.status == DeliveryStatus.DELIVERY_STATUS_DELIVERED


async def test_duplicates_are_posted_twice_and_written_once(world: World, door: FrontDoor) -> None:
    await world.misbehave("pronto", duplicate_every=2)
    await world.pronto.book("dlv_1")

    await world.run("dlv_1")

    assert door.words("eventType") == [
        "rider-created", "rider-picking", "rider-picking", "rider-delivering",
        "rider-completed", "rider-completed", "rider-proof-delivery",
    ]  # fmt: skip
    assert len(await world.webhooks("dlv_1")) == 5


async def test_reordered_webhooks_change_places_with_what_follows(world: World, door: FrontDoor) -> None:
    await world.misbehave("pronto", reorder_every=2)
    await world.pronto.book("dlv_1")

    await world.run("dlv_1")

    assert door.words("eventType") == [
        "rider-created", "rider-delivering", "rider-picking", "rider-proof-delivery", "rider-completed",
    ]  # fmt: skip


async def test_one_booking_misbehaves_alone(world: World, door: FrontDoor) -> None:
    await world.pronto.book("dlv_1")
    await world.pronto.book("dlv_2")
    await world.misbehave_one("dlv_1", drop_every=1)

    for each in ("dlv_1", "dlv_2"):
        await world.run(each)

    assert {each.document["data"]["orderId"] for each in door.posted} == {(await world.booking("dlv_2")).booking.id}


async def test_a_carrier_without_an_address_posts_nothing(world: World) -> None:
    await world.swift.book("dlv_1")

    await world.run("dlv_1")

    assert {each.outcome for each in await world.webhooks("dlv_1")} == {DROPPED}


async def test_a_decline_names_its_code_and_is_over_when_it_is_taken_back(world: World) -> None:
    await world.misbehave("swift", decline_code="no_capacity")
    declined = await world.swift.book("dlv_1")
    await world.misbehave("swift")
    booked = await world.swift.book("dlv_1")

    assert (declined.declined.code, booked.booking.reference) == ("no_capacity", "dlv_1")


async def test_a_price_that_rose_is_not_charged_against_the_limit(world: World) -> None:
    (offer, _) = (await world.swift.quote()).quotes
    await world.misbehave("swift", price_rise_percent=20)

    limited = await world.swift.book("dlv_1", quote_id=offer.id, max_price=offer.price)
    unlimited = await world.swift.book("dlv_2", quote_id=offer.id)

    assert limited.declined.code == "price_changed"
    assert unlimited.booking.price.units > offer.price.units


@pytest.mark.parametrize(
    ("wrong", "seconds", "code", "is_booked"),
    [
        ({"hang_before_booking": True}, 0.5, grpc.StatusCode.DEADLINE_EXCEEDED, False),
        ({"hang_after_booking": True}, 3, grpc.StatusCode.DEADLINE_EXCEEDED, True),
        ({"fail_after_booking": True}, 60, grpc.StatusCode.INTERNAL, True),
        ({"delay": {"seconds": 600}}, 0.5, grpc.StatusCode.DEADLINE_EXCEEDED, False),
    ],
)
async def test_an_answer_that_never_comes_says_nothing_of_the_booking(
    world: World, wrong: dict[str, Any], seconds: float, code: grpc.StatusCode, is_booked: bool
) -> None:
    await world.misbehave("swift", **wrong)

    with pytest.raises(grpc.aio.AioRpcError) as lost:
        await world.swift.book("dlv_1", seconds=seconds)

    assert lost.value.code() is code
    await world.misbehave("swift")
    assert (await world.swift.get("dlv_1")).HasField("booking") is is_booked
    again = await world.swift.book("dlv_1")
    assert again.booking.reference == "dlv_1"
    assert len(await world.bookings()) == 1


async def test_a_carrier_may_refuse_to_call_off(world: World) -> None:
    await world.swift.book("dlv_1")
    await world.misbehave("swift", refuse_cancellation=True)

    answer = await world.swift.cancel("dlv_1")

    assert answer.refused.code == "refused"
    assert (await world.swift.get("dlv_1")).booking.report.status == DeliveryStatus.DELIVERY_STATUS_DISPATCHED


async def test_a_cancellation_on_the_way_stops_the_driver(world: World, door: FrontDoor) -> None:
    await world.evergreen.book("dlv_1")
    await world.run("dlv_1", until="PICKUP_EN_ROUTE")

    await world.evergreen.cancel("dlv_1")

    ended = await world.stands_still("dlv_1")
    assert ended.booking.report.status == DeliveryStatus.DELIVERY_STATUS_CANCELLED
    assert door.posted[-1].document["order"]["status"]["orderStatus"] == "Cancelled"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.run("dlv_1")
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_cancellations_and_pickups_that_meet_agree_on_one_end(world: World) -> None:
    async def has_come_to(reference: str, status: "DeliveryStatus.ValueType") -> bool:
        return (await world.swift.get(reference)).booking.report.status >= status

    async def meet(number: int) -> tuple[bool, bool]:
        reference = f"dlv_{number}"
        await world.swift.book(reference)
        # The very first goes at the pace of the world: it is called off for certain, however slow the machine is.
        await world.set_out(reference, until="PICKED_UP", pace=2_000 + 100 * number if number else 1)
        # Some before the driver stands there, some when the goods are about to change hands, some after.
        before = (DeliveryStatus.DELIVERY_STATUS_DISPATCHED, DeliveryStatus.DELIVERY_STATUS_PICKUP_ARRIVED)[number % 2]
        await eventually(lambda: has_come_to(reference, before))
        answer = await world.swift.cancel(reference)
        ended = await world.stands_still(reference)
        is_cancelled = ended.booking.report.status == DeliveryStatus.DELIVERY_STATUS_CANCELLED
        return answer.HasField("cancelled"), is_cancelled

    told = await asyncio.gather(*map(meet, range(20)))

    assert [said for said, is_so in told if said is not is_so] == []
    assert True in {said for said, _ in told}


@pytest.mark.parametrize(
    ("scenario", "until"), [("NO_DRIVER", "UNSPECIFIED"), ("NEW_DRIVER", "UNSPECIFIED"), ("DELIVERED", "RETURNED")]
)
async def test_a_booking_that_came_too_far_goes_no_other_way(world: World, scenario: str, until: str) -> None:
    await world.swift.book("dlv_1")
    await world.run("dlv_1", until="PICKED_UP")

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.run("dlv_1", scenario, until=until)

    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert (await world.run("dlv_1", "RETURNED")).booking.report.status == DeliveryStatus.DELIVERY_STATUS_RETURNED


async def test_a_booking_is_found_by_every_name_it_has(world: World) -> None:
    booking = (await world.swift.book("dlv_1", order_number="A-1001")).booking

    for name in ("dlv_1", booking.id, booking.tracking_number, "A-1001"):
        assert (await world.booking(name)).booking == booking


async def test_pages_of_the_books_hold_everything_once(world: World) -> None:
    for number in range(5):
        await world.swift.book(f"dlv_{number}")

    assert [each.booking.reference for each in await world.pages(size=2)] == [
        "dlv_4",
        "dlv_3",
        "dlv_2",
        "dlv_1",
        "dlv_0",
    ]


async def test_nobody_drives_without_the_key(world: World) -> None:
    world.forget_key()

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.carriers()

    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_secrets_of_endpoints_are_never_told(world: World, door: FrontDoor) -> None:
    told = await world.carriers()

    assert [each.endpoint.url for each in told] == [f"{door.url}/{each.name}" for each in told]
    assert {each.endpoint.secret for each in told} == {""}
