import hashlib
import json
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import protovalidate
import pytest
from crossdock.v1 import delivery_pb2, report_pb2
from crossdock.v1.webhook_pb2 import WebhookSource
from crossdock.v1.webhook_service_pb2 import IngestWebhookRequest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.inbound import MalformedMessage, Reading
from gateway.dialects.skipcart.statuses import CLOSE_REASONS, STATUSES
from gateway.dialects.skipcart.wire import SkipcartEvent, Vehicle
from gateway.dialects.tolerance import Wire
from gateway.strict_json import MalformedJson, loads
from tests.gateway.dialects.skipcart_documents import SAMPLES, canonical, document, expected_of, read, read_sample

Path_ = tuple[str, ...]


def members(told: dict[str, Any], above: Path_ = ()) -> Iterator[Path_]:
    for name, value in told.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from members(value, (*above, name))


FIELDS = list(members(document("documented_example")))
LEAVES = [field for field in FIELDS if field not in {above[:-1] for above in FIELDS}]


def changed(told: dict[str, Any], field: Path_, value: Any) -> dict[str, Any]:
    """The document with another value in one place; `...` takes the member away."""
    copy = deepcopy(told)
    holder = copy
    for name in field[:-1]:
        holder = holder[name]
    if value is ...:
        del holder[field[-1]]
    else:
        holder[field[-1]] = value
    return copy


def pointers(reading: Reading) -> list[tuple[str, str]]:
    return [(each.pointer, each.code) for each in reading.report.issues]


def extension_of(reading: Reading) -> dict[str, Any]:
    return MessageToDict(reading.report.patch.extensions["skipcart"])


def require_accepted(reading: Reading) -> None:
    """As the services would: a report that breaks a rule of the contract would be refused, and its message unread."""
    request = IngestWebhookRequest(source_id="src_1", dedupe_key=reading.dedupe_key, report=reading.report)
    protovalidate.validate(request)
    assert IngestWebhookRequest.FromString(request.SerializeToString()) == request


def reversed_members(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: reversed_members(each) for name, each in reversed(value.items())}
    return value


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_a_golden_document_reads_as_expected(sample: Path) -> None:
    reading = read_sample(sample)

    assert canonical(reading.report) == expected_of(sample).read_text()
    require_accepted(reading)


def test_there_is_a_golden_document_for_every_word() -> None:
    events = {loads(sample.read_bytes())["event_status"] for sample in SAMPLES}
    reasons = {loads(sample.read_bytes())["reason_code"] for sample in SAMPLES}

    assert set(STATUSES) <= events
    assert set(CLOSE_REASONS) <= reasons


def test_the_wire_model_has_the_documented_members_in_the_documented_order() -> None:
    example = document("documented_example")

    def names(model: type[Wire]) -> list[str]:
        return list(model.model_fields)

    nested = {
        name: next(part for part in get_args(field.annotation) if part is not type(None))
        for name, field in SkipcartEvent.model_fields.items()
        if isinstance(example[name], dict)
    }
    assert names(SkipcartEvent) == list(example)
    assert {name: names(model) for name, model in nested.items()} == {name: list(example[name]) for name in nested}
    assert names(Vehicle) == list(example["driver"]["vehicle"])


def test_the_documented_example_has_no_issue_and_nothing_left_over() -> None:
    report = read(document("documented_example")).report

    assert not report.issues
    assert not report.patch.extensions


@pytest.mark.parametrize("value", [None, "", ..., [], {}, 5, True, "x" * 20_000, "\u202e💥", {"deep": [{"er": 1}]}])
@pytest.mark.parametrize("field", FIELDS, ids="/".join)
def test_a_member_of_any_kind_costs_itself_at_most(field: Path_, value: Any) -> None:
    for name in ("documented_example", "enroute_to_pickup", "close_order_PackageDamage", "pickup_not_ready"):
        original = read(document(name)).report
        reading = read(changed(document(name), field, value))

        require_accepted(reading)
        report = reading.report
        if field not in {("event_status",), ("order_status",), ("reason_code",)}:
            assert (report.status, report.unmapped) == (original.status, False)
        elif report.status != original.status:
            assert report.unmapped or report.issues or report.attention


