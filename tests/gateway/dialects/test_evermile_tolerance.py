"""Evermile's messages with anything in any place: it costs itself at most, and no report is refused."""

import json
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from crossdock.v1 import delivery_pb2
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.inbound import MalformedMessage
from gateway.strict_json import MalformedJson, loads
from tests.gateway.dialects.evermile_documents import (
    EVERY_MEMBER,
    FIELDS,
    ORDER,
    SAMPLES,
    STATUS,
    TRACKING,
    Path_,
    changed,
    document,
    pointer_of,
    pointers,
    read,
    require_accepted,
    value_at,
)

NAMING: set[Path_] = {("order",), ("order", "id"), ("order", "externalOrderId"), ("orderId",)}


def names_an_order(told: dict[str, Any]) -> bool:
    order = told["order"] if isinstance(told.get("order"), dict) else {}
    named = [told.get("orderId"), order.get("id"), order.get("externalOrderId"), *(order.get("extraExternalIds") or ())]
    return any(each and (each is not True) and isinstance(each, (str, int)) and len(str(each)) < 256 for each in named)


@pytest.mark.parametrize("value", [None, "", ..., [], {}, 5, True, "x" * 20_000, "\u202e💥", {"deep": [{"er": 1}]}])
@pytest.mark.parametrize("name", [TRACKING, EVERY_MEMBER])
def test_a_member_of_any_kind_costs_itself_at_most(name: str, value: Any) -> None:
    original = read(document(name)).report

    for field in FIELDS[name]:
        told = changed(document(name), field, value)
        if field in NAMING and not names_an_order(told):
            with pytest.raises(MalformedMessage):
                read(told)
            continue
        reading = read(told)
        require_accepted(reading)
        if field != ("order",) and field[:2] != STATUS and field[0] != "trackingInfo":
            assert (reading.report.status, reading.report.unmapped) == (original.status, False), field


@pytest.mark.parametrize("value", [[[]], {"a": []}])
@pytest.mark.parametrize("name", [TRACKING, EVERY_MEMBER])
def test_a_member_of_the_wrong_type_is_told_by_its_pointer(name: str, value: Any) -> None:
    for field in FIELDS[name]:
        if isinstance(value_at(document(name), field), (dict, list)) or field in NAMING:
            continue

        reading = read(changed(document(name), field, value))

        assert pointer_of(field) in {pointer for pointer, _ in pointers(reading)}


@pytest.mark.parametrize(
    "value", [{}, [], "text", 5, None, True, Decimal("1.5"), {"timestamp": "2024-04-09T11:55:55Z"}]
)
def test_what_names_no_order_is_malformed(value: Any) -> None:
    with pytest.raises(MalformedMessage):
        read(value)


def test_blank_ids_name_no_order() -> None:
    blank = {"order": {"id": " ", "externalOrderId": "", "extraExternalIds": [None, " "]}, "orderId": ""}

    with pytest.raises(MalformedMessage, match="names an order"):
        read(blank)


@pytest.mark.parametrize("name", [ORDER, TRACKING])
def test_a_body_cut_anywhere_is_refused_before_it_is_read(name: str) -> None:
    body = json.dumps(document(name), default=float).encode()

    for end in range(len(body)):
        with pytest.raises(MalformedJson):
            loads(body[:end])


# A U+0000 does not pass the parser.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
KNOWN = sorted({name for fields in FIELDS.values() for field in fields for name in field if isinstance(name, str)})
SHAPED = st.recursive(
    JUNK,
    lambda inner: st.dictionaries(st.sampled_from(KNOWN), inner, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=30,
)


@given(JUNK | SHAPED | SHAPED.map(lambda junk: {"order": {"id": "1", **(junk if isinstance(junk, dict) else {})}}))
def test_junk_raises_nothing_but_malformed(junk: Any) -> None:
    try:
        reading = read(junk)
    except MalformedMessage:
        return
    require_accepted(reading)


@given(st.data())
def test_junk_in_several_places_of_an_order_at_once_raises_nothing(data: st.DataObject) -> None:
    told = document(EVERY_MEMBER)
    for field in data.draw(st.lists(st.sampled_from(FIELDS[EVERY_MEMBER][1:]), max_size=8)):
        try:
            told = changed(told, field, data.draw(JUNK))
        except (KeyError, IndexError, TypeError):
            continue
    if isinstance(told["order"], dict):
        told["order"]["id"] = "1"

        require_accepted(read(told))


def test_unknown_members_are_bounded_in_depth_and_size() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = {"in": deep}
    told = document(ORDER)

    require_accepted(read({**told, "deep": deep}))
    reading = read({**told, "huge": "x" * 20_000})

    require_accepted(reading)
    assert not reading.report.patch.extensions
    assert "too_large" in {code for _, code in pointers(reading)}


@pytest.mark.parametrize(
    ("member", "entry"),
    [
        ("extraExternalIds", "{}"),
        ("handling", "word"),
        ("notes", "note"),
        ("parcels", {"itemsList": [{"quantity": 1}] * 1100}),
        ("proofOfDelivery", {"type": "photo", "urls": ["https://a.example/1"] * 150}),
        ("proofOfDeliveryRequirement", "signature"),
        ("costBreakdown", {"name": "n"}),
        ("parcels", []),
    ],
)
def test_lists_of_any_length_make_a_report_that_the_contract_takes(member: str, entry: Any) -> None:
    listed = [
        entry.format(index) if entry == "{}" else entry for index in range(1500 if isinstance(entry, str) else 120)
    ]

    reading = read({"order": {"id": "1", "status": {"orderStatus": "Collected"}, member: listed}})

    require_accepted(reading)
    assert reading.report.status == delivery_pb2.DELIVERY_STATUS_PICKED_UP


def test_thousands_of_bad_members_cost_no_more_than_themselves() -> None:
    told = {"order": {"id": "1", "notes": [[]] * 5_000, "status": {"orderStatus": "Collected"}}}

    reading = read(told)

    require_accepted(reading)
    assert reading.report.status == delivery_pb2.DELIVERY_STATUS_PICKED_UP
    assert len(reading.report.issues) == 200


def test_hundreds_of_thousands_of_bad_members_are_no_message() -> None:
    with pytest.raises(MalformedMessage):
        read({"order": {"id": "1", "notes": [[]] * 200_000}})


@pytest.mark.parametrize("length", [31, 51, 101, 256, 501, 10_001])
def test_text_of_any_length_makes_a_report_that_the_contract_takes(length: int) -> None:
    told = document(EVERY_MEMBER)
    for field in FIELDS[EVERY_MEMBER]:
        if isinstance(value_at(told, field), (dict, list)) or field in NAMING:
            continue
        for text in ("https://" + "é" * length, "1" * length):
            require_accepted(read(changed(told, field, text)))


def test_reading_changes_nothing_in_the_document() -> None:
    for sample in SAMPLES:
        told = changed(loads(sample.read_bytes()), ("timestamp",), [])
        before = deepcopy(told)

        read(told)

        assert told == before
