import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from crossdock.v1 import delivery_pb2, event_pb2, order_pb2, subscription_pb2
from crossdock.v1.actor_pb2 import ActorKind
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.event_pb2 import Event
from crossdock.v1.order_pb2 import Order
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.subscription_pb2 import OutboundEvent, SubscriberRole, Subscription
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.ordatic.refunds import write_refund
from gateway.dialects.ordatic.statuses import EVENTS
from gateway.dialects.ordatic.words import WORDS
from gateway.dialects.ordatic.write import AUDIENCE, write
from gateway.dialects.outbound import Message
from gateway.dialects.registry import OUTBOUND
from gateway.strict_json import loads
from tests.deliveries.lives import Book
from tests.dialects.ordatic.ordatic_documents import FOLDER, document, picture, read, told

EVERYTHING = Subscription(dialect="ordatic")
EXAMPLES = [*(f"documented_{word}" for word in EVENTS if word not in ("rider-proof-delivery", "rider-refund"))]
# As the documentation has it: channel, point of sale, riders, loyalty.
MATRIX = {
    "order-accepted": "-p--",
    "order-in-kitchen": "c-rl",
    "order-ready-to-pick-up": "c-r-",
    "order-picked-up": "c---",
    "order-served": "c---",
    "order-canceled": "-prl",
    "rider-created": "cp--",
    "rider-picking": "cp--",
    "rider-delivering": "cp--",
    "rider-completed": "cp--",
    "rider-error": "cp--",
    "rider-proof-delivery": "c---",
    "rider-refund": "c---",
}
ROLES = {
    "c": subscription_pb2.SUBSCRIBER_ROLE_CHANNEL,
    "p": subscription_pb2.SUBSCRIBER_ROLE_POS,
    "r": subscription_pb2.SUBSCRIBER_ROLE_RIDERS,
    "l": subscription_pb2.SUBSCRIBER_ROLE_LOYALTY,
}


def status(word: str) -> DeliveryStatus.ValueType:
    return DeliveryStatus.Value(f"DELIVERY_STATUS_{word}")


def moved(before: str, after: str, **members: Any) -> OutboundEvent:
    """A delivery's step from one status to another."""
    event = Event(kind=event_pb2.EVENT_KIND_STATUS_CHANGED, previous_status=status(before), status=status(after))
    event.kinds.append(event.kind)
    return OutboundEvent(event=event, delivery=Delivery(id="dlv_1", status=event.status), order=Order(private_ref="A1"))


def heard(*said: dict[str, Any]) -> list[OutboundEvent]:
    """What the hub tells when it hears this of a delivery, one after the other."""
    book = Book.start(source_id="src_1")
    for second, each in enumerate(said):
        report = read(each).report
        book.hear(report, received=second + 1)
    order = Order(id="ord_1")
    for each in said:
        order.MergeFrom(read(each).report.order_patch)
        order.references.append(read(each).report.targets[0])
    delivery = book.delivery
    return [OutboundEvent(event=event, delivery=delivery, order=order) for event in book.events]


def written(*said: dict[str, Any]) -> list[dict[str, Any]]:
    messages = [write(each, EVERYTHING) for each in heard(*said)]
    # What is sent is JSON.
    return [loads(json.dumps(each).encode()) for each in messages if each is not None]


@pytest.mark.parametrize("name", [*EXAMPLES, "proof_png", "proof_address", "refund"])
def test_what_is_read_is_written_as_it_is_documented(name: str) -> None:
    said = document(name)

    made_known, *rest = written(said)

    assert made_known["eventType"] == "order-accepted"
    assert rest[-1:] == ([said] if said["eventType"] != "order-accepted" else rest[-1:])
    if said["eventType"] == "order-accepted":
        assert {**made_known, "storeId": said["storeId"]} == said


@pytest.mark.parametrize(
    ("said", "normal"),
    [
        (document("proof_data_url"), document("proof_png")),
        (document("numbers_for_text"), told("rider-picking", "6812")),
        (document("unknown_members"), told("rider-picking")),
        (told(" rider-picking ", " 68fa12 "), told("rider-picking")),
        (
            document("refund_as_text"),
            told("rider-refund", refund={**document("refund")["data"]["refund"], "date": None}),
        ),
        (
            told(
                "rider-refund", refund={**document("refund")["data"]["refund"], "date": "2024-04-09T17:00:00.0+02:00"}
            ),
            document("refund"),
        ),
    ],
    ids=["data URL", "numbers for text", "unknown members", "spaces", "amounts and a date as text", "another offset"],
)
def test_what_is_not_written_as_it_was_read_is_one_of_the_listed_normalisations(
    said: dict[str, Any], normal: dict[str, Any]
) -> None:
    assert written(said)[-1] == normal


