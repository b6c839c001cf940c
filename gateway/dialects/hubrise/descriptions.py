"""What the generated API page says of bodies, which this dialect reads itself and not through FastAPI."""

from typing import Any

from pydantic import BaseModel


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """The part of an OpenAPI operation that describes its body, whole in itself."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _resolved(schema, definitions)}},
        }
    }


def _resolved(part: Any, definitions: dict[str, Any]) -> Any:
    """The schema with its references replaced: within an operation they would lead nowhere."""
    if isinstance(part, list):
        return [_resolved(each, definitions) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _resolved(definitions[part["$ref"].rpartition("/")[2]], definitions)
    return {name: _resolved(each, definitions) for name, each in part.items()}
