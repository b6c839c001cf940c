"""A cancellation that waits for the carrier's answer: since when, and until what."""

from crossdock.v1 import event_pb2
from crossdock.v1.report_pb2 import CANCELLATION_REQUEST_MADE, CANCELLATION_REQUEST_REFUSED, DeliveryReport

from tests.deliveries.lives import CALLER, Book, at, report


def asked(minute: int) -> DeliveryReport:
    """A caller's wish, made at that minute."""
    return report(time=minute * 60, actor=CALLER, cancellation_request=CANCELLATION_REQUEST_MADE)


def test_a_request_waits_from_its_first_moment_and_is_told() -> None:
    book = Book.start()
    book.hear(report("DISPATCHED", 10))

    book.hear(asked(1))
    book.hear(asked(2))

    assert book.delivery.cancel_request_time == at(60)
    assert book.events[-2].kind == event_pb2.EVENT_KIND_CANCEL_REQUESTED


def test_a_refusal_ends_the_wait_and_a_new_request_begins_another() -> None:
    book = Book.start()
    book.hear(report("DISPATCHED", 10))
    book.hear(asked(1))

    book.hear(report(time=120, cancellation_request=CANCELLATION_REQUEST_REFUSED))
    assert not book.delivery.HasField("cancel_request_time")

    book.hear(asked(3))
    assert book.delivery.cancel_request_time == at(180)


def test_a_closed_delivery_waits_for_no_answer() -> None:
    book = Book.start()
    book.hear(report("DISPATCHED", 10))
    book.hear(asked(1))

    book.hear(report("CANCELLED", 90))
    assert not book.delivery.HasField("cancel_request_time")

    book.hear(asked(2))
    assert not book.delivery.HasField("cancel_request_time")
