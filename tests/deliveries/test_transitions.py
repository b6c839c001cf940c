"""Every status against every reported status, by a statement of the rules that shares nothing with the program."""

import pytest
from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import report_pb2 as reports
from crossdock.v1.event_pb2 import Disposition

from tests.deliveries.lives import CALLER, STATUSES, Book, report, status, with_courier, word

WAY = [
    "UNKNOWN",
    "CREATED",
    "DISPATCHING",
    "BOOKING_UNKNOWN",
    "DISPATCHED",
    "DRIVER_ASSIGNED",
    "PICKUP_EN_ROUTE",
    "PICKUP_APPROACHING",
    "PICKUP_ARRIVED",
    "PICKED_UP",
    "IN_TRANSIT",
    "AT_HUB",
    "DROPOFF_EN_ROUTE",
    "DROPOFF_APPROACHING",
    "DROPOFF_ARRIVED",
    "AWAITING_COLLECTION",
    "ATTEMPT_FAILED",
    "UNDELIVERABLE",
    "RETURNING",
    "RETURN_ARRIVED",
]
CLOSED = ["DELIVERED", "RETURNED", "CANCELLED", "FAILED", "DISPOSED"]
HUBS = {"IN_TRANSIT", "AT_HUB"}
EXITS_FOR_A_CARRIER = {("CANCELLED", end) for end in ("RETURNING", "RETURN_ARRIVED", "RETURNED", "DELIVERED")}
BEFORE_PICKUP = WAY[1 : WAY.index("PICKED_UP")]
WITH_GOODS = WAY[WAY.index("PICKED_UP") :]
WORDS = [word(each) for each in STATUSES]


def expected(present: str, reported: str) -> str:
    """Where a carrier's report without reset leads."""
    if reported == "UNKNOWN":
        return present
    if present in CLOSED:
        return reported if (present, reported) in EXITS_FOR_A_CARRIER else present
    if present in WITH_GOODS and reported in ("CANCELLED", "FAILED"):
        reported = "UNDELIVERABLE"
    if reported in CLOSED or {present, reported} == HUBS:
        return reported
    return max(present, reported, key=WAY.index)


def standing_at(present: str) -> Book:
    """A delivery that a person set to a status a minute ago."""
    book = Book.start()
    book.hear(report(present, 60, override=True))
    assert book.status == present
    return book


@pytest.mark.parametrize("present", [each for each in WORDS if each != "UNKNOWN"])
@pytest.mark.parametrize("reported", WORDS)
def test_a_report_leads_where_the_rules_say(present: str, reported: str) -> None:
    book = standing_at(present)

    (result,) = book.hear(report(reported, 7200), received=7200)

    assert book.status == expected(present, reported)
    assert book.events[-1].explanation == result.explanation != ""
    assert book.events[-1].previous_status == status(present) or book.events[-2].synthetic
    assert book.events[-1].status == book.delivery.status
    assert (result.disposition == Disposition.DISPOSITION_APPLIED) == (book.status != present)


@pytest.mark.parametrize("present", [each for each in WORDS if each != "UNKNOWN"])
@pytest.mark.parametrize("reported", [each for each in WORDS if each != "UNKNOWN"])
def test_an_override_leads_anywhere(present: str, reported: str) -> None:
    book = standing_at(present)

    book.hear(report(reported, 7200, override=True, actor=CALLER), received=7200)

    assert book.status == reported
    assert book.delivery.manual_override.actor == CALLER
    assert book.milestone(reported) is not None


@pytest.mark.parametrize("present", [each for each in WORDS if each != "UNKNOWN"])
def test_a_driver_reset_goes_back_to_dispatched_only_before_the_pickup(present: str) -> None:
    book = standing_at(present)
    book.hear(with_courier(report(time=100), "A"))

    book.hear(report("DISPATCHED", 7200, reset=reports.RESET_DRIVER), received=7200)

    assert book.status == ("DISPATCHED" if present in BEFORE_PICKUP else present)
    assert book.delivery.HasField("courier") == (present not in BEFORE_PICKUP)
    raised = [each.reason for each in book.delivery.attention]
    assert raised == (["reset_after_pickup"] if present in WITH_GOODS else [])


@pytest.mark.parametrize("present", [each for each in WORDS if each != "UNKNOWN"])
def test_a_booking_reset_counts_a_new_attempt_only_before_the_pickup_or_after_a_failure(present: str) -> None:
    book = standing_at(present)

    book.hear(report("DISPATCHING", 7200, reset=reports.RESET_BOOKING), received=7200)

    possible = present in (*BEFORE_PICKUP, "FAILED")
    assert book.status == ("DISPATCHING" if possible else present)
    assert book.delivery.attempt == (2 if possible else 1)


@pytest.mark.parametrize("present", [each for each in WORDS if each != "UNKNOWN"])
def test_a_redelivery_goes_back_to_in_transit_only_while_the_goods_are_out(present: str) -> None:
    book = standing_at(present)
    tries = book.delivery.door_attempts

    book.hear(report("IN_TRANSIT", 7200, reset=reports.RESET_REDELIVERY), received=7200)

    assert book.status == ("IN_TRANSIT" if present in WITH_GOODS else present)
    assert book.delivery.door_attempts == (max(tries, 1) + 1 if present in WITH_GOODS else tries)


def test_a_delivered_one_goes_back_only_when_somebody_asks_for_it() -> None:
    book = standing_at("DELIVERED")

    book.hear(report("RETURNING", 7200), received=7200)
    assert book.status == "DELIVERED"

    book.hear(report("RETURNING", 7300, actor=CALLER), received=7300)
    assert book.status == "RETURNING"


def test_a_failed_one_is_tried_again_only_by_a_retry() -> None:
    book = standing_at("FAILED")

    book.hear(report("DISPATCHING", 7200), received=7200)
    assert book.status == "FAILED"

    book.hear(report("DISPATCHING", 7300, actor=CALLER), received=7300)
    assert book.status == "DISPATCHING"
    assert book.delivery.attempt == 2


def test_an_unmapped_word_never_replaces_a_known_status() -> None:
    book = Book.start(source_id="src_1")

    (first,) = book.hear(report(time=10, unmapped=True))
    assert book.status == "UNKNOWN"
    book.hear(report("PICKED_UP", 20))
    (second,) = book.hear(report(time=30, unmapped=True))

    assert book.status == "PICKED_UP"
    assert first.disposition == second.disposition == Disposition.DISPOSITION_UNMAPPED
    assert not any(each.status == pb.DELIVERY_STATUS_UNKNOWN for each in book.delivery.milestones)
