"""The contract's rules (protovalidate) as keywords of JSON Schema, as far as there are any; pure.

What has no keyword, such as the bounds of a duration, is left to the comment: the services check it all the same.
"""

import re
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor

Keywords = dict[str, Any]

_RULES: Any = validate_pb2.field  # a plain descriptor to the stubs, which is none to themselves
_NUMBERS = {"gte": "minimum", "lte": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
_SCALARS = {
    "string": {"min_len": "minLength", "max_len": "maxLength", "pattern": "pattern"},
    "repeated": {"min_items": "minItems", "max_items": "maxItems", "unique": "uniqueItems"},
    "map": {"min_pairs": "minProperties", "max_pairs": "maxProperties"},
    **dict.fromkeys(("int32", "uint32", "sint32", "float", "double"), _NUMBERS),
}
_LONG = ("int64", "uint64", "sint64")


def rules_of(field: FieldDescriptor) -> Any:
    """What the contract demands of a field; an empty message when it demands nothing."""
    return field.GetOptions().Extensions[_RULES]


def keywords_of(field: FieldDescriptor) -> Keywords:
    """The keywords of the field's schema."""
    return _keywords(rules_of(field), field)


def item_keywords_of(field: FieldDescriptor) -> Keywords:
    """Those of the schema of a list's elements."""
    return _keywords(rules_of(field).repeated.items, field)


def is_required(field: FieldDescriptor) -> bool:
    """Whether a message without the field breaks a rule: it is required, or its zero does not fit."""
    rules = rules_of(field)
    if rules.required:
        return True
    kind = rules.WhichOneof("type")
    if kind is None or (field.message_type is not None and not field.is_repeated):
        return False
    of_kind = getattr(rules, kind)
    if kind == "repeated":
        return bool(of_kind.min_items)
    if field.has_presence or field.is_repeated:
        return False
    if kind == "string":
        return bool(of_kind.min_len) or (of_kind.HasField("pattern") and not re.search(of_kind.pattern, ""))
    if kind == "enum":
        return 0 in of_kind.not_in
    return any(name in ("gt", "gte") and value + (name == "gt") > 0 for name, value in _bounds(of_kind))


def _keywords(rules: Any, field: FieldDescriptor) -> Keywords:
    kind = rules.WhichOneof("type")
    if kind is None:
        return {}
    of_kind = getattr(rules, kind)
    if kind == "enum":
        return _without(of_kind.not_in, field)
    if kind == "bytes":
        # Base64: four characters for three bytes.
        return {"maxLength": -(-of_kind.max_len // 3) * 4} if of_kind.HasField("max_len") else {}
    if kind in _LONG:
        # Such numbers are text in JSON, so all that can be told is their sign.
        return {"pattern": "^[0-9]+$"} if any(n in ("gt", "gte") and v >= 0 for n, v in _bounds(of_kind)) else {}
    names = _SCALARS.get(kind, {})
    return {names[name]: value for name, value in _bounds(of_kind) if name in names}


def _without(numbers: Any, field: FieldDescriptor) -> Keywords:
    if not numbers or field.enum_type is None:
        return {}
    return {"not": {"enum": [field.enum_type.values_by_number[number].name for number in numbers]}}


def _bounds(rules: Any) -> list[tuple[str, Any]]:
    return [(field.name, value) for field, value in rules.ListFields()]
