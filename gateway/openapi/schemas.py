"""The contract's messages as JSON Schema, by the proto3 JSON mapping that `gateway.transcode` reads and writes."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gateway.openapi.comments import listed
from gateway.openapi.examples import MESSAGES
from gateway.openapi.rules import is_required, item_keywords_of, keywords_of
from gateway.transcode.readers import is_map

Schema = dict[str, Any]

_INT32: Schema = {"type": "integer", "format": "int32", "minimum": -(1 << 31), "maximum": (1 << 31) - 1}
_UINT32: Schema = {"type": "integer", "format": "uint32", "minimum": 0, "maximum": (1 << 32) - 1}
# Text, because a number of JavaScript does not hold all of them.
_INT64: Schema = {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
_UINT64: Schema = {"type": "string", "format": "uint64", "pattern": "^[0-9]+$"}
_SCALARS: dict[int, Schema] = {
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64", "format": "byte"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
}
TEXT_FORMS: Mapping[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00Z"]},
    "google.protobuf.Duration": {
        "type": "string",
        "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$",
        "examples": ["90s"],
    },
    "google.protobuf.FieldMask": {
        "type": "string",
        "pattern": "^([A-Za-z0-9_.*-]+(,[A-Za-z0-9_.*-]+)*)?$",
    },
}
"""The messages that are text in JSON, and so may stand in a query."""
_FORMS: Mapping[str, Schema] = {
    **TEXT_FORMS,
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Value": {},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string", "description": "Which message this is."}},
        "required": ["@type"],
    },
}


class Schemas:
    """The schemas of the messages that were asked for and of all they consist of, in `components`."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        self.components: dict[str, Schema] = {}
        self._comments = comments
        self._names: dict[str, str] = {}

    def message(self, descriptor: Descriptor) -> Schema:
        """A reference to a message's schema, or the schema itself of one with a JSON form of its own."""
        form = _FORMS.get(descriptor.full_name)
        if form is not None:
            return dict(form)
        name = self._name(descriptor)
        if name not in self.components:
            self.components[name] = {}  # a message may contain its own kind
            self.components[name] = self.object(descriptor)
        return {"$ref": f"#/components/schemas/{name}"}

    def object(self, descriptor: Descriptor, left_out: frozenset[str] = frozenset()) -> Schema:
        """A message's schema itself, without the fields that stand elsewhere in the request."""
        fields = [field for field in descriptor.fields if field.name not in left_out]
        schema: Schema = {"type": "object", **self._described(descriptor.full_name)}
        schema["properties"] = {field.json_name: self.field(field) for field in fields}
        required = [field.json_name for field in fields if is_required(field)]
        if required:
            schema["required"] = required
        if descriptor.name in MESSAGES:
            schema["examples"] = [MESSAGES[descriptor.name]]
        return schema

    def field(self, field: FieldDescriptor) -> Schema:
        """The schema of a field's value, with its comment and rules."""
        if is_map(field):
            assert field.message_type is not None
            values = self._single(field.message_type.fields_by_name["value"])
            schema: Schema = {"type": "object", "additionalProperties": values}
        elif field.is_repeated:
            schema = {"type": "array", "items": self._single(field) | item_keywords_of(field)}
        else:
            schema = self._single(field)
            if field.GetOptions().debug_redact:
                schema["format"] = "password"
        return schema | keywords_of(field) | self._described(field.full_name)

    def _single(self, field: FieldDescriptor) -> Schema:
        if field.message_type is not None:
            return self.message(field.message_type)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        return dict(_SCALARS[field.type])

    def _enum(self, enum: EnumDescriptor) -> Schema:
        if enum.full_name == "google.protobuf.NullValue":
            return {"type": "null"}
        name = self._name(enum)
        if name not in self.components:
            # The values of an enum stand beside it, not within it, also in their full names.
            told = {value.name: self._comments.get(f"{enum.full_name}.{value.name}", "") for value in enum.values}
            text = self._comments.get(enum.full_name, "")
            self.components[name] = {
                "type": "string",
                "description": f"{text}\n\n{listed(told)}".strip(),
                "enum": [value.name for value in enum.values],
            }
        return {"$ref": f"#/components/schemas/{name}"}

    def _described(self, full_name: str) -> Schema:
        text = self._comments.get(full_name)
        return {"description": text} if text else {}

    def _name(self, descriptor: Descriptor | EnumDescriptor) -> str:
        name = descriptor.full_name.removeprefix(f"{descriptor.file.package}.")
        if self._names.setdefault(name, descriptor.full_name) != descriptor.full_name:
            raise ValueError(f"{descriptor.full_name} and {self._names[name]} have one name in the document")
        return name
