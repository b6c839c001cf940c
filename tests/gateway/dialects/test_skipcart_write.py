import json
from typing import Any

import pytest
from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import event_pb2 as events
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.event_pb2 import Event
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.skipcart.statuses import CLOSE_REASONS, STATUSES
from gateway.dialects.skipcart.words import BY_REASON, EVENTS_OUT, ORDER_STATUSES_OUT, REPEATED
from gateway.dialects.skipcart.write import write
from gateway.strict_json import loads
from tests.dialects.messages import happened, leaves, read, written
from tests.dialects.normalisations import ABSENT, NORMALISATIONS
from tests.gateway.dialects.skipcart_documents import document

AT = Timestamp(seconds=1_700_000_000)
ALL = [value for value in pb.DeliveryStatus.values() if value]
NEARBY = {
    # Skipcart's one word for the pickup means the way that follows too; and there is no geofence at the customer.
    pb.DELIVERY_STATUS_PICKED_UP: pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE,
    pb.DELIVERY_STATUS_DROPOFF_APPROACHING: pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE,
}
"""Statuses whose word means another one to us when it comes in."""


def tell(status: int, kind: int = events.EVENT_KIND_STATUS_CHANGED, **members: Any) -> dict[str, Any] | None:
    """The message about a delivery of another carrier that reached a status."""
    delivery = Delivery(id="dlv_1", status=status, **members)  # type: ignore[arg-type]
    event = Event(id="evt_1", delivery_id="dlv_1", kind=kind, status=status, event_time=AT)  # type: ignore[arg-type]
    return write(OutboundEvent(event=event, delivery=delivery), Subscription())


def told(status: int, **members: Any) -> dict[str, Any]:
    document = tell(status, **members)
    assert document is not None
    return document


def test_every_status_is_in_the_table() -> None:
    assert set(EVENTS_OUT) == set(ALL)
    assert set(REPEATED) <= set(ALL)


def test_every_word_is_one_of_skipcarts_and_has_an_order_status() -> None:
    assert {word for word in EVENTS_OUT.values() if word} | set(BY_REASON.values()) <= set(STATUSES)
    assert set(ORDER_STATUSES_OUT) == set(STATUSES) - {"delivery_proof_uploaded"}


@pytest.mark.parametrize("status", ALL, ids=pb.DeliveryStatus.Name)
def test_what_is_written_of_a_status_means_that_status_when_it_is_read(status: int) -> None:
    document = tell(status)
    if document is None:
        assert EVENTS_OUT[status] is None  # type: ignore[index]
        return

    report = read("skipcart", loads(json.dumps(document).encode())).report

    assert report.status == NEARBY.get(status, status)  # type: ignore[call-overload]
    assert not report.unmapped
    assert [issue.code for issue in report.issues] == []


@pytest.mark.parametrize(("status", "code"), BY_REASON)
def test_a_reason_chooses_the_word_by_its_code_or_by_the_finer_state(status: int, code: str) -> None:
    by_code = told(status, status_reason=pb.StatusReason(code=code))
    by_state = told(status, substatus=code)

    word = BY_REASON[status, code]  # type: ignore[index]
    assert {by_code["event_status"], by_state["event_status"]} == {word}
    assert read("skipcart", by_state).report.status == status


@pytest.mark.parametrize("code", CLOSE_REASONS)
def test_a_reason_of_skipcarts_own_is_told_with_close_order(code: str) -> None:
    document = told(CLOSE_REASONS[code].status, substatus=code)

    assert (document["event_status"], document["reason_code"]) == ("close_order", code)
    assert read("skipcart", document).report.status == CLOSE_REASONS[code].status


def test_a_finer_state_of_the_present_is_not_told_of_the_past() -> None:
    delivery = Delivery(id="dlv_1", status=pb.DELIVERY_STATUS_UNDELIVERABLE, substatus="CustomerUnreachable")
    event = Event(delivery_id="dlv_1", kind=events.EVENT_KIND_STATUS_CHANGED, status=pb.DELIVERY_STATUS_DISPATCHED)

    document = write(OutboundEvent(event=event, delivery=delivery), Subscription())

    assert document is not None
    assert (document["event_status"], document["reason_code"]) == ("new", None)


