from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1.delivery_pb2 import Delivery
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st

from gateway import strict_json
from gateway.dialects.hubrise import read, write
from gateway.dialects.hubrise.wire import Invalid
from gateway.dialects.hubrise.words import STATUSES_IN, STATUSES_OUT, TIMES_IN
from services.masks import copy_path

ZONES = [ZoneInfo(name) for name in ("Europe/Paris", "America/Chicago", "Asia/Kathmandu", "UTC")]
# HubRise writes whole seconds.
MOMENTS = st.integers(315_532_800, 4_070_908_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=50)
DEGREES = st.decimals(-90, 90, places=7).map(lambda degrees: format(degrees, "f"))
DOCUMENTS = st.fixed_dictionaries(
    {"carrier": TEXTS, "status": st.sampled_from(sorted(STATUSES_IN))},
    optional={
        "carrier_ref": TEXTS,
        "ref": TEXTS,
        "fee": st.integers(-(10**9), 10**9).map(
            lambda cents: f"{'-' * (cents < 0)}{abs(cents) // 100}.{abs(cents) % 100:02} EUR"
        ),
        "estimated_pickup_at": MOMENTS,
        "estimated_dropoff_at": MOMENTS,
        "tracking_url": st.just("https://www.ups.com/track?tracknum=1Z12345E0291980793"),
        "driver_pickup_url": st.just("http://example.com"),
        "driver_name": TEXTS,
        "driver_phone": TEXTS.filter(str.strip),
        "driver_phone_access_code": TEXTS,
        "driver_latitude": DEGREES,
        "driver_longitude": DEGREES,
        "assigned_at": MOMENTS,
        "pickup_at": MOMENTS,
        "delivered_at": MOMENTS,
        "cancelled_at": MOMENTS,
    },
)


def present(**members: Any) -> Delivery:
    """A delivery as it is before an update."""
    members.setdefault("status", pb.DELIVERY_STATUS_DISPATCHED)
    return Delivery(id="dlv_1", etag="7", **members)


def errors_of(document: dict[str, Any], delivery: Delivery | None = None) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        read.change(document, delivery or present())
    return dict(caught.value.errors)


@given(DOCUMENTS, st.sampled_from(ZONES))
def test_what_is_posted_is_shown_again(document: dict[str, Any], zone: ZoneInfo) -> None:
    written = {
        name: value.astimezone(zone).isoformat(timespec="seconds")
        if name in TIMES_IN or name.startswith("est")
        else value
        for name, value in document.items()
    }

    shown = write.delivery(read.new_delivery(written, "ord_1", "loc_1"), zone)

    assert {name: value for name, value in shown.items() if value is not None} == written | {
        "order_id": "ord_1",
        "location_id": "loc_1",
    }


@given(DOCUMENTS, st.sampled_from(ZONES))
def test_a_delivery_that_is_sent_back_as_it_was_shown_does_not_change(document: dict[str, Any], zone: ZoneInfo) -> None:
    written = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in document.items()}
    delivery = read.new_delivery(written, "ord_1", "loc_1")
    delivery.id = "dlv_1"
    shown = write.delivery(delivery, zone)

    change = read.change(shown, delivery)

    assert not {"status", "carrier", "fee"} & set(change.paths)
    for path in change.paths:
        copy_path(change.delivery, delivery, path)
    assert write.delivery(delivery, zone) == shown


@pytest.mark.parametrize("status", [status for status in pb.DeliveryStatus.values() if status])
def test_every_status_has_a_word_and_sending_it_back_changes_nothing(status: pb.DeliveryStatus.ValueType) -> None:
    change = read.change({"status": STATUSES_OUT[status]}, present(status=status))

    assert change.paths == []


def test_the_nine_words_come_back_as_they_went_in() -> None:
    assert {word: STATUSES_OUT[status] for word, status in STATUSES_IN.items()} == {word: word for word in STATUSES_IN}
    assert len(STATUSES_IN) == 9


