"""Finds documented members in another spelling, `order_status` for `orderStatus`; guesses no meaning.

Evermile's documents mix `reporting_time` and `created_at` into camelCase, so one may come in the other's form. A
member counts as another spelling only when the documented one is not there.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

from crossdock.v1.report_pb2 import Issue

from gateway.dialects.tolerance import Wire, issue


def respell(model: type[Wire], document: Mapping[str, Any]) -> tuple[dict[str, Any], list[Issue]]:
    """The document with documented spellings, and an issue for each member that had another one."""
    issues: list[Issue] = []
    return _respell(model, document, "", issues), issues


def _respell(model: type[Wire], told: Mapping[str, Any], pointer: str, issues: list[Issue]) -> dict[str, Any]:
    documented, folded = _documented(model)
    respelled = {}
    for name, value in told.items():
        spelling = folded.get(_fold(name), name)
        if name in documented or spelling in told or spelling in respelled:
            spelling = name
        here = f"{pointer}/{spelling}"
        if spelling != name:
            issues.append(issue(here, "spelling", f"written as {name[:100]!r}"))
        respelled[spelling] = _respell_value(documented.get(spelling), value, here, issues)
    return respelled


def _respell_value(model: type[Wire] | None, value: Any, pointer: str, issues: list[Issue]) -> Any:
    if model is None:
        return value
    if isinstance(value, dict):
        return _respell(model, value, pointer, issues)
    if isinstance(value, list):
        return [_respell_value(model, each, f"{pointer}/{index}", issues) for index, each in enumerate(value)]
    return value


@cache
def _documented(model: type[Wire]) -> tuple[dict[str, type[Wire] | None], dict[str, str]]:
    """The members of an object with the objects in them, and their names by what they are without their spelling."""
    members = {field.alias or name: _model_in(field.annotation) for name, field in model.model_fields.items()}
    return members, {_fold(name): name for name in members}


def _fold(name: str) -> str:
    return name.replace("_", "").lower()


def _model_in(annotation: Any) -> type[Wire] | None:
    """The object that a member is, or is a list of."""
    return next(_models(annotation), None)


def _models(annotation: Any) -> Iterator[type[Wire]]:
    if isinstance(annotation, type) and issubclass(annotation, Wire):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
