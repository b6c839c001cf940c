"""What the generated API page says of bodies, which this dialect reads itself and not through FastAPI."""

from typing import Any

from pydantic import BaseModel

_ERROR = {
    "type": "object",
    "required": ["error_type"],
    "properties": {
        "message": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "error_type": {"type": "string"},
    },
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "content": {"application/json": {"schema": _ERROR}}}
    for status, words in {
        400: "The body is not a JSON object",
        401: "The access token is missing or not valid",
        403: "The token does not reach this",
        404: "There is no such route, location, order or delivery",
        415: "The Content-Type is not application/json",
        422: "A field is wrong, or the request does not fit the present state",
        429: "Too many requests",
        500: "Something broke on our side",
        503: "Not available at the moment",
    }.items()
}
"""What every route may answer instead."""


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