def test_a_whole_position_and_nothing_else_needs_no_present_delivery() -> None:
    moved = read.position({"driver_latitude": "1.5", "driver_longitude": "2.5"}, "ord_1", "loc_1")

    assert moved is not None
    assert moved.paths == ["position"]
    assert (moved.delivery.order_id, moved.delivery.location_id) == ("ord_1", "loc_1")
    assert (moved.delivery.position.latitude, moved.delivery.position.longitude) == ("1.5", "2.5")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"driver_latitude": "1"},
        {"driver_latitude": None, "driver_longitude": None},
        {"driver_latitude": "1", "driver_longitude": None},
        {"driver_latitude": "1", "driver_longitude": "2", "ref": "3"},
        {"driver_latitude": "1", "driver_longitude": "2", "of their own": "3"},
    ],
)
def test_half_a_position_or_more_than_one_is_a_change_like_any_other(document: dict[str, Any]) -> None:
    assert read.position(document, "ord_1", "loc_1") is None


def test_another_word_moves_the_delivery() -> None:
    change = read.change({"status": "delivered"}, present())

    assert (change.delivery.status, change.paths) == (pb.DELIVERY_STATUS_DELIVERED, ["status"])
    assert (change.delivery.id, change.delivery.etag) == ("dlv_1", "7")


def test_nothing_given_changes_nothing() -> None:
    assert read.change({}, present()).paths == []


def test_null_erases_and_absence_leaves() -> None:
    change = read.change({"ref": None, "driver_name": None, "estimated_pickup_at": None}, present())

    assert change.paths == [
        "tracking_number",
        "estimates.pickup_time",
        "courier.name",
        "courier.first_name",
        "courier.last_name",
    ]
    assert change.delivery == Delivery(id="dlv_1", etag="7")


def test_a_number_keeps_its_code_and_a_code_its_number() -> None:
    before = present()
    before.courier.phone.raw, before.courier.phone.access_code = "+33612345678", "1234"

    number = read.change({"driver_phone": "+33611111111"}, before).delivery.courier.phone
    code = read.change({"driver_phone_access_code": None}, before).delivery.courier.phone

    assert (number.raw, number.e164, number.access_code) == ("+33611111111", "+33611111111", "1234")
    assert (code.raw, code.access_code) == ("+33612345678", "")


def test_a_driver_without_number_and_code_has_no_telephone() -> None:
    before = present()
    before.courier.phone.raw = "+33612345678"

    change = read.change({"driver_phone": None}, before)

    assert change.paths == ["courier.phone"]
    assert not change.delivery.courier.HasField("phone")


def test_one_coordinate_alone_keeps_the_other() -> None:
    before = present()
    before.position.latitude, before.position.longitude = "48.856702", "2.35222"

    position = read.change({"driver_latitude": "48.8500"}, before).delivery.position

    assert (position.latitude, position.longitude) == ("48.8500", "2.35222")


def test_a_time_that_is_set_explicitly_is_a_milestone() -> None:
    change = read.change({"pickup_at": "2023-01-01T12:11:03+01:00"}, present())

    [milestone] = change.delivery.milestones
    assert (milestone.status, milestone.time.ToJsonString()) == (
        pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE,
        "2023-01-01T11:11:03Z",
    )
    assert change.paths == ["milestones"]


def test_the_time_of_a_status_that_was_reached_is_not_erased() -> None:
    reached = present()
    reached.milestones.add(status=pb.DELIVERY_STATUS_PICKUP_EN_ROUTE, time={"seconds": 1})

    assert read.change({"assigned_at": None}, present()).paths == []
    assert errors_of({"assigned_at": None}, reached) == {"assigned_at": "cannot be erased: the status was reached"}


