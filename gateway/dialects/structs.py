"""JSON that has no field of its own in the contract, kept as a `Struct` and told again exactly; knows no member."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value

MAX_DEPTH = 16
"""How deep a value without field of its own may be nested: protobuf parsers stop at 100 messages in each other."""


class NotKept(ValueError):
    """Members that a `Struct` cannot hold exactly, with the reason for each."""

    def __init__(self, reasons: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name} {reason}" for name, reason in reasons.items()))
        self.reasons = reasons


def struct(members: Mapping[str, Any]) -> Struct:
    """JSON as the contract keeps it. Raises `NotKept`."""
    kept = Struct()
    reasons = {}
    for name, member in members.items():
        try:
            _fill(kept.fields[name], member, MAX_DEPTH)
        except ValueError as error:
            reasons[name] = str(error)
    if reasons:
        raise NotKept(reasons)
    return kept


def members_of(kept: Struct) -> dict[str, Any]:
    """The JSON that a `Struct` was made of."""
    return {name: _json(member) for name, member in kept.fields.items()}


def _fill(kept: Value, told: Any, depth: int) -> None:
    if depth == 0:
        raise ValueError(f"is nested deeper than {MAX_DEPTH} levels")
    if told is None:
        kept.null_value = 0  # type: ignore[assignment]  # the one value of google.protobuf.NullValue
    elif isinstance(told, bool):
        kept.bool_value = told
    elif isinstance(told, str):
        kept.string_value = told
    elif isinstance(told, int | Decimal):
        kept.number_value = float(told)
        if Decimal(repr(kept.number_value)) != told:
            raise ValueError("has a number of more digits than can be kept: send it as a string")
    elif isinstance(told, float):  # as it was kept before
        kept.number_value = told
    elif isinstance(told, list):
        kept.list_value.CopyFrom(ListValue())
        for each in told:
            _fill(kept.list_value.values.add(), each, depth - 1)
    else:
        kept.struct_value.CopyFrom(Struct())
        for name, member in told.items():
            _fill(kept.struct_value.fields[name], member, depth - 1)


def _json(kept: Value) -> Any:
    kind = kept.WhichOneof("kind")
    if kind == "struct_value":
        return members_of(kept.struct_value)
    if kind == "list_value":
        return [_json(each) for each in kept.list_value.values]
    if kind == "number_value":
        number = kept.number_value
        # Beyond that an integer would show digits that nobody sent.
        return int(number) if number.is_integer() and abs(number) < 1 << 53 else number
    return None if kind in (None, "null_value") else getattr(kept, kind)
