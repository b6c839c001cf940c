from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from crossdock.v1 import delivery_pb2, window_pb2
from crossdock.v1.webhook_pb2 import WebhookSource
from google.type.money_pb2 import Money

from gateway.dialects.evermile.statuses import LIFE_CYCLE, STATUSES
from gateway.dialects.evermile.wire import EvermileMessage
from gateway.dialects.inbound import fingerprint
from gateway.dialects.tolerance import Wire
from gateway.strict_json import loads
from tests.gateway.dialects.evermile_documents import (
    EVERMILE,
    EVERY_MEMBER,
    FIELDS,
    ORDER,
    SAMPLES,
    STATUS,
    TRACKING,
    canonical,
    changed,
    document,
    expected_of,
    extension_of,
    pointer_of,
    pointers,
    read,
    read_sample,
    require_accepted,
    reversed_members,
    value_at,
)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_a_golden_document_reads_as_expected(sample: Path) -> None:
    reading = read_sample(sample)

    assert canonical(reading.report) == expected_of(sample).read_text()
    require_accepted(reading)


def test_there_is_a_golden_document_for_every_word() -> None:
    orders = [loads(sample.read_bytes()).get("order") or {} for sample in SAMPLES]
    told = [order.get("status") or {} for order in orders]

    assert set(STATUSES) <= {status.get("orderStatus") for status in told}
    assert set(LIFE_CYCLE) <= {status.get("lifeCycleStatus") for status in told}
    assert len(STATUSES) == 17


def test_the_wire_model_has_the_documented_members_in_the_documented_order() -> None:
    def compare(model: type[Wire], example: dict[str, Any], where: str) -> int:
        aliases = {field.alias or name: name for name, field in model.model_fields.items()}
        assert list(aliases) == list(example), where
        compared = 1
        value = model.model_validate(example)
        for alias, name in aliases.items():
            inner, told = getattr(value, name), example[alias]
            for each, part in zip_longest(*([inner], [told]) if not isinstance(inner, list) else (inner, told)):
                if isinstance(each, Wire):
                    compared += compare(type(each), part, f"{where}/{alias}")
        return compared

    order, tracking = document(EVERY_MEMBER), document(TRACKING)
    assert len(order["order"]) == 56
    assert len(tracking["trackingInfo"]) == 13

    assert compare(EvermileMessage, {"order": order["order"], **tracking}, "") > 50


def test_the_documented_examples_leave_nothing_unread_but_what_cannot_be_read() -> None:
    assert not read(document(TRACKING)).report.issues
    assert {code for _, code in pointers(read(document(EVERY_MEMBER)))} == {
        "contradiction",
        "written_as_number",
        "unreadable_time",
        "not_a_url",
    }


def test_a_documented_value_is_in_the_report_or_in_the_extension() -> None:
    """Each value of the richest example is changed, and the report must change with it."""
    told = document(EVERY_MEMBER)
    original = read(told).report

    unread = [
        pointer_of(field)
        for field in FIELDS[EVERY_MEMBER]
        if isinstance(value := value_at(told, field), (str, bool, int, Decimal))
        and read(changed(told, field, another(value))).report == original
    ]

    assert unread == []


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value.replace("Z", "+01:00") if value.endswith("Z") else value + "x"
    return value + 1


@pytest.mark.parametrize(
    ("written", "units", "nanos"), [(678, 6, 780_000_000), (-5, 0, -50_000_000), ("42", 0, 420_000_000)]
)
def test_money_is_minor_units_to_the_penny(written: Any, units: int, nanos: int) -> None:
    told = changed(document(ORDER), ("order", "costBreakdown", 0, "price", "value"), written)

    assert read(told).report.patch.costs[0].price.amount == Money(currency_code="GBP", units=units, nanos=nanos)


@pytest.mark.parametrize("written", [Decimal("678.5"), "six", 10**30, True])
def test_money_that_is_no_whole_number_is_kept_as_it_was_sent_and_not_rounded(written: Any) -> None:
    told = changed(document(ORDER), ("order", "costBreakdown", 0, "price", "value"), written)

    reading = read(told)

    assert not reading.report.patch.costs[0].price.HasField("amount")
    assert "/order/costBreakdown/0/price/value" in {pointer for pointer, _ in pointers(reading)}
    kept = extension_of(reading)["costBreakdown"][0]["price"]["value"]
    assert kept == written or kept == str(written)