@pytest.mark.parametrize("value", [[], True, {}])
@pytest.mark.parametrize("field", LEAVES, ids="/".join)
def test_a_member_of_the_wrong_type_is_told_by_its_pointer(field: Path_, value: Any) -> None:
    reading = read(changed(document("documented_example"), field, value))

    assert ("/" + "/".join(field), "wrong_type") in pointers(reading)


@pytest.mark.parametrize("group", ["driver", "location", "estimated_arrival", "delivery_details"])
@pytest.mark.parametrize("value", ["text", 5, [], False])
def test_a_group_that_is_no_object_is_told_once_and_the_rest_counts(group: str, value: Any) -> None:
    reading = read(changed(document("documented_example"), (group,), value))

    assert (f"/{group}", "wrong_type") in pointers(reading)
    assert reading.report.status == delivery_pb2.DELIVERY_STATUS_DELIVERED


@pytest.mark.parametrize("value", [{}, [], "text", 5, None, True, Decimal("1.5"), {"event_status": "delivered"}])
def test_what_names_no_order_is_malformed(value: Any) -> None:
    with pytest.raises(MalformedMessage):
        read(value)


def test_blank_ids_name_no_order() -> None:
    blank = changed(changed(document("delivered"), ("skipcart_order_id",), "  "), ("partner_order_id",), "")

    with pytest.raises(MalformedMessage, match="neither skipcart_order_id nor partner_order_id"):
        read(blank)


def test_a_body_cut_anywhere_is_refused_before_it_is_read() -> None:
    body = json.dumps(document("documented_example")).encode()

    for end in range(len(body)):
        with pytest.raises(MalformedJson):
            loads(body[:end])


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
KNOWN = sorted({name for field in FIELDS for name in field})
SHAPED = st.dictionaries(
    st.sampled_from(KNOWN),
    JUNK | st.dictionaries(st.sampled_from(KNOWN), JUNK | st.dictionaries(st.sampled_from(KNOWN), JUNK)),
)


@given(JUNK | SHAPED | SHAPED.map(lambda junk: {"skipcart_order_id": "1", **junk}))
def test_junk_raises_nothing_but_malformed(junk: Any) -> None:
    try:
        reading = read(junk)
    except MalformedMessage:
        return
    require_accepted(reading)


def test_seventeen_digits_survive_as_text_and_as_a_number() -> None:
    as_text = read(
        loads(b'{"skipcart_order_id":"1","location":{"lat":"29.427832572805492","lng":"-98.489873682142743"}}')
    )
    as_number = read(loads(b'{"skipcart_order_id":1,"location":{"lat":29.427832572805492,"lng":-98.489873682142743}}'))

    for reading in (as_text, as_number):
        position = reading.report.patch.position
        assert (position.latitude, position.longitude) == ("29.427832572805492", "-98.489873682142743")
        assert reading.report.targets[0].value == "1"


@pytest.mark.parametrize("latitude", ["90.1", "abc", "1e1", "٣", "029.5", "+1", "1.", "", None])
def test_a_position_that_is_not_one_is_left_out_and_told(latitude: str | None) -> None:
    reading = read(changed(document("documented_example"), ("location", "lat"), latitude))

    assert not reading.report.patch.HasField("position")
    assert pointers(reading) == [("/location/lat", "unreadable_number")]


def test_an_exponent_is_written_out() -> None:
    told = loads(b'{"skipcart_order_id":"1","location":{"lat":1e1,"lng":-9.8e1}}')

    assert read(told).report.patch.position.longitude == "-98"


