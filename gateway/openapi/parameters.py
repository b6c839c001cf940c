"""What a canonical operation takes beside its body: path, query and headers, as `gateway.transcode` reads them."""

import re
from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.openapi.comments import camel
from gateway.openapi.fragments import Json
from gateway.openapi.rules import is_required
from gateway.openapi.schemas import TEXT_FORMS, Schemas
from gateway.transcode.bindings import Binding
from gateway.transcode.fields import TextField
from gateway.transcode.headers import HeaderFields
from gateway.transcode.readers import is_map

_PLACE = re.compile(r"\{([a-z_][a-z0-9_.]*)(?:=[^{}]+)?\}")


def path_of(binding: Binding) -> str:
    """The path as the document has it: one name for one place, whether `delivery_id` or `delivery.id` stands there."""
    return _PLACE.sub(lambda place: "{" + path_name(place[1]) + "}", binding.template.text)


def path_name(field_path: str) -> str:
    """The name of a path parameter."""
    return camel(field_path.replace(".", "_"))


def parameters_of(binding: Binding, schemas: Schemas, etag_of_answer: bool) -> list[Json]:
    """All of them, those of the path first."""
    request = binding.method.input_type
    in_path = frozenset(variable.path for variable in binding.template.variables)
    found = [_path_parameter(TextField.find(request, path), schemas) for path in sorted(in_path)]
    if binding.body != "*":
        left_out = in_path | {binding.body}
        found += _query(request, schemas, left_out, prefix="", required=True, above=())
    return found + list(_headers(binding, etag_of_answer))


def _path_parameter(found: TextField, schemas: Schemas) -> Json:
    schema = schemas.field(found.field)
    description = schema.pop("description", "")
    # An empty segment is another path.
    schema["minLength"] = max(1, schema.get("minLength", 0))
    return {
        "name": path_name(found.path),
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def _query(
    descriptor: Descriptor,
    schemas: Schemas,
    left_out: frozenset[str],
    *,
    prefix: str,
    required: bool,
    above: tuple[Descriptor, ...],
) -> Iterator[Json]:
    for field in descriptor.fields:
        if prefix + field.name in left_out or is_map(field):
            continue
        needed = required and is_required(field)
        inner = field.message_type
        if inner is None or inner.full_name in TEXT_FORMS:
            schema = schemas.field(field)
            description = schema.pop("description", "")
            parameter = {"name": camel(prefix + field.name), "in": "query", "description": description}
            yield parameter | ({"required": True} if needed else {}) | {"schema": schema}
        elif not field.is_repeated and inner not in above and not inner.full_name.startswith("google.protobuf."):
            nested = (*above, descriptor)
            yield from _query(inner, schemas, left_out, prefix=f"{prefix}{field.name}.", required=needed, above=nested)


def _headers(binding: Binding, etag_of_answer: bool) -> Iterator[Json]:
    request = binding.method.input_type
    request_id = request.fields_by_name.get("request_id")
    if request_id is not None and request_id.type == FieldDescriptor.TYPE_STRING:
        yield _header(
            "Idempotency-Key",
            "Makes the call repeatable: the same key gives the same answer. The same as `requestId`.",
            {"type": "string", "maxLength": 255},
        )
    if binding.http_method != "GET" and HeaderFields(binding).etag_path:
        yield _header(
            "If-Match",
            "Change only what has this etag, else 412; `*` for any.",
            {"type": "string", "pattern": r'^("[!#-~]*"|\*)$'},
        )
    if binding.http_method == "GET" and etag_of_answer:
        yield _header(
            "If-None-Match", "Answer 304 if the etag is still one of these.", {"type": "string", "maxLength": 1000}
        )
    if binding.method.server_streaming:
        yield _header(
            "Last-Event-ID",
            "Resume behind this event, as browsers do by themselves; only with `text/event-stream`.",
            {"type": "string", "maxLength": 200},
        )


def _header(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "description": description, "schema": schema}
