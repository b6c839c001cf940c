"""Reads a document into a wire model member by member: a bad one becomes null and an issue, the rest counts.

Knows pydantic and JSON, and no vendor. A wire model says what a vendor documents; what else a document holds is
kept beside it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.report_pb2 import Issue
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from gateway.dialects.inbound import MalformedMessage
from gateway.unreadable import Unreadable

MAX_QUOTED = 40
MAX_FAULTS = 10_000
MAX_KEPT_BYTES = 16 << 10
# Protobuf gives up at 100 levels, of which each level of a Struct takes three.
MAX_KEPT_DEPTH = 8

_CODES = {
    **dict.fromkeys(("string_type", "model_type", "bool_type", "list_type", "dict_type", "number_type"), "wrong_type"),
    "string_too_long": "too_long",
}

Pointer = tuple[int | str, ...]


class Wire(BaseModel):
    """A JSON object as its vendor documents it. Numbers are taken where text is documented, digit by digit."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True, frozen=True)

    kept_whole: ClassVar[bool] = False
    """True for an object that its reader keeps as it is, so that nothing in it is left over."""


def _without_exponent(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value


NumberText = Annotated[str, BeforeValidator(_without_exponent)]
"""A number that is documented as text."""

Model = TypeVar("Model", bound=Wire)


def read_members(model: type[Model], document: Mapping[str, Any]) -> tuple[Model, list[Issue]]:
    """The model with every member that reads as documented, and an issue for each that does not.

    Raises `MalformedMessage` when there are thousands of them: to tell each would cost seconds.
    """
    try:
        return model.model_validate(document), []
    except ValidationError as error:
        if error.error_count() > MAX_FAULTS:
            raise MalformedMessage("there is hardly a member that is as documented") from None
        faults = error.errors(include_url=False, include_context=False)
    issues = [
        issue(
            "/" + "/".join(map(str, fault["loc"])),
            _CODES.get(fault["type"], "unreadable"),
            f"{fault['msg']}, not {_quote(fault['input'])}",
        )
        for fault in faults
    ]
    return model.model_validate(_without(document, (fault["loc"] for fault in faults))), issues


def unknown_members(model: Wire) -> dict[str, Any]:
    """What the document holds beyond its documentation, in its place."""
    if model.kept_whole:
        return {}
    unknown = dict(model.model_extra or {})
    for name in _nesting_members(type(model)):
        member = getattr(model, name)
        inner: Any = None
        if isinstance(member, Wire):
            inner = unknown_members(member)
        elif isinstance(member, list):
            entries = [unknown_members(entry) if isinstance(entry, Wire) else {} for entry in member]
            inner = entries if any(entries) else None
        if inner:
            unknown[type(model).model_fields[name].alias or name] = inner
    return unknown


@cache
def _nesting_members(model: type[Wire]) -> tuple[str, ...]:
    """The members that can hold another object of the documentation: only there can more be left over."""
    return tuple(name for name, field in model.model_fields.items() if _holds_wire(field.annotation))


def _holds_wire(annotation: Any) -> bool:
    return (isinstance(annotation, type) and issubclass(annotation, Wire)) or any(
        map(_holds_wire, get_args(annotation))
    )


def keep(patch: Delivery, dialect: str, members: Mapping[str, Any]) -> Issue | None:
    """Keep members that have no field of their own, exactly; nulls are left out. An issue when they are too large."""
    kept = _keepable(members, MAX_KEPT_DEPTH)
    if len(json.dumps(kept)) > MAX_KEPT_BYTES:
        return issue("", "too_large", "unknown members are kept only in the message itself: they are too large")
    if kept:
        patch.extensions[dialect].update(kept)
    return None


def as_kept(value: Any) -> Any:
    """A value of a document as a Struct holds it: exactly, without nulls, and no deeper than protobuf allows."""
    return _keepable(value, MAX_KEPT_DEPTH)


def issue(pointer: str, code: str, message: str) -> Issue:
    """Something that could not be read as documented."""
    return Issue(pointer=pointer, code=code, message=message)


def unreadable(pointer: str, code: str, fault: Unreadable) -> Issue:
    """What a parser would not guess."""
    return issue(pointer, code, f"{fault.reason}: {_quote(fault.value)}")


def _without(document: Mapping[str, Any], locations: Iterable[Pointer]) -> dict[str, Any]:
    """The document with null in some places; what lies on the way to them is copied once, for it is the caller's."""
    readable = dict(document)
    copies: dict[Pointer, Any] = {(): readable}
    for location in locations:
        *parents, last = location
        way: Pointer = ()
        holder: Any = readable
        for name in parents:
            way = (*way, name)
            if way not in copies:
                holder[name] = copies[way] = copy(holder[name])
            holder = copies[way]
        holder[last] = None
    return readable


def _quote(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value[:MAX_QUOTED], ensure_ascii=False) + ("…" if len(value) > MAX_QUOTED else "")
    if isinstance(value, bool):
        return "true" if value else "false"
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else str(value)[:MAX_QUOTED]


def _keepable(value: Any, depth: int) -> Any:
    """The value as a Struct holds it: numbers that a double would change, and what lies too deep, become text."""
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        number = float(value)
        return number if Decimal(number) == value or repr(number) == str(value) else str(value)
    if isinstance(value, (Mapping, list)) and depth == 0:
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, Mapping):
        return {name: _keepable(each, depth - 1) for name, each in value.items() if each is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_keepable(each, depth - 1) for each in value]
    return value
