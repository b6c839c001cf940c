"""What a compiled CEL expression can cost at most, from its syntax tree; evaluates nothing.

CEL always ends, but not soon: loops stand in loops, texts grow by doubling, regular expressions run over long texts.
The library stops an evaluation after 10,000 rounds of all its loops; what a round may cost, and that no value grows,
is seen here. The library tells its tree only as a serialised ``cel.expr.CheckedExpr``; the descriptors below are the
part of that message that is read.
"""

from collections.abc import Iterator
from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, json_format, message_factory

MAX_COST = 200_000
"""For one expression: some ten milliseconds."""
ROUNDS = 1_000
"""How often a loop goes round, at most: as many items has a shipment."""
ALL_ROUNDS = 10_000
"""How often all loops of an evaluation go round, before the library ends it."""
MAX_DEPTH = 2
"""Loops within loops: items within parcels."""
MAX_PATTERN = 200

_WEIGHTS = {"contains": 10, "startsWith": 10, "endsWith": 10, "matches": 100}
"""Of functions that read whole texts; all others count as 1."""
_GROWING = frozenset(("add_string", "add_bytes", "add_list"))


class TooCostly(Exception):
    """What makes an expression too costly to be evaluated, in words."""


def cost_of(serialized: bytes) -> int:
    """The most that an expression can cost, given as the library serialises it; one step counts as 1.

    Raises TooCostly.
    """
    packed = any_pb2.Any.FromString(serialized)
    checked = _CheckedExpr.FromString(packed.value)
    overloads = {each.key: frozenset(each.value.overload_id) for each in checked.reference_map}
    total = _Walk(overloads).cost(checked.expr, 1, 0)
    if total > MAX_COST:
        raise TooCostly(f"may cost {total} steps, and {MAX_COST} are allowed")
    return total


class _Walk:
    """One walk through a tree."""

    def __init__(self, overloads: dict[int, frozenset[str]]) -> None:
        self._overloads = overloads

    def cost(self, node: Any, times: int, depth: int) -> int:
        """Of a part that is evaluated so many times, within so many loops."""
        kind = node.WhichOneof("expr_kind")
        if kind == "comprehension_expr":
            return self._loop(node.comprehension_expr, times, depth)
        weight = self._call(node, depth) if kind == "call_expr" else 1
        return weight * times + sum(self.cost(each, times, depth) for each in _parts(node, kind))

    def _loop(self, loop: Any, times: int, depth: int) -> int:
        if depth == MAX_DEPTH:
            raise TooCostly(f"may not have more than {MAX_DEPTH} loops within each other")
        if _has_loop(loop.iter_range):
            raise TooCostly("may not loop over what another loop made")
        rounds = min(times * ROUNDS, ALL_ROUNDS)
        once = sum(self.cost(each, times, depth) for each in (loop.iter_range, loop.accu_init, loop.result))
        step = loop.loop_step
        # map and filter put one thing more into their list with every round: the macro's own doing.
        parts = list(_collected(step, loop.accu_var)) or [step]
        return once + sum(self.cost(each, rounds, depth + 1) for each in (loop.loop_condition, *parts))

    def _call(self, node: Any, depth: int) -> int:
        call = node.call_expr
        if self._overloads.get(node.id, frozenset()) & _GROWING:
            raise TooCostly("may not join texts or lists")
        if call.function == "matches":
            pattern = call.args[-1].const_expr
            if not pattern.HasField("string_value") or "{" in pattern.string_value:
                raise TooCostly("may match only patterns that are written out, without {counts}")
            if len(pattern.string_value) > MAX_PATTERN:
                raise TooCostly(f"may match only patterns of {MAX_PATTERN} characters at most")
        return _WEIGHTS.get(call.function, 1)


