"""What a part of the gateway contributes to the OpenAPI document, and how the parts become one; knows no part."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

Json = dict[str, Any]


@dataclass(frozen=True)
class Fragment:
    """Everything with whole names: paths with their prefix, components as they are referred to."""

    tags: list[Json] = field(default_factory=list)
    paths: Mapping[str, Json] = field(default_factory=dict)
    webhooks: Mapping[str, Json] = field(default_factory=dict)
    schemas: Mapping[str, Json] = field(default_factory=dict)
    responses: Mapping[str, Json] = field(default_factory=dict)
    headers: Mapping[str, Json] = field(default_factory=dict)
    security_schemes: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class DescribedMessage:
    """A vendor's webhook for readers of the document: its wire model, its documented example, and where that stands."""

    model: type[BaseModel]
    example: Json
    source: str
    """The address of the vendor's own page."""


def merged(fragments: Iterable[Fragment]) -> Json:
    """The parts of a document. Raises ValueError when two fragments have one name for two things."""
    tags: list[Json] = []
    paths: Json = {}
    webhooks: Json = {}
    components: Json = {}
    for fragment in fragments:
        tags += fragment.tags
        _add(paths, fragment.paths, "path")
        _add(webhooks, fragment.webhooks, "webhook")
        for kind, members in (
            ("schemas", fragment.schemas),
            ("responses", fragment.responses),
            ("headers", fragment.headers),
            ("securitySchemes", fragment.security_schemes),
        ):
            _add(components.setdefault(kind, {}), members, kind)
    return {"tags": tags, "paths": paths, "webhooks": webhooks, "components": components}


def _add(known: Json, members: Mapping[str, Json], kind: str) -> None:
    for name, member in members.items():
        if known.setdefault(name, member) != member:
            raise ValueError(f"two fragments have the {kind} {name}")


def schema_ref(name: str) -> Json:
    """A reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def response_refs(responses: Mapping[str, str]) -> Json:
    """References to responses of the document, by status."""
    return {status: {"$ref": f"#/components/responses/{name}"} for status, name in responses.items()}


def json_content(schema: Json, **more: Any) -> Json:
    """The `content` of a JSON body."""
    return {"application/json": {"schema": schema, **more}}


def model_schemas(prefix: str, *models: type[BaseModel]) -> dict[str, Json]:
    """The schemas of wire models and of all they consist of, under names with a prefix."""
    schemas: dict[str, Json] = {}
    for model in models:
        schema = model.model_json_schema(ref_template=f"#/components/schemas/{prefix}{{model}}")
        inner = schema.pop("$defs", {})
        for name, each in {model.__name__: schema, **inner}.items():
            schemas[prefix + name] = _plain(each)
    return schemas


def _plain(schema: Any) -> Any:
    """The schema without titles, which only repeat the members' names, and defaults of null."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _plain(each) for name, each in schema.items() if name != "properties"}
    if isinstance(plain.get("title"), str):
        del plain["title"]
    if plain.get("default", "") is None:
        del plain["default"]
    if "properties" in schema:
        plain["properties"] = {name: _plain(each) for name, each in schema["properties"].items()}
    return plain
