"""What Evermile's messages make of a delivery: read as the gateway reads them, folded as the services fold them."""

from itertools import permutations
from typing import Any

from crossdock.v1.report_pb2 import DeliveryReport

from tests.deliveries.lives import Book, at, dispositions, state_of
from tests.gateway.dialects.evermile_documents import document, read


def said(name: str, seconds: int, since: int | None = None, **members: Any) -> DeliveryReport:
    """A golden document, sent so many seconds after the delivery became known; its status is `since` seconds old."""
    told = document(name)
    told["timestamp"] = at(seconds).ToJsonString()
    if "order" in told:
        told["order"] |= members
        if "status" in told["order"]:
            told["order"]["status"]["reporting_time"] = at(seconds if since is None else since).ToJsonString()
    elif members:
        told["trackingInfo"] |= members
    return read(told).report


def test_an_ordinary_life_ends_delivered() -> None:
    book = Book.start(source_id="src_1")

    results = book.hear(
        said("pending", 1),
        said("pending_with_a_courier", 2),
        said("ready_with_a_courier_on_the_way", 3),
        said("collected", 4),
        said("on_way_to_dropoff", 5),
        said("delivered", 6),
    )

    assert dispositions(results) == ["APPLIED"] * 6
    assert book.status == "DELIVERED"
    assert book.delivery.ready_for_pickup_time == at(3)
    assert book.delivery.courier.name == "Isaac"
    assert len(book.delivery.proofs) == 4
    assert (book.delivery.carrier_status_raw, book.delivery.carrier_substatus_raw) == ("Delivered", "final")


def test_the_collection_after_a_collection_point_is_no_step_back() -> None:
    book = Book.start(source_id="src_1")
    book.hear(said("received_at_collection_point", 1))
    assert (book.status, book.delivery.substatus) == ("DISPATCHED", "at_collection_point")

    results = book.hear(said("collected", 2))

    assert (book.status, dispositions(results)) == ("PICKED_UP", ["APPLIED"])


def test_picked_up_in_the_store_is_the_end_and_not_the_couriers_pickup() -> None:
    book = Book.start(source_id="src_1")

    book.hear(said("picked_up", 1))

    assert (book.status, book.delivery.substatus) == ("DELIVERED", "collected_in_store")


def test_pictures_of_an_order_in_any_order_of_arrival_make_the_same_delivery() -> None:
    """The third and the fourth tell the same status, with the same time of the status, and different estimates."""
    pictures = [
        ("pending", 1, 1, "2023-11-15T10:00:00Z"),
        ("collected", 2, 2, "2023-11-15T11:00:00Z"),
        ("on_way_to_dropoff", 3, 3, "2023-11-15T12:00:00Z"),
        ("on_way_to_dropoff", 4, 3, "2023-11-15T13:00:00Z"),
    ]
    states = []
    for order in permutations(pictures):
        book = Book.start(source_id="src_1")
        for name, sent, since, eta in order:
            book.hear(said(name, sent, since, dropoffEta=eta))
        states.append(state_of(book.delivery))

    assert all(state == states[0] for state in states)
    assert states[0].estimates.dropoff_time.ToJsonString() == "2023-11-15T13:00:00Z"


def test_forty_messages_of_live_tracking_make_one_event() -> None:
    book = Book.start(source_id="src_1")
    book.hear(said("pending_with_a_courier", 1))
    before = len(book.events)

    for number in range(40):
        position = {"lat": f"51.{number + 10}", "lng": "-0.1"}
        book.hear(said("documented_live_tracking", 30 * number + 2, courierLocation=position))

    assert len(book.events) == before + 1
    assert book.status == "PICKUP_EN_ROUTE"
    assert book.delivery.position.latitude == "51.49"


def test_another_courier_in_live_tracking_leaves_an_event() -> None:
    book = Book.start(source_id="src_1")
    book.hear(said("documented_live_tracking", 1))
    before = len(book.events)

    book.hear(said("documented_live_tracking", 2), said("documented_live_tracking", 3, courierName="Ann"))

    assert len(book.events) == before + 1
    assert book.delivery.courier.name == "Ann"


def test_live_tracking_after_the_pickup_takes_nothing_back() -> None:
    book = Book.start(source_id="src_1")
    book.hear(said("on_way_to_dropoff", 1))

    book.hear(said("documented_live_tracking", 2))

    assert book.status == "DROPOFF_EN_ROUTE"
    assert book.delivery.estimates.dropoff_time.ToJsonString() == "2023-01-02T10:20:28Z"


def test_what_cannot_be_fulfilled_stays_where_it_is_and_is_shown() -> None:
    book = Book.start(source_id="src_1")

    book.hear(said("collected", 1), said("cannot_fulfill", 2))

    assert book.status == "PICKED_UP"
    assert book.delivery.on_hold
    assert [each.reason for each in book.delivery.attention] == ["cannot_fulfill"]


def test_a_message_of_nothing_moves_nothing_and_is_shown() -> None:
    book = Book.start(source_id="src_1")

    results = book.hear(said("collected", 1), said("order_id_and_timestamp", 2))

    assert book.status == "PICKED_UP"
    assert dispositions(results) == ["APPLIED", "OVERLAY_ONLY"]
    assert [each.reason for each in book.delivery.attention] == ["unexplained_notice"]


def test_a_failed_delivery_comes_back() -> None:
    book = Book.start(source_id="src_1")

    book.hear(
        said("on_way_to_dropoff", 1), said("failed", 2), said("returning_to_sender", 3), said("returned_to_sender", 4)
    )

    assert book.status == "RETURNED"


def test_a_cancellation_after_the_collection_leaves_the_goods_out() -> None:
    book = Book.start(source_id="src_1")

    book.hear(said("collected", 1), said("cancelled", 2))

    assert book.status == "UNDELIVERABLE"
    assert book.delivery.status_reason.actor.display_name == "Jane of support"


def test_unknown_words_start_nothing_but_unknown_and_their_details_count() -> None:
    book = Book.start(source_id="src_1")

    results = book.hear(said("unknown_word", 1))

    assert dispositions(results) == ["UNMAPPED"]
    assert book.status == "UNKNOWN"
    assert book.delivery.courier.name == "Isaac"