def test_money_without_currency_is_the_sources_or_kept() -> None:
    told = changed(document(ORDER), ("order", "costBreakdown", 0, "price", "currency"), ...)

    assert read(told).report.patch.costs[0].price.amount.currency_code == "GBP"
    reading = read(told, WebhookSource(id="src_1"))
    assert not reading.report.patch.costs[0].price.HasField("amount")
    assert ("/order/costBreakdown/0/price/value", "no_currency") in pointers(reading)
    assert extension_of(reading)["costBreakdown"][0]["price"]["value"] == 678


def test_yen_have_no_hundredths() -> None:
    told = changed(document(ORDER), ("order", "costBreakdown", 0, "price", "currency"), "JPY")

    assert read(told).report.patch.costs[0].price.amount == Money(currency_code="JPY", units=678)


@pytest.mark.parametrize("field", ["customer", "pickupContactInfo"])
def test_an_integer_phone_is_kept_read_and_told(field: str) -> None:
    reading = read(changed(document(ORDER), ("order", field, "phone"), 447883196637))

    consignment = reading.report.patch.consignment
    phone = (consignment.dropoff if field == "customer" else consignment.pickup).contact.phone
    assert (phone.raw, phone.e164) == ("447883196637", "+447883196637")
    assert (f"/order/{field}/phone", "written_as_number") in pointers(reading)


def test_an_invalid_end_of_a_window_leaves_its_start_and_is_kept_as_written() -> None:
    reading = read(document(ORDER))

    [window] = [
        each
        for each in reading.report.patch.consignment.pickup.windows
        if each.kind == window_pb2.WINDOW_KIND_COMMUNICATED
    ]
    assert window.start_time.ToJsonString() == "2024-04-09T11:00:00Z"
    assert not window.HasField("end_time")
    assert extension_of(reading)["communicatedPickup"]["end"] == "2024-04-09T15:00:00:00.000Z"


def test_a_time_without_offset_is_not_taken_for_utc() -> None:
    reading = read(changed(document(ORDER), ("order", "dropoffEta"), "2024-04-09T13:57:55"))

    assert ("/order/dropoffEta", "unreadable_time") in pointers(reading)
    # The order's own estimate cannot be read, so that of its tracking counts.
    assert reading.report.patch.estimates.dropoff_time.ToJsonString() == "2024-04-09T11:55:55.163Z"


def test_the_time_of_the_message_counts_and_that_of_the_status_stands_in_for_it() -> None:
    told = document("ready")

    assert read(told).report.event_time.ToJsonString() == "2024-04-09T11:55:56Z"
    assert read(told).report.patch.ready_for_pickup_time.ToJsonString() == "2024-04-09T11:55:55.163Z"
    for missing in (..., None, "", "soon"):
        report = read(changed(told, ("timestamp",), missing)).report
        assert report.event_time.ToJsonString() == "2024-04-09T11:55:55.163Z"
        assert [each.pointer for each in report.issues] == ["/timestamp"]


@pytest.mark.parametrize("word", ["pending", "PickedUP", "Picked Up", "InHub", "delivered"])
def test_a_word_that_is_only_like_a_known_one_is_not_guessed(word: str) -> None:
    report = read(changed(document("delivered"), (*STATUS, "orderStatus"), word)).report

    assert report.unmapped
    assert report.status == delivery_pb2.DELIVERY_STATUS_UNSPECIFIED
    assert report.status_raw == word


@pytest.mark.parametrize("word", sorted(STATUSES))
@pytest.mark.parametrize("stage", [*LIFE_CYCLE, "later", None, ""])
def test_a_stage_never_changes_what_a_word_means(word: str, stage: str | None) -> None:
    told = changed(document("delivered"), STATUS, {"orderStatus": word, "lifeCycleStatus": stage})
    told["order"].pop("orderTrackingInfo")

    report = read(told).report

    if word != "WaitingForHandoff":
        assert report.status == STATUSES[word].status
    assert not report.unmapped
    assert ("contradiction" in {each.code for each in report.issues}) == (
        stage in LIFE_CYCLE and stage not in STATUSES[word].stages
    )


def test_flags_of_a_courier_do_not_lower_what_the_word_says() -> None:
    for word in set(STATUSES) - {"Pending", "Ready", "ReceivedAtCollectionPoint", "WaitingForHandoff"}:
        told = changed(document("pending_with_a_courier_on_the_way"), (*STATUS, "orderStatus"), word)

        assert read(told).report.status == STATUSES[word].status


