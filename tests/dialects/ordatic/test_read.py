import base64
import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import protovalidate
import pytest
from crossdock.v1 import delivery_pb2, report_pb2
from crossdock.v1.webhook_pb2 import WebhookSource
from crossdock.v1.webhook_service_pb2 import IngestWebhookRequest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.inbound import MalformedMessage, Reading
from gateway.dialects.ordatic.statuses import EVENTS
from gateway.dialects.ordatic.wire import Data, Item, OrdaticEvent, Refund, RefundFee, RefundItem
from gateway.strict_json import MalformedJson, loads
from tests.dialects.ordatic.ordatic_documents import (
    FOLDER,
    PNG,
    SAMPLES,
    canonical,
    document,
    picture,
    read,
    read_sample,
    told,
)

Place = tuple[str | int, ...]
WORDS = list(EVENTS)


def places(value: Any, above: Place = ()) -> Iterator[Place]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in entries:
        yield (*above, name)
        yield from places(entry, (*above, name))


def changed(said: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """The document with another value in one place; `...` takes the member away."""
    copy = deepcopy(said)
    holder: Any = copy
    for name in place[:-1]:
        holder = holder[name]
    if value is ...:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return copy


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: reordered(each) for name, each in reversed(value.items())}
    return [reordered(each) for each in value] if isinstance(value, list) else value


def pointers(reading: Reading) -> list[tuple[str, str]]:
    return [(each.pointer, each.code) for each in reading.report.issues]


def require_accepted(reading: Reading) -> None:
    """As the services would: a report that breaks a rule of the contract would be refused, and its message unread."""
    request = IngestWebhookRequest(source_id="src_1", dedupe_key=reading.dedupe_key, report=reading.report)
    protovalidate.validate(request)
    assert IngestWebhookRequest.FromString(request.SerializeToString()) == request


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_a_golden_document_reads_as_expected(sample: Path) -> None:
    reading = read_sample(sample)

    assert canonical(reading.report) == sample.with_suffix(".report.json").read_text()
    require_accepted(reading)


@pytest.mark.parametrize("word", WORDS)
def test_every_documented_example_is_read_verbatim(word: str) -> None:
    if word == "rider-refund":
        # The documentation's own is no JSON: its names stand without quotation marks.
        with pytest.raises(MalformedJson):
            loads((FOLDER / "documented_rider-refund.txt").read_bytes())
        reading = read(document("documented_rider-refund_quoted"))
    else:
        reading = read(document(f"documented_{word}"))

    assert reading.report.status_raw == word
    assert not reading.report.unmapped


def test_the_wire_model_has_the_documented_members_in_the_documented_order() -> None:
    example = document("documented_rider-refund_quoted")
    refund = example["data"]["refund"]

    def names(model: type[Any]) -> list[str]:
        return [field.alias or name for name, field in model.model_fields.items()]

    assert names(OrdaticEvent) == list(example)
    assert names(Data) == ["orderId", "proofDelivery", "refund"]
    assert names(Refund) == list(refund)
    assert names(RefundItem) == list(refund["refundItems"][0])
    assert names(Item) == list(refund["refundItems"][0]["items"][0])
    assert names(RefundFee) == list(refund["refundFees"][0])


def test_six_words_are_about_the_order_and_start_no_delivery_and_seven_are_about_the_delivery_alone() -> None:
    about = {word: read(told(word)).report.HasField("order_patch") for word in WORDS}

    assert [word for word in WORDS if about[word]] == [word for word in WORDS if word.startswith("order-")]
    assert len(about) == 13


@pytest.mark.parametrize("word", ["order-picked-up", "order-served"])
def test_an_order_that_the_customer_has_never_moves_a_delivery(word: str) -> None:
    report = read(told(word)).report

    assert not report.status
    assert not report.milestones
    assert report.attention


def test_only_a_rider_that_is_created_begins_a_booking() -> None:
    begins = [word for word in WORDS if read(told(word)).report.booking == report_pb2.BOOKING_SCOPE_BEGIN]

    assert begins == ["rider-created"]


@pytest.mark.parametrize("word", [*WORDS, "rider-cancelled"])
def test_the_order_of_members_does_not_make_another_fact(word: str) -> None:
    said = told(word, refund={"id": "1", "reason": "x", "refundItems": [{"reason": "y", "riderAmount": 1}]})

    assert read(said).dedupe_key == read(reordered(said)).dedupe_key
    assert read(said).report == read(reordered(said)).report


def test_no_two_of_ten_thousand_facts_have_one_key() -> None:
    facts = [told(word, f"o{order}", f"s{store}") for word in WORDS for order in range(77) for store in range(10)]
    assert len(facts) > 10_000

    assert len({read(each).dedupe_key for each in facts}) == len(facts)


@pytest.mark.parametrize(
    "value", [None, "", ..., [], {}, 5, True, "x" * 20_000, "\u202e💥", [None], {"deep": [{"er": 1}]}]
)
@pytest.mark.parametrize("name", ["refund", "proof_png", "order-canceled", "rider-created"])
def test_a_member_of_any_kind_costs_itself_at_most(name: str, value: Any) -> None:
    said = document(name)
    for place in places(said):
        try:
            reading = read(changed(said, place, value))
        except MalformedMessage:
            assert place in {("data",), ("data", "orderId")}
            continue
        require_accepted(reading)
        if place != ("eventType",):
            assert reading.report.status == read(said).report.status
            assert reading.report.order_patch.status == read(said).report.order_patch.status


