"""What Skipcart's messages make of a delivery: read as the gateway reads them, folded as the services fold them."""

from typing import Any

from crossdock.v1.report_pb2 import DeliveryReport

from tests.deliveries.lives import Book, at, dispositions
from tests.gateway.dialects.skipcart_documents import document, read


def said(name: str, seconds: int, **members: Any) -> DeliveryReport:
    """A golden document, told so many seconds after the delivery became known."""
    told = document(name)
    told["event_time_utc"] = at(seconds).ToJsonString()
    for member, value in members.items():
        if isinstance(value, dict):
            told[member] = {**told[member], **value}
        else:
            told[member] = value
    return read(told).report


def test_an_ordinary_life_ends_delivered_and_keeps_the_driver_whose_phone_became_null() -> None:
    book = Book.start(source_id="src_1")

    results = book.hear(
        said("confirmed", 1),
        said("enroute_to_pickup", 2),
        said("geofence_at_pickup", 3),
        said("arrived_at_store", 4),
        said("out_for_delivery", 5),
        said("enroute_to_delivery", 6),
        said("documented_example", 7),
    )

    assert book.status == "DELIVERED"
    assert dispositions(results).count("APPLIED") == 6
    assert book.delivery.courier.phone.raw == "XXX-XXX-0142"
    assert book.delivery.parking_slot == "4"
    picked_up = book.milestone("PICKED_UP")
    assert picked_up is not None
    assert picked_up.time == at(5)


def test_forty_pings_make_one_event() -> None:
    book = Book.start(source_id="src_1")
    book.hear(said("confirmed", 1))
    before = len(book.events)

    for number in range(40):
        book.hear(said("enroute_to_pickup", 30 * number + 2, location={"lat": f"29.{number + 10}"}))

    assert len(book.events) == before + 1
    assert book.delivery.position.latitude == "29.49"


def test_a_second_confirmed_with_another_driver_starts_the_way_again() -> None:
    book = Book.start(source_id="src_1")
    book.hear(said("confirmed", 1), said("arrived_at_store", 2))

    book.hear(said("confirmed", 3, driver={"driver_id": "2", "first_name": "Ann"}, location={"lat": None, "lng": None}))

    assert book.status == "DRIVER_ASSIGNED"
    assert book.delivery.driver_sequence == 2
    assert (book.delivery.courier.external_id, book.delivery.courier.first_name) == ("2", "Ann")
    assert book.milestone("PICKUP_ARRIVED") is None
    assert not book.delivery.parking_slot


def test_a_second_confirmed_with_the_same_driver_or_with_none_changes_no_status() -> None:
    book = Book.start(source_id="src_1")
    book.hear(said("confirmed", 1), said("arrived_at_store", 2))

    book.hear(said("confirmed", 3), said("confirmed_without_driver_id", 4))

    assert book.status == "PICKUP_ARRIVED"
    assert book.delivery.driver_sequence == 1


def test_a_rejected_driver_is_gone_and_what_is_late_of_him_is_stale() -> None:
    book = Book.start(source_id="src_1")
    book.hear(said("confirmed", 1), said("partner_rejected", 3))

    late = book.hear(said("arrived_at_store", 2))

    assert book.status == "DISPATCHED"
    assert not book.delivery.HasField("courier")
    assert dispositions(late) == ["STALE"]


def test_a_driver_who_could_not_wait_leaves_something_to_look_at() -> None:
    book = Book.start(source_id="src_1")

    book.hear(said("confirmed", 1), said("arrived_at_store", 2), said("pickup_not_ready", 3))

    assert book.status == "DISPATCHED"
    assert [each.reason for each in book.delivery.attention] == ["pickup_not_ready"]


def test_a_refused_order_comes_back() -> None:
    book = Book.start(source_id="src_1")

    book.hear(
        said("out_for_delivery", 1),
        said("customer_refused", 2),
        said("return_started", 3),
        said("return_at_store", 4),
        said("returned", 5),
    )

    assert book.status == "RETURNED"
    assert book.delivery.return_reason == "Customer refused"
    assert book.delivery.parking_slot == "7"


def test_an_expired_window_is_no_end() -> None:
    book = Book.start(source_id="src_1")

    book.hear(said("out_for_delivery", 1), said("order_expired", 2))
    assert (book.status, book.delivery.delayed) == ("DROPOFF_EN_ROUTE", True)

    book.hear(said("delivered", 3))
    assert book.status == "DELIVERED"


def test_unknown_words_start_nothing_but_unknown() -> None:
    book = Book.start(source_id="src_1")

    results = book.hear(said("unknown_words", 1))

    assert dispositions(results) == ["UNMAPPED"]
    assert book.status == "UNKNOWN"
