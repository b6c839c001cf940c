import pytest
from crossdock.v1 import report_pb2 as reports
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.report_pb2 import DeliveryReport

from services.deliveries.bookings import Bookings, dedupe_key
from tests.deliveries.lives import status

BEGIN, EACH = reports.BOOKING_SCOPE_BEGIN, reports.BOOKING_SCOPE_EACH
CREATED = DeliveryReport(status=status("DISPATCHED"), booking=BEGIN)
PICKING = DeliveryReport(status=status("PICKUP_EN_ROUTE"), booking=EACH)
DELIVERING = DeliveryReport(status=status("DROPOFF_EN_ROUTE"), booking=EACH)
DONE = DeliveryReport(status=status("DELIVERED"), booking=EACH)
ERROR = DeliveryReport(status=status("FAILED"), booking=EACH)


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ([CREATED, CREATED, PICKING], [1, 1, 1]),
        ([CREATED, ERROR, ERROR, CREATED, CREATED, ERROR, CREATED], [1, 1, 1, 2, 2, 2, 3]),
        ([CREATED, DELIVERING, ERROR, CREATED], [1, 1, 1, 2]),
        ([CREATED, DONE, ERROR, CREATED], [1, 1, 1, 1]),
        ([ERROR, PICKING, CREATED], [1, 1, 2]),
    ],
    ids=["copies", "errors", "after the pickup", "delivered", "begun without a word"],
)
def test_only_what_begins_after_a_failure_is_another_booking(said: list[DeliveryReport], numbers: list[int]) -> None:
    bookings = Bookings()

    assert [bookings.number("order", each, None) for each in said] == numbers


@pytest.mark.parametrize(
    ("present", "number"),
    [("FAILED", 4), ("UNDELIVERABLE", 4), ("DELIVERED", 3), ("CANCELLED", 3), ("DISPATCHED", 3), ("RETURNING", 3)],
)
def test_the_state_of_the_youngest_delivery_decides(present: str, number: int) -> None:
    last = Delivery(status=status(present), attempt=3)

    assert Bookings().number("order", CREATED, last) == number


def test_orders_do_not_mix() -> None:
    bookings = Bookings()

    assert [bookings.number(order, each, None) for order, each in [("a", ERROR), ("b", CREATED), ("a", CREATED)]] == [
        1,
        1,
        2,
    ]


def test_the_first_booking_keeps_its_key() -> None:
    assert dedupe_key("k", 1) == "k"
    assert len({dedupe_key("k", number) for number in (1, 2, 3, 11)}) == 4
