"""CEL as dispatch rules speak it: what an expression sees, how it is compiled and evaluated; knows no rule.

The language is Google's own implementation. It checks types; ``syntax`` bounds what an evaluation may cost.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from crossdock.v1.carrier_pb2 import Carrier, Quote
from crossdock.v1.shipment_pb2 import Shipment

from services.dispatching import syntax

Value: TypeAlias = bool | int | float
UNTOLD = 2**63 - 1
"""What a number is that nobody told: CEL's largest."""
MAX_SHIPMENT_BYTES = 128 * 1024
"""A larger one is not shown to expressions, so that none takes long over its texts."""
_LONGEST_ERROR = 500


class Invalid(Exception):
    """Why a text is no expression of the kind that is wanted."""


class Failed(Exception):
    """Why an expression gave nothing."""


class Expression(NamedTuple):
    """A compiled expression. ``cost`` is the most steps that an evaluation takes."""

    compiled: Any
    cost: int


def compile_number(text: str) -> Expression:
    """An expression over an offer that gives a number. Raises Invalid."""
    return _compile(_of_offers(), text, ("INT", "UINT", "DOUBLE"), "a number")


def compile_bool(text: str) -> Expression:
    """An expression over an offer that gives a bool. Raises Invalid."""
    return _compile(_of_offers(), text, ("BOOL",), "a bool")


def compile_condition(text: str) -> Expression:
    """An expression over shipment and time alone that gives a bool. Raises Invalid."""
    return _compile(_of_shipments(), text, ("BOOL",), "a bool")


def sight_of_shipment(shipment: Shipment, now: datetime) -> Any:
    """What conditions see. Raises Failed for a shipment that is too large."""
    _require_small(shipment)
    return _of_shipments().Activation({"shipment": shipment, "now": now})


def sight_of_offer(
    shipment: Shipment, quote: Quote, carrier: Carrier, now: datetime, numbers: Mapping[str, float]
) -> Any:
    """What rules see of one offer; ``numbers`` are those of `NUMBERS`. Raises Failed for a shipment that is too large.

    The carrier's authorization is nothing to decide by, and nothing to be found out by rules.
    """
    _require_small(shipment)
    shown = Carrier()
    shown.CopyFrom(carrier)
    shown.ClearField("authorization")
    return _of_offers().Activation({"shipment": shipment, "quote": quote, "carrier": shown, "now": now, **numbers})


def evaluate(expression: Expression, sight: Any) -> Value:
    """What an expression gives. Raises Failed."""
    try:
        value = expression.compiled.eval(sight)
        found = value.value()
    except RuntimeError as reason:
        raise Failed(_plain(str(reason))) from None
    if isinstance(found, bool | int) or (isinstance(found, float) and not math.isnan(found)):
        return found
    raise Failed(_plain(str(found)))


_SENTENCES = {
    "Iteration budget exceeded": "it takes more steps than a rule may",
    "by zero": "it divides by zero",
    "Key not found in map": "a map has no member of that name",
    "Index error": "a list has fewer members than it asks for",
    "out of uint64 range": "a number is too large or too small",
    "overflow": "a number is too large or too small",
    "nan": "it gives no number",
}
"""What goes wrong while an expression is evaluated: the evaluator's words, and ours for people."""


def _plain(error: str) -> str:
    """Why an expression gave nothing; what has no words of ours keeps the evaluator's, without its codes."""
    for theirs, ours in _SENTENCES.items():
        if theirs in error:
            return ours
    code, colon, rest = error.partition(": ")
    return (rest if colon and code.replace("_", "").isupper() else error)[:_LONGEST_ERROR]


def write(value: Value) -> str:
    """A value as people and programs read it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


NUMBERS = ("price", "pickup_minutes", "dropoff_minutes", "distance_km")


@cache
def _of_shipments() -> Any:
    # Here, because the language takes 5 MiB, and a process that dispatches by no rules never needs it.
    from cel_expr_python import cel

    variables = {"shipment": cel.Type(Shipment.DESCRIPTOR.full_name), "now": cel.Type.TIMESTAMP}
    return cel.NewEnv(variables=variables, container="crossdock.v1")


@cache
def _of_offers() -> Any:
    from cel_expr_python import cel

    variables = {
        "shipment": cel.Type(Shipment.DESCRIPTOR.full_name),
        "quote": cel.Type(Quote.DESCRIPTOR.full_name),
        "carrier": cel.Type(Carrier.DESCRIPTOR.full_name),
        "now": cel.Type.TIMESTAMP,
        **dict.fromkeys(NUMBERS[:-1], cel.Type.INT),
        NUMBERS[-1]: cel.Type.DOUBLE,
    }
    return cel.NewEnv(variables=variables, container="crossdock.v1")


def _compile(environment: Any, text: str, wanted: tuple[str, ...], told: str) -> Expression:
    try:
        compiled = environment.compile(text)
    except RuntimeError as reason:
        raise Invalid(_readable(str(reason))) from None
    given = compiled.return_type().name()
    if given not in wanted:
        raise Invalid(f"gives {given.lower()} and must give {told}")
    try:
        return Expression(compiled, syntax.cost_of(compiled.serialize()))
    except syntax.TooCostly as reason:
        raise Invalid(str(reason)) from None


def _readable(error: str) -> str:
    """The compiler's words without its own prefixes."""
    return error.removeprefix("INVALID_ARGUMENT: ").removesuffix(" [INVALID_ARGUMENT]")[:_LONGEST_ERROR]


def _require_small(shipment: Shipment) -> None:
    if shipment.ByteSize() > MAX_SHIPMENT_BYTES:
        raise Failed(f"the shipment has more than {MAX_SHIPMENT_BYTES // 1024} KiB")
