from crossdock.v1 import event_pb2 as events
from crossdock.v1 import report_pb2 as reports

from tests.deliveries.lives import (
    Book,
    again,
    at,
    dispositions,
    ping,
    report,
    state_of,
    with_courier,
    word,
)


def test_forty_pings_are_one_transition_and_forty_positions() -> None:
    book = Book.start()
    first, *rest = [ping("PICKUP_EN_ROUTE", 100 + 30 * number, str(number)) for number in range(40)]

    book.hear(first)
    events_after_one, etag = len(book.events), book.delivery.etag
    results = [book.hear(each)[0] for each in rest]

    assert book.status == "PICKUP_EN_ROUTE"
    assert book.delivery.position.latitude == "39"
    assert set(dispositions(results)) == {"OVERLAY_ONLY"}
    assert len(book.events) == events_after_one
    assert book.delivery.etag == etag


def test_a_ping_that_comes_late_does_not_overwrite_a_newer_position() -> None:
    book = Book.start()
    book.hear(ping("PICKUP_EN_ROUTE", 100, "1"), ping("PICKUP_EN_ROUTE", 200, "3"))

    (late,) = book.hear(ping("PICKUP_EN_ROUTE", 150, "2"))

    assert book.delivery.position.latitude == "3"
    assert dispositions([late]) == ["STALE"]
    assert not late.events


def test_a_ping_that_names_another_courier_leaves_an_event() -> None:
    book = Book.start()
    book.hear(with_courier(ping("PICKUP_EN_ROUTE", 100), "A"))

    (result,) = book.hear(with_courier(ping("PICKUP_EN_ROUTE", 130), "B"))

    assert result.events[-1].kind == events.EVENT_KIND_COURIER_CHANGED


def test_delivered_without_a_phone_keeps_the_courier_that_is_known() -> None:
    book = Book.start()
    book.hear(with_courier(report("DRIVER_ASSIGNED", 10), "A", phone="+1 555 0100"))

    book.hear(with_courier(report("DELIVERED", 20), "A"))

    assert book.delivery.courier.phone.raw == "+1 555 0100"


def test_a_rejection_after_the_arrival_starts_again_and_the_old_drivers_arrival_is_stale() -> None:
    book = Book.start()
    book.hear(with_courier(report("PICKUP_ARRIVED", 100), "A"))
    book.hear(report("DISPATCHED", 300, reset=reports.RESET_DRIVER))
    before = state_of(book.delivery)

    (late,) = book.hear(with_courier(report("PICKUP_ARRIVED", 200), "A"))

    assert book.status == "DISPATCHED"
    assert not book.delivery.HasField("courier")
    assert book.milestone("PICKUP_ARRIVED") is None
    assert dispositions([late]) == ["STALE"]
    assert state_of(book.delivery) == before


def test_a_new_driver_without_reset_replaces_the_old_one_as_a_whole() -> None:
    book = Book.start()
    book.hear(with_courier(report("PICKUP_EN_ROUTE", 100), "A", phone="1"))

    (result,) = book.hear(with_courier(report("DRIVER_ASSIGNED", 200), "B"))

    assert book.status == "PICKUP_EN_ROUTE"
    assert book.delivery.courier.external_id == "B"
    assert not book.delivery.courier.HasField("phone")
    assert book.delivery.driver_sequence == 2
    assert result.events[-1].kind == events.EVENT_KIND_COURIER_CHANGED


def test_a_reset_if_assigned_resets_only_another_driver() -> None:
    book = Book.start()
    confirmed = with_courier(report(reached="DRIVER_ASSIGNED", reset=reports.RESET_DRIVER_IF_ASSIGNED), "A")

    book.hear(again(confirmed, 100))
    book.hear(report("PICKUP_ARRIVED", 200))
    book.hear(again(confirmed, 300))
    assert (book.status, book.delivery.driver_sequence) == ("PICKUP_ARRIVED", 1)

    book.hear(again(with_courier(confirmed, "B"), 400))
    assert (book.status, book.delivery.driver_sequence) == ("DRIVER_ASSIGNED", 2)
    assigned = book.milestone("DRIVER_ASSIGNED")
    assert assigned is not None
    assert assigned.time == at(400)


def test_a_driver_reset_clears_what_belonged_to_the_driver() -> None:
    book = Book.start()
    arrived = with_courier(report("PICKUP_ARRIVED", 100), "A")
    arrived.patch.position.latitude = "1"
    arrived.patch.estimates.dropoff_time.CopyFrom(at(900))
    arrived.patch.parking_slot = "4"
    arrived.patch.tracking_number = "T1"
    book.hear(arrived)

    book.hear(report("DISPATCHED", 200, reset=reports.RESET_DRIVER))

    for member in ("courier", "position", "estimates"):
        assert not book.delivery.HasField(member)
    assert book.delivery.parking_slot == ""
    assert book.delivery.tracking_number == "T1"
    assert [word(each.status) for each in book.delivery.milestones] == ["CREATED", "DISPATCHED"]
