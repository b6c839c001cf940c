"""The least request of each type that keeps the rules of the contract, found by mending what they complain about."""

from typing import Any, TypeVar

import protovalidate
from google.protobuf.message import Message

Request = TypeVar("Request", bound=Message)


def least_request(kind: type[Request]) -> Request:
    """A valid request; its identifiers are of nothing."""
    request = kind()
    for _ in range(20):
        violations = protovalidate.collect_violations(request)
        if not violations:
            return request
        for each in violations:
            _mend(request, each.proto)
    raise AssertionError(f"no valid {kind.__name__} found: {request}")


def _mend(message: Any, violation: Any) -> None:
    *path, last = violation.field.elements
    for element in path:
        message = getattr(message, element.field_name)
        if element.subscript is not None:
            message = message[element.subscript.value]
    name = last.field_name
    match violation.rule_id:
        case "required":
            if message.DESCRIPTOR.fields_by_name[name].message_type is not None:
                getattr(message, name).SetInParent()
            else:
                setattr(message, name, "x")
        case "repeated.min_items":
            getattr(message, name).add()
        case "string.min_len" | "string.pattern":
            setattr(message, name, getattr(message, name) + "x")
        case "enum.not_in" | "int32.gte_lte" | "int32.gte":
            setattr(message, name, 1)
        case "bytes.min_len":
            setattr(message, name, b"x")
        case unknown:
            raise AssertionError(f"{name}: teach this file to keep {unknown}")