@pytest.mark.parametrize("name", ["refund", "proof_png", "order-served"])
def test_a_message_that_is_cut_off_is_no_message(name: str) -> None:
    whole = (FOLDER / f"{name}.json").read_bytes().rstrip()

    for length in range(len(whole)):
        with pytest.raises(MalformedJson):
            loads(whole[:length])


@pytest.mark.parametrize(
    "said", [[], 5, None, {}, {"data": None}, {"data": {}}, {"data": {"orderId": ""}}, told("", "")]
)
def test_what_names_no_order_is_malformed(said: Any) -> None:
    with pytest.raises(MalformedMessage):
        read(said)


def test_more_members_are_kept_in_their_place() -> None:
    said = document("refund")
    said["data"]["refund"]["refundFees"][0]["vat"] = 22
    said["attempt"] = 2

    kept = MessageToDict(read(said).report.patch.extensions["ordatic"])

    assert kept == {"attempt": 2, "data": {"refund": {"refundFees": [{"vat": 22}]}}}


@pytest.mark.parametrize(
    ("image", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 a photograph", "image/jpeg"),
        (b"GIF89a moves", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_an_image_is_what_its_first_bytes_say(image: bytes, media_type: str) -> None:
    for text in (picture(image), f"data:image/png;base64,{picture(image)}"):
        proof = read(told("rider-proof-delivery", proofDelivery=text)).report.patch.proofs[0]

        assert (proof.image, proof.media_type) == (image, media_type)


@pytest.mark.parametrize(
    "text",
    [
        "string",
        picture()[:-1],
        picture() + "\n",
        " " + picture(),
        picture().replace("g", "-", 1),
        picture(PNG + b"!")[:-3] + "R==",
        base64.b64encode(b"<svg onload=alert(1)>").decode(),
        base64.b64encode(b"plain words").decode(),
        "javascript:alert(1)",
        "ä" * 8,
    ],
)
def test_what_is_no_image_is_told_and_not_taken(text: str) -> None:
    reading = read(told("rider-proof-delivery", proofDelivery=text))

    assert not reading.report.patch.proofs
    assert pointers(reading) == [("/data/proofDelivery", "unreadable_image")]
    assert MessageToDict(reading.report.patch.extensions["ordatic"])["data"]["proofDelivery"] == text
    require_accepted(reading)


def test_an_image_of_five_megabytes_is_read_and_stays_out_of_everything_but_the_proof() -> None:
    image = PNG + bytes(range(256)) * 19_600

    reading = read(told("rider-proof-delivery", proofDelivery=picture(image)))

    assert reading.report.patch.proofs[0].image == image
    del reading.report.patch.proofs[:]
    assert reading.report.ByteSize() < 1_000


def test_a_refund_without_a_currency_is_kept_as_it_was_sent() -> None:
    reading = read(document("refund"), WebhookSource(id="src_1"))

    refund = reading.report.patch.refunds[0]
    kept = MessageToDict(reading.report.patch.extensions["ordatic"])["data"]["refund"]
    assert not refund.HasField("carrier_total")
    assert refund.external_id == "ref_1"
    assert kept == document("refund")["data"]["refund"]
    assert {code for _, code in pointers(reading)} == {"no_currency"}


@given(
    cents=st.integers(-(10**15), 10**15),
    currency=st.sampled_from(["EUR", "JPY", "KWD", "USD"]),
    form=st.sampled_from([int, str, lambda amount: f"{amount}.00"]),
)
def test_amounts_are_exact_to_the_minor_unit(cents: int, currency: str, form: Any) -> None:
    said = json.dumps(told("rider-refund", refund={"id": "1", "totalRiderRefund": form(cents)})).encode()

    total = read(loads(said), WebhookSource(default_currency_code=currency)).report.patch.refunds[0].carrier_total

    digits = {"EUR": 2, "JPY": 0, "KWD": 3, "USD": 2}[currency]
    assert (total.units * 10**9 + total.nanos) * 10**digits == cents * 10**9
    assert total.currency_code == currency


@pytest.mark.parametrize("amount", ["12.5", 12.5, "1e3", "", True, "12,50", 10**16, "NaN"])
def test_an_amount_that_is_no_whole_number_of_cents_is_not_rounded(amount: Any) -> None:
    said = json.dumps(told("rider-refund", refund={"id": "1", "totalRiderRefund": amount})).encode()

    reading = read(loads(said))

    assert not reading.report.patch.refunds[0].HasField("carrier_total")
    assert bool(pointers(reading)) == (amount != "")


def test_an_unknown_word_is_kept_and_not_guessed() -> None:
    report = read(told("rider-vanished")).report

    assert report.unmapped
    assert report.status == delivery_pb2.DELIVERY_STATUS_UNSPECIFIED
    assert report.status_raw == "rider-vanished"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.decimals(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(
    word=st.sampled_from(WORDS) | st.text(max_size=20),
    more=st.dictionaries(st.sampled_from(["proofDelivery", "refund", "x"]), json_values),
    refund=st.dictionaries(st.sampled_from([field.alias or "" for field in Refund.model_fields.values()]), json_values),
)
def test_whatever_stands_in_a_message_it_can_be_stored(word: str, more: dict[str, Any], refund: dict[str, Any]) -> None:
    require_accepted(read(told(word, **{"refund": refund, **more})))
