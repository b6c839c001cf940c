"""What the wire models of a dialect say of its documents, as tables in Markdown; knows no vendor."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

import gateway.dialects


def dialects_with_wire_models() -> list[str]:
    """The folders under `gateway/dialects` that have a `wire.py`."""
    return sorted(
        folder.name
        for folder in pkgutil.iter_modules(gateway.dialects.__path__)
        if folder.ispkg and "wire" in _modules(folder.name)
    )


def tables(dialect: str) -> str:
    """A table for each object that is documented, what holds others before what it holds."""
    parts = []
    for model in _models(dialect):
        described = (inspect.getdoc(model) or "").split("\n\n")[0].replace("\n", " ")
        rows = list(_members(model))
        if rows:
            columns = ["member", "form", "documented as"][: 3 if any(row[2] for row in rows) else 2]
            lines = [columns, ["---"] * len(columns), *(row[: len(columns)] for row in rows)]
            table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
            parts.append(f"**{model.__name__}**: {described}\n\n{table}")
    return "\n\n".join(parts)


def _members(model: type[BaseModel]) -> Iterator[list[str]]:
    """The members that a model has beyond those of the model that it stands on."""
    inherited = {name for kind in model.__mro__[1:] for name in getattr(kind, "model_fields", {})}
    names = {field.alias or name: name for name, field in model.model_fields.items()}
    for alias, schema in model.model_json_schema(ref_template="{model}").get("properties", {}).items():
        if names.get(alias, alias) not in inherited:
            yield [f"`{alias}`", _form(schema), _prose(schema.get("description", ""))]


def _modules(dialect: str) -> list[str]:
    package = importlib.import_module(f"gateway.dialects.{dialect}")
    return [module.name for module in pkgutil.iter_modules(package.__path__)]


def _models(dialect: str) -> Iterator[type[BaseModel]]:
    """Models where they are defined, the last first: what holds another stands below it in a module."""
    for name in sorted(name for name in _modules(dialect) if name.startswith("wire")):
        module = importlib.import_module(f"gateway.dialects.{dialect}.{name}")
        for model in reversed(vars(module).values()):
            if inspect.isclass(model) and issubclass(model, BaseModel) and model.__module__ == module.__name__:
                yield model


def _form(schema: dict[str, Any]) -> str:
    """The form of a value in a few words. That it may be null goes without saying."""
    if "$ref" in schema:
        return str(schema["$ref"])
    if options := schema.get("anyOf"):
        forms = dict.fromkeys(_form(each) for each in options if each.get("type") != "null")
        return " or ".join(forms)
    if "enum" in schema:
        return "one of " + ", ".join(f"`{word}`" for word in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"list of {_form(schema.get('items', {}))}"
        case "string":
            most = schema.get("maxLength")
            return str(schema.get("format", "text")) + (f" ≤ {most}" if most else "")
        case "object":
            return "object"
        case None:
            return "anything"
        case kind:
            return str(kind)


def _prose(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
