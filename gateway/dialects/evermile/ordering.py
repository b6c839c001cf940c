"""Puts the members of a document in the order in which Evermile documents them; pure, and knows no value.

What was kept as extension has lost its order and its place between the others.
"""

from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from gateway.dialects.evermile.wire import EvermileMessage


def in_documented_order(document: dict[str, Any]) -> dict[str, Any]:
    """The same message; members that are not documented follow the others."""
    ordered: dict[str, Any] = _in_order(document, EvermileMessage)
    return ordered


def _in_order(value: Any, model: type[BaseModel] | None) -> Any:
    if model is None:
        return value
    if isinstance(value, list):
        return [_in_order(each, model) for each in value]
    if not isinstance(value, dict):
        return value
    members = _members(model)
    return {name: _in_order(value[name], inner) for name, inner in members.items() if name in value} | {
        name: each for name, each in value.items() if name not in members
    }


@cache
def _members(model: type[BaseModel]) -> dict[str, type[BaseModel] | None]:
    """The members of an object in their order, each with the model of the objects that it holds."""
    return {field.alias or name: _model_in(field.annotation) for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