def test_the_three_messages_are_told_apart_by_their_shape() -> None:
    order, tracking = read(document("collected")).report, read(document(TRACKING)).report
    notice = read(document("order_id_and_timestamp")).report

    assert (order.ping, tracking.ping, notice.ping) == (False, True, False)
    assert notice.status == delivery_pb2.DELIVERY_STATUS_UNSPECIFIED
    assert not notice.unmapped
    assert [each.reason for each in notice.attention] == ["unexplained_notice"]
    for other in (order, tracking, read(document("live_tracking_of_nothing")).report):
        assert not other.attention


def test_an_order_that_is_no_object_is_no_notice_of_nothing() -> None:
    report = read({"order": "text", "orderId": "1", "timestamp": "2024-04-09T11:55:55Z"}).report

    assert [(each.pointer, each.code) for each in report.issues] == [("/order", "wrong_type")]
    assert not report.attention
    assert not report.ping


def test_tracking_keeps_a_place_on_earth_digit_by_digit() -> None:
    position = read(document("live_tracking_of_the_position")).report.patch.position

    assert (position.latitude, position.longitude) == ("51.529483875563876", "-0.12406103897631127")


def test_members_in_another_spelling_count_and_are_told() -> None:
    reading = read(document("other_spellings"))

    assert reading.report.status == delivery_pb2.DELIVERY_STATUS_PICKED_UP
    assert {code for _, code in pointers(reading)} == {"spelling"}
    assert reading.report.targets[1].value == "Order_77"


def test_the_documented_spelling_counts_where_both_are_there() -> None:
    told = document("delivered")
    told["order"]["status"]["order_status"] = "Pending"

    reading = read(told)

    assert reading.report.status == delivery_pb2.DELIVERY_STATUS_DELIVERED
    assert extension_of(reading)["status"]["order_status"] == "Pending"


def test_an_order_without_a_courier_has_none() -> None:
    assert not read(document("pending")).report.patch.HasField("courier")
    assert not read(document("live_tracking_without_courier")).report.patch.HasField("courier")
    assert not read({"order": {"id": "1"}}).report.patch.HasField("consignment")


def test_a_return_is_of_the_kind_return_and_its_store_the_one_it_goes_to() -> None:
    patch = read(document("return_collected")).report.patch

    assert patch.kind == delivery_pb2.DELIVERY_KIND_RETURN
    assert patch.consignment.dropoff.external_id == "f9bc2fa1-fa33-4b79-8fe5-f4fbe24c6edd"
    assert not patch.consignment.pickup.external_id


def test_unknown_members_are_kept_in_their_place_and_exactly() -> None:
    told = document(EVERY_MEMBER)
    told["order"] |= {"tip": Decimal("1.50"), "serial": 12345678901234567890, "nothing": None}
    told["order"]["parcels"][0]["colour"] = "red"
    told["trace"] = "t-1"

    reading = read(told)

    kept = extension_of(reading)
    assert (kept["tip"], kept["serial"]) == (1.5, "12345678901234567890")
    assert kept["parcels"] == [{"colour": "red"}]
    assert kept["message"] == {"trace": "t-1"}
    assert "nothing" not in kept
    assert pointers(reading) == pointers(read(document(EVERY_MEMBER)))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "p.evml.io/GFASD4", "https://a b", 'https://x"onload="'])
def test_what_is_no_web_page_does_not_become_a_link(url: str) -> None:
    reading = read(changed(document("collected"), ("order", "customerTrackingUrl"), url))

    assert not reading.report.patch.HasField("links")
    assert pointers(reading) == [("/order/customerTrackingUrl", "not_a_url")]
    assert extension_of(reading)["customerTrackingUrl"] == url


def test_the_key_is_the_senders_id_of_the_message_or_else_all_that_it_says() -> None:
    told = document(ORDER)

    assert (
        read(told, message_id="msg_1").dedupe_key == read(document(TRACKING), message_id="msg_1").dedupe_key == "msg_1"
    )
    assert read(told).dedupe_key == read(reversed_members(told)).dedupe_key == fingerprint(told)
    assert read(told).dedupe_key != read(changed(told, ("timestamp",), "2024-04-09T11:55:56.163Z")).dedupe_key
    assert read(told, message_id="m" * 300).dedupe_key == fingerprint(told)


def test_evermile_is_thanked_with_an_empty_body() -> None:
    assert (EVERMILE.mapping_version, EVERMILE.thanks, EVERMILE.thanks_type) == ("evermile/1", b"", None)
