from typing import Any
from zoneinfo import ZoneInfo

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1.delivery_pb2 import Delivery
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from gateway.dialects.hubrise import write

PARIS = ZoneInfo("Europe/Paris")


def shown(**members: Any) -> dict[str, Any]:
    members.setdefault("status", pb.DELIVERY_STATUS_DELIVERED)
    return write.delivery(Delivery(**members), PARIS)


def milestone(status: str, seconds: int, **members: bool) -> pb.Milestone:
    return pb.Milestone(
        status=pb.DeliveryStatus.Value(f"DELIVERY_STATUS_{status}"), time=Timestamp(seconds=seconds), **members
    )


def test_times_that_were_inferred_are_not_shown() -> None:
    way = [
        milestone("DRIVER_ASSIGNED", 60, synthetic=True),
        milestone("PICKUP_EN_ROUTE", 60, synthetic=True),
        milestone("PICKED_UP", 60, synthetic=True),
        milestone("DROPOFF_EN_ROUTE", 60, synthetic=True),
        milestone("DELIVERED", 60),
    ]

    document = shown(milestones=way)

    assert (document["assigned_at"], document["pickup_at"]) == (None, None)
    assert document["delivered_at"] == "1970-01-01T01:01:00+01:00"


def test_the_pickup_is_when_the_word_changed_whichever_status_changed_it() -> None:
    assert shown(milestones=[milestone("DROPOFF_EN_ROUTE", 60)])["pickup_at"] == "1970-01-01T01:01:00+01:00"
    both = [milestone("PICKED_UP", 60), milestone("DROPOFF_EN_ROUTE", 120)]
    assert shown(milestones=both)["pickup_at"] == "1970-01-01T01:01:00+01:00"
    hub = [milestone("PICKED_UP", 60, synthetic=True), milestone("AT_HUB", 120)]
    assert shown(milestones=hub)["pickup_at"] == "1970-01-01T01:02:00+01:00"


def test_a_time_that_was_set_explicitly_is_shown_before_all_others() -> None:
    both = [milestone("PICKED_UP", 60), milestone("DROPOFF_EN_ROUTE", 120, overridden=True)]

    assert shown(milestones=both)["pickup_at"] == "1970-01-01T01:02:00+01:00"


def test_times_follow_the_clocks_of_the_place() -> None:
    summer, winter = 1_688_200_000, 1_672_570_800

    assert shown(milestones=[milestone("DELIVERED", summer)])["delivered_at"] == "2023-07-01T10:26:40+02:00"
    assert shown(milestones=[milestone("DELIVERED", winter)])["delivered_at"] == "2023-01-01T12:00:00+01:00"


def test_a_fee_has_the_decimals_of_its_currency() -> None:
    assert shown(fee=Money(currency_code="EUR", units=-1))["fee"] == "-1.00 EUR"
    assert shown(fee=Money(currency_code="EUR", nanos=-50_000_000))["fee"] == "-0.05 EUR"
    assert shown(fee=Money(currency_code="KWD", units=1, nanos=5_000_000))["fee"] == "1.005 KWD"
    assert shown(fee=Money(currency_code="JPY", units=450))["fee"] == "450 JPY"
    assert shown(fee=Money(currency_code="EUR"))["fee"] == "0.00 EUR"


def test_an_amount_that_has_no_such_form_is_not_shown_wrongly() -> None:
    assert shown(fee=Money(currency_code="EUR", nanos=1))["fee"] is None
    assert shown(fee=Money(currency_code="XYZ", units=1))["fee"] is None