@pytest.mark.parametrize("status", ALL, ids=pb.DeliveryStatus.Name)
def test_a_parking_slot_is_told_at_the_store_only_and_a_phone_until_the_end(status: int) -> None:
    members: dict[str, Any] = {"parking_slot": "4", "courier": {"phone": {"raw": "+33 6 12 34 56 78"}}}
    document = tell(status, **members)
    if document is None:
        return

    word, phone = document["event_status"], document["driver"]["phone"]
    assert (document["parking_slot"] is not None) == (word in ("arrived_at_store", "return_at_store"))
    assert phone in (None, "+XX X XX XX 56 78")
    if status in (pb.DELIVERY_STATUS_DELIVERED, pb.DELIVERY_STATUS_RETURNED):
        assert phone is None
    elif word not in ("new", "partner_rejected", "pickup_not_ready"):
        assert phone is not None
    assert document["reason_code"] is None


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ("+1-512-XXX-XX12", "+1-512-XXX-XX12"),
        ("512***0199", "512***0199"),
        ("+1 512 555 0199 x7", "+X XXX XXX X199 x7"),
    ],
)
def test_a_phone_that_came_masked_is_told_as_it_came(known: str, expected: str) -> None:
    document = told(pb.DELIVERY_STATUS_DRIVER_ASSIGNED, courier={"phone": {"raw": known}})

    assert document["driver"]["phone"] == expected


def test_a_late_message_does_not_tell_a_phone_that_is_over() -> None:
    delivery = Delivery(id="dlv_1", status=pb.DELIVERY_STATUS_DELIVERED, courier={"phone": {"raw": "5551234567"}})  # type: ignore[arg-type]
    event = Event(delivery_id="dlv_1", kind=events.EVENT_KIND_STATUS_CHANGED, status=pb.DELIVERY_STATUS_PICKED_UP)

    document = write(OutboundEvent(event=event, delivery=delivery), Subscription())

    assert document is not None
    assert document["driver"]["phone"] is None
    assert document["delivery_details"]["delivered_on_utc"] is None


def test_the_drivers_pay_is_told_and_never_the_merchants_price() -> None:
    both = told(
        pb.DELIVERY_STATUS_DELIVERED,
        fee=Money(currency_code="USD", units=20),
        driver_pay=Money(currency_code="USD", units=9, nanos=950_000_000),
    )
    price = told(pb.DELIVERY_STATUS_DELIVERED, fee=Money(currency_code="USD", units=20))

    assert both["delivery_details"]["delivery_fee"] == "9.95"
    assert price["delivery_details"]["delivery_fee"] is None


@pytest.mark.parametrize("status", [value for value in ALL if EVENTS_OUT[value]], ids=pb.DeliveryStatus.Name)
def test_every_message_has_all_documented_members_in_their_order_and_every_value_is_text(status: int) -> None:
    document = told(
        status,
        position=pb.Delivery().position.__class__(latitude="1", longitude="2"),
        estimates=pb.Estimates(remaining_distance_meters=5281),
    )
    example = document_of_the_documentation()

    assert [pointer for pointer, _ in leaves(document)] == [pointer for pointer, _ in leaves(example)]
    assert all(value is None or isinstance(value, str) for _, value in leaves(document))


def document_of_the_documentation() -> dict[str, Any]:
    return document("documented_example")


def test_a_report_that_changed_nothing_and_what_is_no_deliverys_are_not_told() -> None:
    assert tell(pb.DELIVERY_STATUS_DELIVERED, events.EVENT_KIND_REPORT_RECORDED) is None
    shipment = Event(id="evt_1", shipment_id="shp_1", kind=events.EVENT_KIND_SHIPMENT_CHANGED)
    assert write(OutboundEvent(event=shipment), Subscription()) is None


