from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import event_pb2 as events
from crossdock.v1 import report_pb2 as reports
from crossdock.v1.courier_pb2 import Courier
from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.report_pb2 import DeliveryReport
from google.type.money_pb2 import Money

from services.deliveries import lifecycle
from tests.deliveries.lives import (
    CALLER,
    NOW,
    Book,
    at,
    dispositions,
    report,
    state_of,
    status,
    with_courier,
    word,
)


def test_a_delivery_starts_created_with_its_first_event() -> None:
    wanted = pb.Delivery(id="dlv_1", location_id="loc_1", carrier="UPS", status=pb.DELIVERY_STATUS_DELIVERED)

    delivery, created = lifecycle.start(wanted, now=NOW, actor=CALLER)

    assert word(delivery.status) == "CREATED"
    assert (delivery.attempt, delivery.last_event_number, delivery.etag) == (1, 1, "1")
    assert (created.number, created.kind, created.actor) == (1, events.EVENT_KIND_CREATED, CALLER)
    assert created.explanation
    assert state_of(lifecycle.initial(created)) == state_of(delivery)


def test_an_explicit_time_is_kept_against_every_report() -> None:
    book = Book.start()
    explicit = pb.Milestone(status=pb.DELIVERY_STATUS_DELIVERED, time=at(1234))

    book.hear(report("DELIVERED", 2000, actor=CALLER, milestones=[explicit]))
    book.hear(report("DELIVERED", 2100))

    delivered = book.milestone("DELIVERED")
    assert delivered is not None
    assert (delivered.time, delivered.overridden) == (at(1234), True)


def test_an_inferred_time_that_a_caller_sends_back_stays_inferred() -> None:
    book = Book.start()
    book.hear(report("DELIVERED", 600))
    inferred = book.milestone("PICKED_UP")
    assert inferred is not None

    book.hear(report("", 700, actor=CALLER, milestones=[inferred]))

    after = book.milestone("PICKED_UP")
    assert after is not None
    assert (after.synthetic, after.overridden) == (True, False)


def test_skipped_statuses_are_inferred_and_told_before_their_cause() -> None:
    book = Book.start()

    book.hear(report("DELIVERED", 600))

    chain = ["DISPATCHED", "DRIVER_ASSIGNED", "PICKED_UP", "DROPOFF_EN_ROUTE"]
    *inferred, cause = book.events[1:]
    assert [word(each.status) for each in inferred] == chain
    assert all(each.synthetic and each.event_time == at(600) for each in inferred)
    assert not any(each.HasField("report") for each in inferred)
    assert [each.previous_status for each in (*inferred, cause)] == [status(each) for each in ("CREATED", *chain)]
    assert [word(each.status) for each in book.delivery.milestones if each.synthetic] == chain


def test_delivered_and_then_a_late_picked_up_gives_the_pickup_its_real_time() -> None:
    book = Book.start()
    book.hear(report("DELIVERED", 600))

    (late,) = book.hear(report("PICKED_UP", 300))

    pickup = book.milestone("PICKED_UP")
    assert pickup is not None
    assert (pickup.time, pickup.synthetic) == (at(300), False)
    assert book.status == "DELIVERED"
    assert dispositions([late]) == ["MILESTONE_ONLY"]
    assert [each.number for each in late.events] == [book.delivery.last_event_number]


def test_a_real_pickup_replaces_the_inferred_one_even_when_its_sender_tells_no_time() -> None:
    book = Book.start()
    book.hear(report("DELIVERED"), received=100)

    (result,) = book.hear(report("PICKED_UP"), received=200)

    pickup = book.milestone("PICKED_UP")
    assert pickup is not None
    assert (pickup.time, pickup.synthetic) == (at(200), False)
    assert dispositions([result]) == ["MILESTONE_ONLY"]
    assert book.status == "DELIVERED"


def test_a_real_milestone_is_never_overwritten_by_an_inferred_one() -> None:
    book = Book.start()
    book.hear(report("PICKED_UP", 300), report("DELIVERED", 600))

    pickup = book.milestone("PICKED_UP")

    assert pickup is not None
    assert (pickup.time, pickup.synthetic) == (at(300), False)


def test_reports_of_one_moment_are_taken_in_the_order_of_the_way() -> None:
    one, other = Book.start(), Book.start()

    one.hear(report("PICKED_UP", 100))
    one.hear(report("DELIVERED", 100))
    other.hear(report("DELIVERED", 100))
    other.hear(report("PICKED_UP", 100))

    assert state_of(one.delivery) == state_of(other.delivery)
    assert one.status == "DELIVERED"


def test_a_clock_three_hours_ahead_is_not_believed_and_noted() -> None:
    book = Book.start()

    book.hear(report("PICKED_UP", 3 * 3600 + 100), received=100)

    event = book.events[-1]
    assert event.event_time == at(100)
    assert [issue.code for issue in event.report.issues] == ["implausible_time"]


def test_the_same_report_twice_is_a_duplicate_that_leaves_no_event() -> None:
    book = Book.start()
    reset = report("DISPATCHING", 100, reset=reports.RESET_BOOKING)
    book.hear(reset)
    told = len(book.events)

    again = book.hear(reset, reset)
    book.hear(report("DISPATCHED", 200))
    late = book.hear(reset)

    assert dispositions([*again, *late]) == ["DUPLICATE"] * 3
    assert book.delivery.attempt == 2
    assert len(book.events) == told + 1


def test_what_was_agreed_keeps_its_first_value() -> None:
    book = Book.start()
    book.hear(report(time=10, patch=pb.Delivery(carrier="UPS", fee=Money(currency_code="EUR", units=4))))

    book.hear(report(time=20, patch=pb.Delivery(carrier="DHL", fee=Money(currency_code="EUR", units=9))))

    assert (book.delivery.carrier, book.delivery.fee.units) == ("UPS", 4)


def test_a_caller_erases_what_it_names() -> None:
    book = Book.start()
    book.hear(with_courier(report("DRIVER_ASSIGNED", 10), "A", phone="1"))

    erasing = DeliveryReport(event_time=at(20), actor=CALLER)
    erasing.clear_mask.paths.extend(["courier.phone", "status", "nothing.such"])
    (result,) = book.hear(erasing)

    assert book.delivery.courier == Courier(external_id="A")
    assert book.status == "DRIVER_ASSIGNED"
    assert list(result.events[-1].changed_paths) == ["courier"]


def test_the_etag_changes_with_changes_only() -> None:
    book = Book.start()
    book.hear(report("DISPATCHED", 50), report("PICKED_UP", 100))
    etag = book.delivery.etag

    (ignored,) = book.hear(report("DISPATCHED", 200))
    assert ignored.events
    assert book.delivery.etag == etag

    book.hear(report("DELIVERED", 300))
    assert book.delivery.etag != etag


def test_a_report_that_changes_nothing_is_kept_and_explained() -> None:
    book = Book.start()
    book.hear(report("PICKED_UP", 100), report("PICKED_UP", 200))

    confirmed = book.events[-1]

    assert confirmed.kind == events.EVENT_KIND_REPORT_RECORDED
    assert confirmed.disposition == Disposition.DISPOSITION_NO_CHANGE
    assert confirmed.explanation == "It confirms PICKED_UP."


def test_old_events_are_not_touched_by_what_comes_late() -> None:
    book = Book.start()
    book.hear(report("DELIVERED", 600))
    told = [event.SerializeToString() for event in book.events]

    book.hear(report("PICKED_UP", 300), report("DISPATCHED", 100))

    assert [event.SerializeToString() for event in book.events[: len(told)]] == told
