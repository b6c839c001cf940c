"""What the public SDK of CloudEvents makes of what we send."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from crossdock.v1 import event_pb2
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.event_pb2 import Event
from crossdock.v1.shipment_pb2 import Shipment
from crossdock.v1.subscription_pb2 import PAYLOAD_STYLE_FULL, PAYLOAD_STYLE_THIN, OutboundEvent, Subscription
from google.protobuf.json_format import Parse, ParseDict

from gateway.dialects.cloudevents.write import MEDIA_TYPE, OTHER_TYPE, THIN, TYPES, write

EVENTS = sorted((Path(__file__).parents[1] / "events").glob("*.json"))
FULL = Subscription(payload_style=PAYLOAD_STYLE_FULL)
SLIM = Subscription(payload_style=PAYLOAD_STYLE_THIN)


def outbound(path: Path) -> OutboundEvent:
    return Parse(path.read_text(), OutboundEvent())


def received(document: dict[str, Any]) -> Any:
    """As a subscriber reads it with the SDK, which checks every rule of the specification."""
    return from_structured_event(HTTPMessage({"content-type": MEDIA_TYPE}, json.dumps(document).encode()))


@pytest.mark.parametrize("style", [FULL, SLIM], ids=["full", "thin"])
@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_the_public_sdk_reads_every_event(path: Path, style: Subscription) -> None:
    told = outbound(path)

    event = received(write(told, style))

    assert event.get_specversion() == "1.0"
    assert (event.get_id(), event.get_source()) == (told.event.id, "/crossdock")
    assert event.get_type() == TYPES[told.event.kind]
    assert event.get_time() == told.event.event_time.ToDatetime(UTC)
    assert event.get_datacontenttype() == "application/json"
    assert event.get_extension("partitionkey") in event.get_subject()


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_a_full_message_holds_our_own_messages_whole(path: Path) -> None:
    told = outbound(path)

    data = received(write(told, FULL)).get_data()

    assert ParseDict(data.pop("event"), Event()) == told.event
    if told.event.delivery_id:
        assert ParseDict(data.pop("delivery"), Delivery()) == told.delivery
    else:
        assert ParseDict(data.pop("shipment"), Shipment()) == told.shipment
    assert data == {}


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_a_thin_message_tells_who_what_and_when_and_nothing_personal(path: Path) -> None:
    told = outbound(path)

    document = write(told, SLIM)

    assert list(document["data"]) == ["event"]
    thin = ParseDict(document["data"]["event"], Event())
    assert {field.name for field, _ in thin.ListFields()} <= {*THIN}
    assert all(getattr(thin, name) == getattr(told.event, name) for name in THIN)
    for secret in ("Noor", "33612345678", "48.856614", "Öztürk"):
        assert secret not in json.dumps(document, ensure_ascii=False)


def test_every_kind_has_a_type_of_its_own() -> None:
    kinds = [value for value in event_pb2.EventKind.values() if value != event_pb2.EVENT_KIND_UNSPECIFIED]

    assert set(TYPES) == set(kinds)
    assert len({*TYPES.values(), OTHER_TYPE}) == len(kinds) + 1


def test_a_kind_of_a_newer_release_is_told_all_the_same() -> None:
    event = Event(id="evt_1", delivery_id="dlv_1", kind=99, number=1)  # type: ignore[arg-type]

    document = write(OutboundEvent(event=event), FULL)

    assert received(document).get_type() == OTHER_TYPE
    assert document["data"]["event"]["kind"] == 99


def test_the_order_of_a_delivery_is_the_order_of_its_sequence_as_text() -> None:
    numbers = [1, 9, 10, 99, 100, 2**40]

    told = [write(OutboundEvent(event=Event(id="evt_1", number=each)), FULL)["sequence"] for each in numbers]

    assert told == sorted(told)
    assert len(set(told)) == len(numbers)


def test_a_time_is_told_to_the_nanosecond_and_read_to_the_microsecond() -> None:
    event = Event(id="evt_1", delivery_id="dlv_1", number=1)
    event.event_time.FromJsonString("2026-03-02T11:00:00.123456789Z")

    document = write(OutboundEvent(event=event), FULL)

    assert document["time"] == "2026-03-02T11:00:00.123456789Z"
    assert received(document).get_time().replace(microsecond=0) == datetime(2026, 3, 2, 11, tzinfo=UTC)