def test_a_distance_with_decimals_is_rounded_and_told() -> None:
    reading = read(changed(document("enroute_to_pickup"), ("estimated_arrival", "distance_meters"), "5281.7"))

    assert reading.report.patch.estimates.remaining_distance_meters == 5282
    assert pointers(reading) == [("/estimated_arrival/distance_meters", "rounded")]
    assert not reading.report.patch.extensions


@pytest.mark.parametrize(
    ("written", "seconds"), [("2021-12-13T17:35:23", 1639416923), ("2021-12-13 17:35:23Z", 1639416923)]
)
def test_a_time_without_offset_is_utc_as_documented(written: str, seconds: int) -> None:
    assert (
        read(changed(document("documented_example"), ("event_time_utc",), written)).report.event_time.seconds == seconds
    )


def test_an_unreadable_time_of_delivery_falls_back_to_the_time_of_delivery_in_the_details() -> None:
    reading = read(changed(document("documented_example"), ("event_time_utc",), "yesterday"))

    assert reading.report.event_time.ToJsonString() == "2021-12-13T17:35:23.583Z"
    assert pointers(reading) == [("/event_time_utc", "unreadable_time")]


def test_a_fee_without_a_known_currency_is_kept_as_written_and_told() -> None:
    reading = read(document("documented_example"), WebhookSource(id="src_1"))

    assert not reading.report.patch.HasField("driver_pay")
    assert extension_of(reading)["delivery_details"]["delivery_fee"] == "9.95"
    assert pointers(reading) == [("/delivery_details/delivery_fee", "no_currency")]


def test_a_fee_finer_than_its_currency_is_not_rounded() -> None:
    reading = read(changed(document("documented_example"), ("delivery_details", "delivery_fee"), Decimal("9.955")))

    assert not reading.report.patch.HasField("driver_pay")
    assert extension_of(reading)["delivery_details"]["delivery_fee"] == "9.955"


def test_unknown_members_are_kept_in_their_place_and_exactly() -> None:
    told = document("documented_example")
    told |= {"tip": Decimal("1.50"), "serial": 12345678901234567890, "nothing": None}
    told["driver"]["vehicle"]["wheels"] = [4, {"spare": True}]

    reading = read(told)

    kept = extension_of(reading)
    assert (kept["tip"], kept["serial"]) == (1.5, "12345678901234567890")
    assert kept["driver"]["vehicle"]["wheels"][0] == 4
    assert "nothing" not in kept
    assert not reading.report.issues


def test_unknown_members_are_bounded_in_depth_and_size() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = {"in": deep}
    told = document("documented_example")

    require_accepted(read({**told, "deep": deep}))
    reading = read({**told, "huge": "x" * 20_000})

    require_accepted(reading)
    assert not reading.report.patch.extensions
    assert [each.code for each in reading.report.issues] == ["too_large"]


def test_a_released_driver_is_not_put_on_the_delivery_again() -> None:
    for name in ("partner_rejected", "pickup_not_ready"):
        report = read(document(name)).report

        assert report.reset == report_pb2.RESET_DRIVER
        assert not report.patch.HasField("courier")
        assert not report.patch.HasField("position")


def test_a_driver_of_whom_nothing_is_told_is_no_courier() -> None:
    assert not read(document("confirmed_without_driver_id")).report.patch.HasField("courier")


def test_a_masked_phone_stays_as_it_came() -> None:
    phone = read(document("confirmed")).report.patch.courier.phone

    assert (phone.raw, phone.e164) == ("XXX-XXX-0142", "")


@pytest.mark.parametrize("word", sorted(STATUSES))
def test_an_order_whose_scheduling_failed_has_failed_unless_the_event_is_of_the_pickup_or_later(word: str) -> None:
    told = document("documented_example") | {
        "event_status": word,
        "order_status": "schedule_failed",
        "schedule_failed_reason": "No driver in the area",
    }

    report = read(told).report

    early = {
        "new", "queued", "confirmed", "enroute_to_pickup", "geofence_at_pickup", "arrived_at_store",
        "partner_rejected", "pickup_not_ready", "schedule_failed",
    }  # fmt: skip
    assert (report.status == delivery_pb2.DELIVERY_STATUS_FAILED) == (word in early)
    assert (report.reason.message == "No driver in the area") == (word in early)
    assert (report.status_raw, report.substatus_raw) == (word, "schedule_failed")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "livetrack.skipcart.com", "https://a b", 'https://x"onload="'])
