import json
import random
from typing import Any

import pytest
from crossdock.v1 import delivery_pb2, delivery_service_pb2, event_service_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, wrappers_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import Descriptor
from google.protobuf.duration_pb2 import Duration

from gateway import strict_json
from gateway.transcode.answers import encoded
from gateway.transcode.bindings import bindings_of, contract_services
from gateway.transcode.readers import reader_of
from gateway.transcode.refusals import Faults, Refusal
from gateway.transcode.writers import writer_of
from tests.transcode.filled import filled

TYPES = {
    kind.full_name: kind
    for binding in bindings_of(contract_services())
    for kind in (binding.method.input_type, binding.method.output_type)
}


def read(descriptor: Descriptor, raw: str | bytes) -> Any:
    """The message in some JSON, or the refusal's faults by path."""
    message = message_factory.GetMessageClass(descriptor)()
    faults = Faults()
    reader_of(descriptor)(message, strict_json.loads(raw.encode() if isinstance(raw, str) else raw), "", faults)
    try:
        faults.raise_if_any()
    except Refusal as refusal:
        return {each.field: each.description for each in refusal.violations}
    return message


@pytest.mark.parametrize("name", sorted(TYPES))
@pytest.mark.parametrize("seed", range(3))
def test_every_message_is_written_as_the_library_writes_it_and_read_back(name: str, seed: int) -> None:
    message = filled(TYPES[name], random.Random(f"{name} {seed}"))

    raw = encoded(writer_of(TYPES[name])(message))

    assert json.loads(raw) == json.loads(json_format.MessageToJson(message))
    assert read(TYPES[name], raw) == message


def test_the_library_reads_what_we_write() -> None:
    message = filled(delivery_pb2.Delivery.DESCRIPTOR, random.Random(1))

    written = encoded(writer_of(message.DESCRIPTOR)(message)).decode()

    assert json_format.Parse(written, delivery_pb2.Delivery()) == message


def test_both_spellings_of_a_member_are_read() -> None:
    kind = delivery_pb2.Delivery.DESCRIPTOR

    assert read(kind, '{"orderId": "a", "carrier_ref": "b"}') == delivery_pb2.Delivery(order_id="a", carrier_ref="b")
    assert read(kind, '{"orderId": "a", "order_id": "b"}') == {"order_id": "is given twice, in two spellings"}


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ('{"nonsense": 1}', {"nonsense": "is not a member of Delivery"}),
        ('{"courier": {"nme": 1}}', {"courier.nme": "is not a member of Courier"}),
        ('{"milestones": [{}, {"x": 1}]}', {"milestones[1].x": "is not a member of Milestone"}),
        ('{"extensions": {"hubrise": 5}}', {'extensions["hubrise"]': "must be an object"}),
        ('{"extensions": {"hubrise": null}}', {'extensions["hubrise"]': "must not be null"}),
        ('{"delayed": "true"}', {"delayed": "must be true or false"}),
        ('{"attempt": 1.5}', {"attempt": "must be an integer"}),
        ('{"attempt": 2147483648}', {"attempt": "must be between -2147483648 and 2147483647"}),
        ('{"attempt": true}', {"attempt": "must be an integer"}),
        ('{"status": "DELIVERD"}', {"status": "is not a name of DeliveryStatus, such as DELIVERY_STATUS_CREATED"}),
        ('{"statusTime": "yesterday"}', {"status_time": "must be a time such as 2026-01-31T12:00:00Z"}),
        ('{"statusTime": "2026-02-30T00:00:00Z"}', {"status_time": "is no such date or time of day"}),
        ('{"milestones": {}}', {"milestones": "must be an array"}),
        ('{"milestones": [null]}', {"milestones[0]": "must not be null"}),
        ('{"courier": 5, "links": []}', {"courier": "must be an object", "links": "must be an object"}),
        ('{"position": {"latitude": 5}}', {"position.latitude": "must be a string"}),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(body: str, faults: dict[str, str]) -> None:
    assert read(delivery_pb2.Delivery.DESCRIPTOR, body) == faults


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ('{"attempt": 2.0}', {"attempt": 2}),
        ('{"attempt": "2"}', {"attempt": 2}),
        ('{"attempt": 1e2}', {"attempt": 100}),
        ('{"status": 20}', {"status": delivery_pb2.DELIVERY_STATUS_DELIVERED}),
        ('{"lastEventNumber": "9223372036854775807"}', {"last_event_number": 9223372036854775807}),
        ('{"carrier": null, "courier": null, "milestones": null}', {}),
    ],
)
def test_the_liberties_of_the_mapping_are_taken(body: str, wanted: dict[str, Any]) -> None:
    assert read(delivery_pb2.Delivery.DESCRIPTOR, body) == delivery_pb2.Delivery(**wanted)


def test_durations_wrappers_and_any_have_their_own_form() -> None:
    packed = AnyMessage()
    packed.Pack(Duration(seconds=3, nanos=500_000_000))
    for message, form in (
        (Duration(seconds=-1, nanos=-5_000_000), "-1.005s"),
        (wrappers_pb2.Int64Value(value=5), "5"),
        (wrappers_pb2.BytesValue(value=b"hi"), "aGk="),
        (packed, {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "3.500s"}),
        (AnyMessage(type_url="example.com/no.Such", value=b"x"), {"@type": "example.com/no.Such", "value": "eA=="}),
    ):
        assert writer_of(message.DESCRIPTOR)(message) == form
        if not isinstance(form, dict) or "no.Such" not in form["@type"]:
            assert read(message.DESCRIPTOR, json.dumps(form)) == message


def test_members_of_one_of_exclude_each_other() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="alternatives.proto", package="tests", syntax="proto3")
    message = file.message_type.add(name="Choice")
    message.oneof_decl.add(name="way")
    for number, name in enumerate(("walk", "drive"), 1):
        message.field.add(name=name, number=number, type=9, label=1, oneof_index=0)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)

    assert read(pool.FindMessageTypeByName("tests.Choice"), '{"walk": "a", "drive": "b"}') == {
        "drive": "excludes the other members of way"
    }


def test_all_faults_are_told_up_to_a_limit() -> None:
    body = json.dumps({f"x{number}": 1 for number in range(300)})

    faults = read(delivery_service_pb2.GetDeliveryRequest.DESCRIPTOR, body)

    assert len(faults) == 101
    assert faults[""] == "and 200 more"


def test_a_response_without_anything_is_an_empty_object() -> None:
    assert writer_of(event_service_pb2.ListEventsResponse.DESCRIPTOR)(event_service_pb2.ListEventsResponse()) == {}