def _collected(step: Any, accumulator: str) -> Iterator[Any]:
    """What map and filter look at in each round, without their ``accumulator + [it]``; nothing for other loops."""
    call = step.call_expr
    if call.function == "_?_:_" and len(call.args) == 3 and call.args[2].ident_expr.name == accumulator:
        yield call.args[0]
        yield from _collected(call.args[1], accumulator)
    elif call.function == "_+_" and call.args[0].ident_expr.name == accumulator:
        yield call.args[1]


def _parts(node: Any, kind: str | None) -> Iterator[Any]:
    if kind == "select_expr":
        yield node.select_expr.operand
    elif kind == "call_expr":
        if node.call_expr.HasField("target"):
            yield node.call_expr.target
        yield from node.call_expr.args
    elif kind == "list_expr":
        yield from node.list_expr.elements
    elif kind == "struct_expr":
        for entry in node.struct_expr.entries:
            if entry.HasField("map_key"):
                yield entry.map_key
            yield entry.value


def _has_loop(node: Any) -> bool:
    kind = node.WhichOneof("expr_kind")
    return kind == "comprehension_expr" or any(_has_loop(each) for each in _parts(node, kind))


_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "CheckedExpr": {"reference_map": (2, "ReferenceEntry*"), "expr": (4, "Expr")},
    "ReferenceEntry": {"key": (1, "int64"), "value": (2, "Reference")},
    "Reference": {"overload_id": (3, "string*")},
    "Expr": {
        "id": (2, "int64"),
        "const_expr": (3, "Constant?"),
        "ident_expr": (4, "Ident?"),
        "select_expr": (5, "Select?"),
        "call_expr": (6, "Call?"),
        "list_expr": (7, "List?"),
        "struct_expr": (8, "Struct?"),
        "comprehension_expr": (9, "Loop?"),
    },
    "Constant": {"string_value": (6, "string?")},
    "Ident": {"name": (1, "string")},
    "Select": {"operand": (1, "Expr")},
    "Call": {"target": (1, "Expr"), "function": (2, "string"), "args": (3, "Expr*")},
    "List": {"elements": (1, "Expr*")},
    "Struct": {"entries": (2, "Entry*")},
    "Entry": {"map_key": (3, "Expr"), "value": (4, "Expr")},
    "Loop": {
        "iter_range": (2, "Expr"),
        "accu_var": (3, "string"),
        "accu_init": (4, "Expr"),
        "loop_condition": (5, "Expr"),
        "loop_step": (6, "Expr"),
        "result": (7, "Expr"),
    },
}
"""Members by name: number and type; ``*`` for a list, ``?`` for one of the message's alternatives, ``expr_kind``."""
_PACKAGE = "crossdock.dispatching.syntax"


def _message(name: str, members: dict[str, tuple[int, str]]) -> dict[str, Any]:
    fields = []
    for member, (number, told) in members.items():
        kind = told.rstrip("*?")
        field: dict[str, Any] = {"name": member, "number": number, "label": "LABEL_OPTIONAL"}
        if told.endswith("*"):
            field["label"] = "LABEL_REPEATED"
        if told.endswith("?"):
            field["oneofIndex"] = 0
        if kind in ("int64", "string"):
            field["type"] = f"TYPE_{kind.upper()}"
        else:
            field |= {"type": "TYPE_MESSAGE", "typeName": f".{_PACKAGE}.{kind}"}
        fields.append(field)
    alternatives = [{"name": "expr_kind"}] if any(told.endswith("?") for _, told in members.values()) else []
    return {"name": name, "field": fields, "oneofDecl": alternatives}


def _load() -> Any:
    described = {
        "name": "crossdock/dispatching/syntax.proto",
        "package": _PACKAGE,
        "syntax": "proto3",
        "messageType": [_message(name, members) for name, members in _MESSAGES.items()],
    }
    pool = descriptor_pool.DescriptorPool()
    pool.Add(json_format.ParseDict(described, descriptor_pb2.FileDescriptorProto()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.CheckedExpr"))


_CheckedExpr: Any = _load()