def test_the_members_stand_in_the_documented_order() -> None:
    refund = written(document("refund"))[-1]
    example = loads((FOLDER / "documented_rider-refund_quoted.json").read_bytes())

    assert list(refund) == list(example)
    assert list(refund["data"]) == list(example["data"])
    assert list(refund["data"]["refund"]) == list(example["data"]["refund"])
    for name in ("refundItems", "refundFees"):
        assert list(refund["data"]["refund"][name][0]) == list(example["data"]["refund"][name][0])


def test_a_whole_life_is_told_word_for_word_and_once() -> None:
    words = ["rider-created", "rider-picking", "order-ready-to-pick-up", "rider-delivering", "rider-completed"]

    messages = written(*(told(word) for word in words))

    assert [each["eventType"] for each in messages] == ["order-accepted", *words]
    assert {(each["storeId"], each["data"]["orderId"]) for each in messages} == {("7709", "68fa12")}


@pytest.mark.parametrize("exclude_synthetic", [False, True])
def test_each_word_is_told_once_to_who_wants_inferred_steps_and_to_who_does_not(exclude_synthetic: bool) -> None:
    subscription = Subscription()
    subscription.filter.exclude_synthetic = exclude_synthetic
    words = ["rider-created", "rider-picking", "rider-delivering", "rider-completed"]

    events = [each for each in heard(*map(told, words)) if not (each.event.synthetic and exclude_synthetic)]
    messages = [write(each, subscription) for each in events]

    assert [each["eventType"] for each in messages if each] == ["order-accepted", *words]


def test_what_another_carrier_tells_in_finer_steps_is_one_word_for_each_stretch() -> None:
    steps = ["CREATED", "DISPATCHED", "DRIVER_ASSIGNED", "PICKUP_ARRIVED", "PICKED_UP", "DROPOFF_ARRIVED", "DELIVERED"]

    messages = [write(moved(*pair), EVERYTHING) for pair in pairwise(steps)]

    words = [each and each["eventType"] for each in messages]
    assert words == ["rider-created", None, "rider-picking", "rider-delivering", None, "rider-completed"]


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("CARRIER", "rider-error"),
        ("HUB", "rider-error"),
        ("UNSPECIFIED", "rider-error"),
        ("CALLER", "order-canceled"),
        ("MERCHANT", "order-canceled"),
        ("RECIPIENT", "order-canceled"),
    ],
)
def test_who_cancels_decides_the_word(kind: str, word: str) -> None:
    event = moved("DISPATCHED", "CANCELLED")
    event.event.report.reason.actor.kind = ActorKind.Value(f"ACTOR_KIND_{kind}")

    message = write(event, EVERYTHING)

    assert message is not None
    assert message["eventType"] == word


def test_every_status_has_a_word_or_none_on_purpose() -> None:
    assert set(WORDS) == set(delivery_pb2.DeliveryStatus.values())
    assert set(WORDS.values()) - {"", "cancelled"} <= set(EVENTS)


@pytest.mark.parametrize("word", MATRIX)
@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_told_what_the_documentation_says(word: str, role: str) -> None:
    members = {"rider-proof-delivery": {"proofDelivery": picture()}, "rider-refund": document("refund")["data"]}
    events = heard(told(word, **{**members.get(word, {}), "orderId": "68fa12"}))
    event = next(each for each in events if (told_all := write(each, EVERYTHING)) and told_all["eventType"] == word)

    message = write(event, Subscription(role=ROLES[role]))

    assert (message is not None) == (role in MATRIX[word])


def test_the_matrix_is_complete() -> None:
    assert list(AUDIENCE) == list(MATRIX) == list(EVENTS)
    assert {*ROLES.values(), subscription_pb2.SUBSCRIBER_ROLE_UNSPECIFIED} == set(SubscriberRole.values())


