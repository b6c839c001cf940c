"""The canonical face as OpenAPI paths: an operation per binding, all of it from the contract's descriptors."""

from collections.abc import Iterable, Mapping
from typing import Any

from crossdock.v1 import error_reason_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, ServiceDescriptor

from gateway.openapi import errors
from gateway.openapi.comments import first_sentence, listed
from gateway.openapi.examples import BODIES
from gateway.openapi.fragments import Fragment, Json, json_content
from gateway.openapi.parameters import parameters_of, path_of
from gateway.openapi.rules import is_required
from gateway.openapi.schemas import Schemas
from gateway.transcode.answers import RAW
from gateway.transcode.bindings import Binding, bindings_of

NOT_SERVED = frozenset({"CarrierService"})
"""Services of the contract that answer METHOD_NOT_SERVED in this release."""

BEARER = "bearer"
_OF_ALL = ("400", "401", "403", "404", "405", "429", "500", "503", "504")
_OF_BODIES = ("408", "413", "415")
_RAW_TYPES = ("image/*", "application/pdf")
_PREFIX = "ERROR_REASON_"


def canonical_fragment(services: Iterable[ServiceDescriptor], comments: Mapping[str, str]) -> Fragment:
    """The paths of these services, and the components that they need."""
    told = [service for service in services if service.name not in NOT_SERVED]
    schemas = Schemas(comments)
    paths: dict[str, Json] = {}
    for binding in bindings_of(told):
        _add(paths, binding, _Operation(binding, schemas, comments).document())
    reasons = errors.fragment(schemas, _reasons(comments))
    return Fragment(
        tags=[{"name": each.name, "description": comments.get(each.full_name, "")} for each in told],
        paths=paths,
        schemas={**schemas.components, **reasons.schemas},
        responses=reasons.responses,
        headers={
            **reasons.headers,
            "ETag": {
                "description": "The etag of what is shown, for `If-Match` and `If-None-Match`.",
                "schema": {"type": "string"},
            },
        },
        security_schemes={
            BEARER: {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of the tenant (`xd_…`). With the deployment's own key, the header "
                "`x-crossdock-tenant` names the tenant.",
            }
        },
    )


def _add(paths: dict[str, Json], binding: Binding, operation: Json) -> None:
    path, method = path_of(binding), binding.http_method.lower()
    if method in paths.setdefault(path, {}):
        raise ValueError(f"{method} {path} stands twice in the contract")
    paths[path][method] = operation


class _Operation:
    """The document of one binding."""

    def __init__(self, binding: Binding, schemas: Schemas, comments: Mapping[str, str]) -> None:
        self._binding = binding
        self._method = binding.method
        self._schemas = schemas
        self._comment = comments.get(self._method.full_name, "")
        output = self._method.output_type
        self._shown: Descriptor = output
        if binding.response_body:
            shown = output.fields_by_name[binding.response_body].message_type
            assert shown is not None
            self._shown = shown
        self._raw = self._shown.full_name == RAW
        etag = (output if self._raw else self._shown).fields_by_name.get("etag")
        self._has_etag = etag is not None and etag.type == FieldDescriptor.TYPE_STRING

    def document(self) -> Json:
        """The operation object."""
        service = self._method.containing_service.name
        operation: Json = {
            "operationId": f"{service}_{self._method.name}",
            "tags": [service],
            "summary": first_sentence(self._comment),
            "description": f"{self._comment}\n\nIn gRPC: `{self._binding.grpc_path[1:]}`.",
            "security": [{BEARER: []}],
            "parameters": parameters_of(self._binding, self._schemas, self._has_etag),
        }
        body = self._body()
        if body is not None:
            operation["requestBody"] = body
        operation["responses"] = self._responses(takes_body=body is not None)
        return operation

    def _body(self) -> Json | None:
        name, request = self._binding.body, self._method.input_type
        if not name:
            return None
        if name == "*":
            left_out = frozenset(each.path for each in self._binding.template.variables)
            schema = self._schemas.object(request, left_out)
            description, required = schema.pop("description", ""), bool(schema.get("required"))
        else:
            schema = self._schemas.field(request.fields_by_name[name])
            description, required = schema.pop("description", ""), is_required(request.fields_by_name[name])
        more: dict[str, Any] = {}
        example = BODIES.get(f"{self._method.containing_service.name}_{self._method.name}")
        if example is not None:
            more["example"] = example
        body = {"description": description, "content": json_content(schema, **more)}
        return body | ({"required": True} if required else {})

    def _responses(self, *, takes_body: bool) -> Json:
        statuses = [*_OF_ALL]
        if takes_body:
            statuses += _OF_BODIES
        if self._raw:
            statuses.append("502")
        if self._binding.http_method != "GET":
            statuses += ["409", "412"]
        responses = {"200": self._answer()}
        if self._has_etag and self._binding.http_method == "GET":
            responses["304"] = {"description": "The caller has the present state.", "headers": self._answer_headers()}
        return responses | errors.canonical_responses(statuses)

    def _answer(self) -> Json:
        if self._raw:
            content = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in _RAW_TYPES}
            return {"description": "The bytes.", "headers": self._answer_headers(), "content": content}
        shown = self._schemas.message(self._shown)
        if not self._method.server_streaming:
            return {"description": "The answer.", "headers": self._answer_headers(), "content": json_content(shown)}
        events = {
            "type": "string",
            "description": "Server-sent events: `data` is one answer in JSON, `id` is for `Last-Event-ID`. Heartbeats "
            "are comments. An event `problem` with an `Error` as its member `error` ends a stream that failed.",
        }
        told = "A JSON object a line, as they come. A line with only the member `error` ends a stream that failed."
        return {
            "description": told,
            "headers": self._answer_headers(),
            "content": {"application/x-ndjson": {"schema": shown}, "text/event-stream": {"schema": events}},
        }

    def _answer_headers(self) -> Json:
        names = {"X-Request-Id": "RequestId"} | ({"ETag": "ETag"} if self._has_etag else {})
        return {name: {"$ref": f"#/components/headers/{each}"} for name, each in names.items()}


def _reasons(comments: Mapping[str, str]) -> Json:
    enum = error_reason_pb2.ErrorReason.DESCRIPTOR
    told = {
        value.name.removeprefix(_PREFIX): comments.get(f"{enum.full_name}.{value.name}", "")
        for value in enum.values
        if value.number
    }
    text = comments.get(enum.full_name, "")
    return {"type": "string", "description": f"{text}\n\n{listed(told)}", "enum": list(told)}