def test_the_words_of_another_carrier_are_not_taken_for_skipcarts() -> None:
    event = Event(
        delivery_id="dlv_1",
        kind=events.EVENT_KIND_STATUS_CHANGED,
        status=pb.DELIVERY_STATUS_CANCELLED,
        report=DeliveryReport(status_raw="delivered", substatus_raw="delivered", patch=Delivery(carrier_ref="swift")),
    )

    document = write(OutboundEvent(event=event, delivery=Delivery(id="dlv_1")), Subscription())

    assert document is not None
    assert document["event_status"] == "cancelled"


TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=30)
TIME = st.integers(1_600_000_000_000, 1_900_000_000_000).map(
    lambda milliseconds: Timestamp(
        seconds=milliseconds // 1000, nanos=milliseconds % 1000 * 1_000_000
    ).ToJsonString()
)  # fmt: skip
URL = TEXT.filter(lambda text: not set(text) & set('<>"')).map(lambda text: f"https://example.org/{text}")
DEGREES = st.decimals(-90, 90, places=12).map(lambda number: format(number, "f"))


@st.composite
def skipcart_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Any document that is as Skipcart says, of any event."""

    def perhaps(strategy: st.SearchStrategy[str]) -> str | None:
        return draw(st.none() | strategy)

    word = draw(st.sampled_from(sorted(STATUSES)))
    at, place = draw(TIME), draw(st.booleans())
    delivered = word == "delivered"
    return {
        "partner_order_id": draw(TEXT),
        "skipcart_order_id": draw(TEXT),
        "skipcart_delivery_id": perhaps(TEXT),
        "event_time_utc": at,
        "event_status": word,
        "order_status": ORDER_STATUSES_OUT.get(word, "delivered"),
        "schedule_failed_reason": perhaps(TEXT) if word == "schedule_failed" else None,
        "driver": {
            "driver_id": draw(TEXT),
            "first_name": perhaps(TEXT),
            "last_name": perhaps(TEXT),
            "phone": perhaps(st.just("XXX-XXX-0142")),
            "photo": perhaps(URL),
            "vehicle": {name: perhaps(TEXT) for name in ("make", "model", "color", "license_plate", "type")},
        },
        "location": {"lat": draw(DEGREES) if place else None, "lng": draw(DEGREES) if place else None},
        "estimated_arrival": {
            "time_utc": perhaps(TIME) if STATUSES[word].heading.value in ("store", "customer") else None,
            "distance_meters": perhaps(st.integers(0, 10**9).map(str)),
        },
        "tracking_url": perhaps(URL),
        "delivery_details": {
            "delivered_on_utc": at if delivered else None,
            "signature": perhaps(URL),
            "photo": perhaps(URL),
            "remarks": perhaps(TEXT),
            "delivery_fee": perhaps(st.decimals(0, 10**6, places=2).map(lambda number: format(number, "f"))),
            "return_reason": perhaps(TEXT),
        },
        "parking_slot": perhaps(TEXT) if word in ("arrived_at_store", "return_at_store") else None,
        "reason_code": draw(st.sampled_from(sorted(CLOSE_REASONS))) if word == "close_order" else None,
        "agg_order_id": perhaps(TEXT),
    }


@settings(max_examples=100, deadline=None)
@given(skipcart_documents())
def test_any_documented_message_goes_out_as_it_came_in_but_for_the_listed_normalisations(came: dict[str, Any]) -> None:
    went = written("skipcart", happened(read("skipcart", loads(json.dumps(came).encode())).report))[-1]

    assert list(went) == list(came)
    before, after = dict(leaves(came)), dict(leaves(went))
    for pointer in {**before, **after}:
        was, is_now = before.get(pointer, ABSENT), after.get(pointer, ABSENT)
        explained = any(rule.fits(pointer, was, came, is_now) for rule in NORMALISATIONS["skipcart"])
        assert was == is_now or explained, pointer