def test_an_order_and_its_store_bear_ordatics_names_else_their_own_else_ours() -> None:
    event = moved("CREATED", "DISPATCHED")

    def names() -> tuple[str, str]:
        message = write(event, EVERYTHING)
        assert message is not None
        return message["storeId"], message["data"]["orderId"]

    event.order.Clear()
    assert names() == ("", "dlv_1")
    event.order.id, event.location.id = "ord_1", "loc_1"
    assert names() == ("loc_1", "ord_1")
    event.order.private_ref, event.location.external_id = "A1", "7709"
    assert names() == ("7709", "A1")
    event.delivery.references.add(scope="ordatic.order", value="68fa12")
    event.order.extensions["ordatic"].update({"storeId": "s1"})
    assert names() == ("s1", "68fa12")


def test_what_has_no_words_is_not_told() -> None:
    ping = OutboundEvent(event=Event(kind=event_pb2.EVENT_KIND_ESTIMATES_CHANGED))
    ping.event.kinds.append(ping.event.kind)
    comes_back = moved("DISPATCHED", "PICKED_UP")
    comes_back.delivery.kind = delivery_pb2.DELIVERY_KIND_RETURN
    second = OutboundEvent(event=Event(kind=event_pb2.EVENT_KIND_CREATED), delivery=Delivery(attempt=2))
    shipment = OutboundEvent(event=Event(kind=event_pb2.EVENT_KIND_SHIPMENT_CHANGED))

    assert [write(each, EVERYTHING) for each in (ping, comes_back, second, shipment)] == [None] * 4


def test_an_image_that_was_stored_apart_is_told_from_the_delivery_it_was_put_back_into() -> None:
    event = heard(document("proof_png"))[-1]
    image = event.event.report.patch.proofs[0].image
    event.event.report.patch.proofs[0].ClearField("image")
    event.event.report.patch.proofs[0].image_sha256 = "ab" * 32
    del event.delivery.proofs[:]
    event.delivery.proofs.add(image_sha256="ab" * 32, image=image)

    assert write(event, EVERYTHING) == document("proof_png")


def test_the_newest_secret_is_the_whole_authorization() -> None:
    message = Message("msg_1", datetime(2026, 1, 1, tzinfo=UTC), b"{}")

    assert OUTBOUND["ordatic"].writer is write
    assert OUTBOUND["ordatic"].signer(message, ["Token new", "Token old"]) == [("authorization", "Token new")]


amounts = st.none() | st.integers(-(10**12), 10**12)
texts = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
refunds = st.fixed_dictionaries(
    {
        "id": st.text("abc123", min_size=1, max_size=20),
        "date": st.none() | st.sampled_from(["2024-04-09T15:00:00Z", "2024-04-09T15:00:00.250Z"]),
        "totalRiderRefund": amounts,
        "totalPartnerRefund": amounts,
        "reason": texts,
        "refundItems": st.lists(
            st.fixed_dictionaries(
                {
                    "reason": texts,
                    "riderAmount": amounts,
                    "partnerAmount": amounts,
                    "partyAtFault": st.none() | st.sampled_from(["RIDER", "PARTNER"]),
                    "items": st.lists(st.fixed_dictionaries({"name": texts, "qty": st.integers(0, 1000)}), max_size=3),
                }
            ),
            max_size=3,
        ),
        "refundFees": st.lists(
            st.fixed_dictionaries({"name": st.none() | st.just("Fee"), "amount": amounts, "code": st.none()}),
            max_size=3,
        ),
    }
)


@given(refund=refunds)
def test_a_refund_is_written_as_it_was_read(refund: dict[str, Any]) -> None:
    said = loads(json.dumps(told("rider-refund", refund=refund)).encode())

    [read_refund] = read(said).report.patch.refunds

    assert write_refund(read_refund) == refund


@given(
    word=st.sampled_from([word for word in EVENTS if word.startswith("order-")]),
    order=st.text("abcdef0123456789-", min_size=1, max_size=40),
    store=st.text("abcdef0123456789-", min_size=1, max_size=40),
)
def test_what_is_said_of_an_order_is_written_as_it_was_read(word: str, order: str, store: str) -> None:
    said = told(word, order, store)
    report = DeliveryReport.FromString(read(said).report.SerializeToString())
    event = OutboundEvent(event=Event(kind=event_pb2.EVENT_KIND_DETAILS_CHANGED, report=report))
    event.order.CopyFrom(report.order_patch)
    event.order.service_type = event.order.service_type or order_pb2.SERVICE_TYPE_DELIVERY

    assert write(event, EVERYTHING) == said
