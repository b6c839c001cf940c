"""Reads proto3 JSON into messages, strictly and with every fault's path; compiled once per message type.

Members may be spelt in lowerCamelCase or as in the contract. An unknown member is a fault; null stands for a
member that is not set.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway.transcode.refusals import Faults
from gateway.transcode.scalars import text_reader, value_reader
from gateway.transcode.well_known import filler_of

ReadMessage = Callable[[Any, Any, str, Faults], None]
"""Fills a message (first) from a JSON value (second) that stands at a path."""
_ReadField = Callable[[Any, Any, str, Faults], None]

_ANY = "google.protobuf.Any"


@cache
def reader_of(descriptor: Descriptor) -> ReadMessage:
    """The reader of a message type."""
    if descriptor.full_name == _ANY:
        return _read_any
    fill = filler_of(descriptor)
    if fill is not None:
        return _guarded(fill)
    # Filled at the first use: a message may contain its own kind.
    members: dict[str, tuple[FieldDescriptor, _ReadField]] = {}

    def read(message: Any, value: Any, path: str, faults: Faults) -> None:
        if type(value) is not dict:
            faults.add(path, "must be an object", "json.type")
            return
        if not members:
            members.update(_members(descriptor))
        prefix = f"{path}." if path else ""
        seen: set[str] = set()
        for name, each in value.items():
            known = members.get(name)
            if known is None:
                faults.add(prefix + name, f"is not a member of {descriptor.name}", "json.unknown")
                continue
            field, read_field = known
            if field.name in seen:
                faults.add(prefix + field.name, "is given twice, in two spellings", "json.twice")
            seen.add(field.name)
            if each is None and not _takes_null(field):
                continue
            oneof = field.containing_oneof
            if oneof is not None and message.WhichOneof(oneof.name) is not None:
                faults.add(prefix + field.name, f"excludes the other members of {oneof.name}", "json.oneof")
                continue
            read_field(message, each, prefix + field.name, faults)

    return read


def is_map(field: FieldDescriptor) -> bool:
    """Whether the field is a map, which its descriptor calls a list of entries."""
    return field.is_repeated and field.message_type is not None and field.message_type.GetOptions().map_entry


def _members(descriptor: Descriptor) -> dict[str, tuple[FieldDescriptor, _ReadField]]:
    members = {}
    for field in descriptor.fields:
        member = (field, _field_reader(field))
        members[field.json_name] = members[field.name] = member
    return members


def _field_reader(field: FieldDescriptor) -> _ReadField:
    if is_map(field):
        return _map_reader(field)
    read_item = _item_reader(field)
    if field.is_repeated:
        return _list_reader(field, read_item)
    if field.message_type is not None:
        read_message, name = reader_of(field.message_type), field.name

        def read_one(message: Any, value: Any, path: str, faults: Faults) -> None:
            part = getattr(message, name)
            part.SetInParent()
            read_message(part, value, path, faults)

        return read_one
    name, convert = field.name, value_reader(field)

    def read_scalar(message: Any, value: Any, path: str, faults: Faults) -> None:
        try:
            setattr(message, name, convert(value))
        except ValueError as error:
            faults.add(path, str(error), "json.type")

    return read_scalar


def _item_reader(field: FieldDescriptor) -> _ReadField:
    """Reads one element into a list."""
    if field.message_type is not None:
        read_message = reader_of(field.message_type)

        def read_part(items: Any, value: Any, path: str, faults: Faults) -> None:
            read_message(items.add(), value, path, faults)

        return read_part
    convert = value_reader(field)

    def read(items: Any, value: Any, path: str, faults: Faults) -> None:
        try:
            items.append(convert(value))
        except ValueError as error:
            faults.add(path, str(error), "json.type")

    return read


def _list_reader(field: FieldDescriptor, read_item: _ReadField) -> _ReadField:
    name, null_fits = field.name, _takes_null(field)

    def read(message: Any, value: Any, path: str, faults: Faults) -> None:
        if type(value) is not list:
            faults.add(path, "must be an array", "json.type")
            return
        items = getattr(message, name)
        for position, each in enumerate(value):
            if each is None and not null_fits:
                faults.add(f"{path}[{position}]", "must not be null", "json.type")
            else:
                read_item(items, each, f"{path}[{position}]", faults)

    return read


def _map_reader(field: FieldDescriptor) -> _ReadField:
    assert field.message_type is not None
    name, value_field = field.name, field.message_type.fields_by_name["value"]
    read_key = text_reader(field.message_type.fields_by_name["key"])
    read_part = reader_of(value_field.message_type) if value_field.message_type is not None else None
    convert = value_reader(value_field) if read_part is None else None
    null_fits = _takes_null(value_field)

    def read(message: Any, value: Any, path: str, faults: Faults) -> None:
        if type(value) is not dict:
            faults.add(path, "must be an object", "json.type")
            return
        entries = getattr(message, name)
        for key, each in value.items():
            here = f'{path}["{key}"]'
            try:
                if each is None and not null_fits:
                    raise ValueError("must not be null")
                if read_part is not None:
                    read_part(entries[read_key(key)], each, here, faults)
                elif convert is not None:
                    entries[read_key(key)] = convert(each)
            except ValueError as error:
                faults.add(here, str(error), "json.type")

    return read


def _guarded(fill: Callable[[Any, Any], None]) -> ReadMessage:
    def read(message: Any, value: Any, path: str, faults: Faults) -> None:
        try:
            fill(message, value)
        except ValueError as error:
            faults.add(path, str(error), "json.type")

    return read


def _read_any(message: Any, value: Any, path: str, faults: Faults) -> None:
    if type(value) is not dict or type(value.get("@type")) is not str:
        faults.add(path, "must be an object with its type as @type", "json.type")
        return
    try:
        descriptor = descriptor_pool.Default().FindMessageTypeByName(value["@type"].rpartition("/")[2])
    except KeyError:
        faults.add(f"{path}.@type", "is not a known type", "json.type")
        return
    content: Message = message_factory.GetMessageClass(descriptor)()
    if filler_of(descriptor) is not None or descriptor.full_name == _ANY:
        reader_of(descriptor)(content, value.get("value"), f"{path}.value", faults)
    else:
        members = {name: each for name, each in value.items() if name != "@type"}
        reader_of(descriptor)(content, members, path, faults)
    message.Pack(content, type_url_prefix=value["@type"].rpartition("/")[0])


def _takes_null(field: FieldDescriptor) -> bool:
    return (
        field.message_type is not None
        and field.message_type.full_name == "google.protobuf.Value"
        and not (is_map(field))
    )
