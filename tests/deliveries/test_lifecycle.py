from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import event_pb2 as events
from crossdock.v1 import report_pb2 as reports
from crossdock.v1.courier_pb2 import Courier
from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.report_pb2 import DeliveryReport
from google.type.money_pb2 import Money

from services.deliveries import lifecycle
from services.deliveries.records import Result
from tests.deliveries.lives import CALLER, NOW, Book, at, ping, report, state_of, status, with_courier, word


def dispositions(results: list[Result]) -> list[str]:
    return [Disposition.Name(each.disposition).removeprefix("DISPOSITION_") for each in results]


def test_a_delivery_starts_created_with_its_first_event() -> None:
    wanted = pb.Delivery(id="dlv_1", location_id="loc_1", carrier="UPS", status=pb.DELIVERY_STATUS_DELIVERED)

    delivery, created = lifecycle.start(wanted, now=NOW, actor=CALLER)

    assert word(delivery.status) == "CREATED"
    assert (delivery.attempt, delivery.last_event_number, delivery.etag) == (1, 1, "1")
    assert (created.number, created.kind, created.actor) == (1, events.EVENT_KIND_CREATED, CALLER)
    assert created.explanation
    assert state_of(lifecycle.initial(created)) == state_of(delivery)


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


def test_codes_of_a_closed_order_end_as_they_are_mapped() -> None:
    for reached, substatus in (
        ("DELIVERED", "LeftAtFrontDoor"),
        ("DELIVERED", "LeftWithSomeoneElse"),
        ("DELIVERED", "LeftAtFrontDesk"),
        ("UNDELIVERABLE", "CustomerUnreachable"),
        ("UNDELIVERABLE", "PackageDamage"),
        ("UNDELIVERABLE", "PackageContents"),
    ):
        book = Book.start()
        book.hear(report("DROPOFF_EN_ROUTE", 10), report(reached, 20, substatus=substatus))
        assert (book.status, book.delivery.substatus) == (reached, substatus)


def test_a_close_without_a_known_code_keeps_the_status_and_asks_for_attention() -> None:
    book = Book.start()
    book.hear(report("DROPOFF_EN_ROUTE", 10))

    (result,) = book.hear(report(time=20, attention=[pb.Attention(reason="unknown_close_reason")]))

    assert book.status == "DROPOFF_EN_ROUTE"
    assert book.delivery.attention[0].time == at(20)
    assert result.events[-1].kind == events.EVENT_KIND_ATTENTION_CHANGED
    assert dispositions([result]) == ["OVERLAY_ONLY"]


def test_an_explicit_time_is_kept_against_every_report() -> None:
    book = Book.start()
    explicit = pb.Milestone(status=pb.DELIVERY_STATUS_DELIVERED, time=at(1234))

    book.hear(report("DELIVERED", 2000, actor=CALLER, milestones=[explicit]))
    book.hear(report("DELIVERED", 2100))

    delivered = book.milestone("DELIVERED")
    assert delivered is not None
    assert (delivered.time, delivered.overridden) == (at(1234), True)


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


def test_delivered_within_a_day_after_a_cancellation_is_believed_and_needs_attention() -> None:
    book = Book.start()
    book.hear(report("CANCELLED", 100))

    (result,) = book.hear(report("DELIVERED", 100 + 24 * 3600), received=100 + 24 * 3600)

    assert book.status == "DELIVERED"
    assert dispositions([result]) == ["APPLIED"]
    assert [each.reason for each in book.delivery.attention] == ["delivered_after_cancel"]


def test_delivered_later_than_a_day_after_a_cancellation_is_left_to_a_person() -> None:
    book = Book.start()
    book.hear(report("CANCELLED", 100))

    (result,) = book.hear(report("DELIVERED", 101 + 24 * 3600), received=101 + 24 * 3600)

    assert book.status == "CANCELLED"
    assert dispositions([result]) == ["AFTER_TERMINAL"]
    assert [each.reason for each in book.delivery.attention] == ["delivered_after_cancel"]


def test_policy_can_refuse_every_delivery_after_a_cancellation() -> None:
    book = Book.start()
    book.hear(report("CANCELLED", 100))

    (result,) = book.hear(report("DELIVERED", 200), accept_late=False)

    assert book.status == "CANCELLED"
    assert dispositions([result]) == ["AFTER_TERMINAL"]


def test_returned_after_delivered_changes_nothing() -> None:
    book = Book.start()
    book.hear(report("DELIVERED", 100))

    (result,) = book.hear(report("RETURNED", 200))

    assert book.status == "DELIVERED"
    assert dispositions([result]) == ["AFTER_TERMINAL"]


def test_a_retry_of_a_failed_one_counts_a_new_attempt_and_forgets_the_failure() -> None:
    book = Book.start()
    book.hear(report("DISPATCHED", 50), report("FAILED", 100))

    book.hear(report("DISPATCHING", 200, reset=reports.RESET_BOOKING))

    assert (book.status, book.delivery.attempt) == ("DISPATCHING", 2)
    assert [word(each.status) for each in book.delivery.milestones] == ["CREATED", "DISPATCHING"]


def test_an_override_is_recorded_with_who_and_why_and_reports_go_on_from_there() -> None:
    book = Book.start()
    book.hear(report("DELIVERED", 100))

    said = report("PICKED_UP", 50, override=True, actor=CALLER, reason=pb.StatusReason(message="wrong door"))
    (result,) = book.hear(said)

    override = book.delivery.manual_override
    assert (override.actor, override.reason, override.time) == (CALLER, "wrong door", at(50))
    assert book.status == "PICKED_UP"
    assert book.milestone("DELIVERED") is None
    assert dispositions([result]) == ["APPLIED"]

    book.hear(report("DROPOFF_EN_ROUTE", 3700), received=3700)
    assert book.status == "DROPOFF_EN_ROUTE"


def test_a_carriers_cancellation_after_the_pickup_keeps_its_reason_and_leaves_the_goods_out() -> None:
    book = Book.start()
    reason = pb.StatusReason(code="no_driver")

    book.hear(report("PICKED_UP", 100), report("CANCELLED", 200, reason=reason))

    assert book.status == "UNDELIVERABLE"
    assert book.delivery.status_reason == reason


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

    book.hear(_at(confirmed, 100))
    book.hear(report("PICKUP_ARRIVED", 200))
    book.hear(_at(confirmed, 300))
    assert (book.status, book.delivery.driver_sequence) == ("PICKUP_ARRIVED", 1)

    book.hear(_at(with_courier(confirmed, "B"), 400))
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


def test_proofs_and_money_arrive_after_the_end_and_count_once() -> None:
    book = Book.start()
    book.hear(report("DELIVERED", 100))
    told = report(time=200)
    told.patch.proofs.add(url="https://carrier.example/1.jpg")
    told.patch.refunds.add(external_id="r1", reason="late")

    (first,) = book.hear(told)
    (second,) = book.hear(_at(told, 300))

    assert (len(book.delivery.proofs), len(book.delivery.refunds)) == (1, 1)
    assert list(first.events[-1].kinds) == [events.EVENT_KIND_PROOF_ADDED, events.EVENT_KIND_REFUND_RECORDED]
    assert dispositions([first, second]) == ["OVERLAY_ONLY", "NO_CHANGE"]


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


def _at(said: DeliveryReport, time: float) -> DeliveryReport:
    again = DeliveryReport()
    again.CopyFrom(said)
    again.event_time.CopyFrom(at(time))
    return again