def test_carrier_and_fee_cannot_be_updated_unless_they_are_what_they_were() -> None:
    before = present(carrier="UPS", fee=Money(currency_code="EUR", units=4, nanos=500_000_000))

    assert read.change({"carrier": "UPS", "carrier_ref": None, "fee": "4.50 EUR"}, before).paths == []
    assert errors_of({"carrier": "DHL", "carrier_ref": "dhl", "fee": None, "ref": "1"}, before) == {
        "carrier": "cannot be updated",
        "carrier_ref": "cannot be updated",
        "fee": "cannot be updated",
    }
    assert errors_of({"fee": "4.51 EUR"}, before) == {"fee": "cannot be updated"}
    assert errors_of({"fee": "4.50 USD"}, before) == {"fee": "cannot be updated"}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("status", None, "cannot be null"),
        ("status", "lost", "Input should be 'pending', 'pickup_enroute'"),
        ("status", "Delivered", "Input should be"),
        ("carrier", 7, "Input should be a valid string"),
        ("ref", "x" * 256, "String should have at most 255 characters"),
        ("fee", "4.5 EUR", "'4.5 EUR' is not a valid monetary amount: EUR has exactly 2 decimals"),
        ("fee", "4.50", "'4.50' is not a valid monetary amount"),
        ("fee", "4.50 XYZ", "'4.50 XYZ' is not a valid monetary amount: unknown currency"),
        ("fee", "+4.50 EUR", "is not a valid monetary amount"),
        ("fee", 4, "'4' is not a valid monetary amount"),
        ("estimated_pickup_at", "2023-01-01T12:00:00", "is not a valid time: no offset from UTC"),
        ("estimated_dropoff_at", "2023-02-30T12:00:00+01:00", "is not a valid time: no such date"),
        ("delivered_at", 1672570800, "'1672570800' is not a valid time: not text"),
        ("assigned_at", "", "is not a valid time"),
        ("tracking_url", "javascript:alert(1)", "must be an http or https address"),
        ("tracking_url", 'https://a/"onload', "must be an http or https address"),
        ("driver_latitude", "90.0000001", "is not a valid latitude: not between -90 and 90"),
        ("driver_latitude", "48,85", "'48,85' is not a valid latitude: not a decimal"),
        ("driver_latitude", "", "is not a valid latitude"),
        ("driver_latitude", True, "is not a valid latitude"),
        ("driver_longitude", "-180.1", "is not a valid longitude: not between -180 and 180"),
        ("driver_longitude", "1e2", "is not a valid longitude"),
        ("driver_longitude", "NaN", "is not a valid longitude"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_its_field(field: str, value: Any, message: str) -> None:
    errors = errors_of({field: value})

    assert list(errors) == [field]
    assert message in errors[field]


def test_all_wrong_fields_are_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        read.new_delivery({"status": "lost", "fee": "free", "driver_name": 1}, "ord_1", "loc_1")

    assert [error.field for error in caught.value.errors] == ["carrier", "status", "fee", "driver_name"]
    assert caught.value.errors[0].message == "is missing"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (b'"48.856614"', "48.856614"),
        (b'"48.8566140"', "48.8566140"),
        (b"48.8566140", "48.8566140"),
        (b"-48", "-48"),
        (b"1E-7", "0.0000001"),
        (b'"51.529483875563876543"', "51.529483875563876543"),
        (b'"-0.0"', "-0.0"),
    ],
)
def test_no_digit_of_a_coordinate_is_lost(written: bytes, kept: str) -> None:
    document = strict_json.loads(b'{"driver_latitude": %s}' % written)

    assert read.change(document, present()).delivery.position.latitude == kept


def test_what_we_cannot_keep_exactly_is_refused() -> None:
    deep: Any = "end"
    for _ in range(17):
        deep = [deep]

    assert errors_of({"weight": 2**53 + 1}) == {
        "weight": "has a number of more digits than can be kept: send it as a string"
    }
    assert errors_of({"deep": deep}) == {"deep": "is nested deeper than 16 levels"}
