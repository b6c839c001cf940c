"""Messages of any type with every kind of value, made by chance from a seed."""

import random
from typing import Any

from google.protobuf import duration_pb2, message_factory, struct_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.transcode.readers import is_map

_INTEGERS = {
    FieldDescriptor.TYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.TYPE_UINT64: (0, (1 << 64) - 1),
}


def filled(descriptor: Descriptor, chance: random.Random, depth: int = 0) -> Any:
    """A message of this type."""
    message: Any = message_factory.GetMessageClass(descriptor)()
    match descriptor.full_name:
        case "google.protobuf.Timestamp":
            message.seconds = chance.randint(-62_135_596_800, 253_402_300_799)
            message.nanos = chance.choice([0, 1, 500_000_000, 123_456_000, 999_999_999])
        case "google.protobuf.Duration":
            sign = chance.choice([-1, 1])
            message.seconds, message.nanos = sign * chance.randint(0, 10**9), sign * chance.choice([0, 5, 250_000_000])
        case "google.protobuf.Struct":
            message.update({"a": 1.5, "b": [None, True, "ü"], "c": {"d": {}}, "e": chance.randint(-9, 9), "f": []})
        case "google.protobuf.Value":
            message.CopyFrom(struct_pb2.Value(string_value="x"))
        case "google.protobuf.Any":
            message.Pack(duration_pb2.Duration(seconds=chance.randint(0, 99)))
        case "google.protobuf.FieldMask":
            message.paths.extend(["status_time", "courier.name"])
        case _:
            for field in descriptor.fields:
                if chance.random() < (0.8 if depth < 4 else 0.1):
                    _fill(message, field, chance, depth)
    return message


def _fill(message: Any, field: FieldDescriptor, chance: random.Random, depth: int) -> None:
    if is_map(field):
        assert field.message_type is not None
        value = field.message_type.fields_by_name["value"]
        for key in ("x", "a.b", ""):
            if value.message_type is None:
                getattr(message, field.name)[key] = _scalar(value, chance)
            else:
                getattr(message, field.name)[key].CopyFrom(filled(value.message_type, chance, depth + 1))
    elif field.message_type is not None:
        for _ in range(chance.randint(1, 2) if field.is_repeated else 1):
            part = filled(field.message_type, chance, depth + 1)
            (getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name)).CopyFrom(part)
    elif field.is_repeated:
        getattr(message, field.name).extend([_scalar(field, chance) for _ in range(2)])
    else:
        setattr(message, field.name, _scalar(field, chance))


def _scalar(field: FieldDescriptor, chance: random.Random) -> Any:
    if field.enum_type is not None:
        return chance.choice([value.number for value in field.enum_type.values] + [999])
    if field.type in _INTEGERS:
        return chance.choice([*_INTEGERS[field.type], 0, 7])
    if field.type == FieldDescriptor.TYPE_BOOL:
        return chance.random() < 0.5
    if field.type == FieldDescriptor.TYPE_BYTES:
        return chance.randbytes(chance.randint(0, 9))
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return chance.choice([0.1, -2.5, 3.0, 1e20, 51.529483875563876])
    return chance.choice(["", "x", "ü \u2028 \U0001f69a", '"\\/'])