def test_what_is_no_web_page_does_not_become_a_link(url: str) -> None:
    reading = read(changed(document("documented_example"), ("tracking_url",), url))

    assert not reading.report.patch.HasField("links")
    assert pointers(reading) == [("/tracking_url", "not_a_url")]


@pytest.mark.parametrize("word", ["Delivered", "delivered!", "DELIVERED", "deliver"])
def test_a_word_that_is_only_like_a_known_one_is_not_guessed(word: str) -> None:
    told = changed(changed(document("delivered"), ("event_status",), word), ("order_status",), None)

    report = read(told).report

    assert report.unmapped
    assert report.status == delivery_pb2.DELIVERY_STATUS_UNSPECIFIED
    assert report.status_raw == word


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_a_replay_in_another_order_of_members_is_the_same_fact(sample: Path) -> None:
    told = loads(sample.read_bytes())

    assert read(reversed_members(told)).dedupe_key == read(told).dedupe_key


def test_ten_thousand_facts_have_ten_thousand_keys() -> None:
    told = document("enroute_to_pickup")
    keys = set()
    for order in range(10):
        for word in ("enroute_to_pickup", "geofence_at_pickup", "out_for_delivery", "delivered", "new"):
            for second in range(20):
                for driver in (None, "1", "2", "11", "12", "1|2", '1","2', "13", 7, "null"):
                    told["skipcart_order_id"] = str(order)
                    told["event_status"] = word
                    told["event_time_utc"] = f"2021-12-13T17:35:{second:02d}Z"
                    told["driver"]["driver_id"] = driver
                    keys.add(read(told).dedupe_key)

    assert len(keys) == 10_000


def test_separators_within_values_do_not_merge_facts() -> None:
    told = document("enroute_to_pickup")
    left = changed(changed(told, ("skipcart_order_id",), "1|new"), ("event_status",), "x")
    right = changed(changed(told, ("skipcart_order_id",), "1"), ("event_status",), "new|x")

    assert read(left).dedupe_key != read(right).dedupe_key


@pytest.mark.parametrize("field", ["skipcart_order_id", "event_status", "event_time_utc"])
@pytest.mark.parametrize("value", [None, "", ..., [], True])
def test_facts_that_lack_a_part_of_the_key_are_told_apart_by_all_they_say(field: str, value: Any) -> None:
    lacking = changed(document("enroute_to_pickup"), (field,), value)
    another = changed(lacking, ("location", "lat"), "29.5")

    assert read(lacking).dedupe_key != read(another).dedupe_key
    assert read(lacking).dedupe_key == read(reversed_members(lacking)).dedupe_key


def test_an_undocumented_driver_id_tells_facts_apart_too() -> None:
    one, other = ({**document("confirmed"), "driver": {"driver_id": [each]}} for each in ("1", "2"))

    assert read(one).dedupe_key != read(other).dedupe_key


def test_the_key_is_that_of_the_four_parts() -> None:
    key = hashlib.sha256(b'["237126", "delivered", "2021-12-13T17:35:23.583Z", "65847"]').hexdigest()

    assert read(document("documented_example")).dedupe_key == key


@pytest.mark.parametrize("length", [51, 101, 256, 501, 4097, 9000, 10_001])
@pytest.mark.parametrize("field", LEAVES, ids="/".join)
def test_text_of_any_length_makes_a_report_that_the_contract_takes(field: Path_, length: int) -> None:
    for text in ("x" * length, "https://" + "x" * length, "1" * length, "é" * length):
        require_accepted(read(changed(document("documented_example"), field, text)))
