from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import event_pb2 as events
from crossdock.v1 import report_pb2 as reports

from tests.deliveries.lives import (
    CALLER,
    Book,
    again,
    at,
    dispositions,
    report,
    word,
)


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


def test_proofs_and_money_arrive_after_the_end_and_count_once() -> None:
    book = Book.start()
    book.hear(report("DELIVERED", 100))
    told = report(time=200)
    told.patch.proofs.add(url="https://carrier.example/1.jpg")
    told.patch.refunds.add(external_id="r1", reason="late")

    (first,) = book.hear(told)
    (second,) = book.hear(again(told, 300))

    assert (len(book.delivery.proofs), len(book.delivery.refunds)) == (1, 1)
    assert list(first.events[-1].kinds) == [events.EVENT_KIND_PROOF_ADDED, events.EVENT_KIND_REFUND_RECORDED]
    assert dispositions([first, second]) == ["OVERLAY_ONLY", "NO_CHANGE"]
