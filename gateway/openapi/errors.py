"""How errors look in the document: those of the canonical face, and those that the edge answers for everybody."""

from collections.abc import Iterable, Mapping

from google.rpc import error_details_pb2

from gateway.openapi.fragments import Fragment, Json, json_content, response_refs, schema_ref
from gateway.openapi.schemas import Schemas
from gateway.transcode.errors import DOMAIN, HTTP_STATUSES

DETAILS = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)
"""The messages that stand among the details of an error."""

CANONICAL: Mapping[str, str] = {
    "400": "The request breaks rules of the contract, all of which are listed, or does not fit the present state.",
    "401": "No credentials, or none that are live.",
    "403": "The token lacks the scope or level that the method needs.",
    "404": "There is no such thing within the caller's tenant and reach, or a path segment is another method's.",
    "405": "The path ends as that of a method which takes another HTTP method.",
    "409": "An identifier is taken, a request id was used for another request, or two writers met.",
    "412": "The thing is no longer as `If-Match` or `etag` requires.",
    "415": "The body is not JSON in UTF-8.",
    "429": "Too many calls; come again after `Retry-After`.",
    "500": "Something broke on our side; of it only the request's id is told.",
    "502": "The carrier keeps the picture, and does not give it to us: reason PROOF_UNAVAILABLE.",
    "503": "Not available at the moment; come again after `Retry-After`.",
    "504": "It took longer than it may; it did all or nothing.",
}
EDGE: Mapping[str, str] = {
    "400": "The request is not proper HTTP.",
    "401": "Missing or wrong credentials, or no such source: which one is not told.",
    "404": "Nothing has this path.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "500": "Something broke on our side.",
    "503": "Not now; send it again after `Retry-After`.",
}
_WITH_RETRY = ("429", "500", "502", "503", "504")
EXAMPLE = {
    "code": 5,
    "status": "NOT_FOUND",
    "message": "no delivery dlv_01kdf0g5aqe4rt0kw1yr2d6m8x here",
    "details": [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "NOT_FOUND",
            "domain": DOMAIN,
            "metadata": {"resource": "delivery", "id": "dlv_01kdf0g5aqe4rt0kw1yr2d6m8x"},
        }
    ],
}
_EDGE_EXAMPLE = {
    "error": {
        "code": 503,
        "status": "UNAVAILABLE",
        "message": "not stored: send it again",
        "requestId": "req-5f0c1d2e3b4a69788796a5b4",
    }
}


def canonical_responses(statuses: Iterable[str]) -> Json:
    """The error answers of a canonical operation; what is too large or too slow, the edge answers."""
    told = sorted({*statuses})
    return response_refs({status: ("Edge" if status in ("408", "413") else "Error") + status for status in told})


def edge_responses(*statuses: str) -> Json:
    """The error answers of a route without a dialect of its own."""
    return response_refs({status: f"Edge{status}" for status in statuses})


def fragment(schemas: Schemas, reasons: Json) -> Fragment:
    """The components that both kinds of references lead to. `reasons` is the schema of the contract's reasons."""
    details = [_detail(schemas, detail.DESCRIPTOR.name, detail) for detail in DETAILS]
    return Fragment(
        schemas={"Error": _error(details), "Reason": reasons, "EdgeError": _edge_error()},
        responses={
            **{f"Error{status}": _response(status, told, "Error", EXAMPLE) for status, told in CANONICAL.items()},
            **{f"Edge{status}": _response(status, told, "EdgeError", _EDGE_EXAMPLE) for status, told in EDGE.items()},
        },
        headers={
            "RetryAfter": {
                "description": "After how many seconds to come again.",
                "schema": {"type": "integer", "minimum": 1},
            },
            "RequestId": {
                "description": "Names the request in our logs; the caller's own, if it sent a proper one.",
                "schema": {"type": "string"},
            },
        },
    )


def _detail(schemas: Schemas, name: str, message: type) -> Json:
    schemas.message(message.DESCRIPTOR)  # type: ignore[attr-defined]  # every message has one
    schema = schemas.components[name]
    kind = {"const": f"type.googleapis.com/google.rpc.{name}"}
    schema["properties"] = {"@type": kind, **schema["properties"]}
    schema["required"] = ["@type", *schema.get("required", [])]
    if name == "ErrorInfo":
        schema["properties"]["reason"] = schema_ref("Reason")
        schema["properties"]["domain"] = {"const": DOMAIN}
        schema["required"] += ["reason", "domain"]
    return schema_ref(name)


def _error(details: list[Json]) -> Json:
    others = {
        "type": "object",
        "description": "Another message, which its type names.",
        "properties": {"@type": {"type": "string"}},
        "required": ["@type"],
    }
    return {
        "type": "object",
        "description": "`google.rpc.Status` as JSON, with the name of its code. `details` has exactly one `ErrorInfo`, "
        "whose reason is for programs; `BadRequest` lists every violation, `RetryInfo` stands with errors that pass.",
        "properties": {
            "code": {"type": "integer", "description": "The number of the gRPC code."},
            "status": {
                "type": "string",
                "enum": sorted({code.name for code in HTTP_STATUSES} - {"OK"}),
                "description": "The name of the gRPC code.",
            },
            "message": {"type": "string", "description": "For developers; never to be parsed."},
            "details": {"type": "array", "items": {"anyOf": [*details, others]}},
        },
        "required": ["code", "status", "message", "details"],
    }


def _edge_error() -> Json:
    members = {
        "code": {"type": "integer", "description": "The HTTP status."},
        "status": {"type": "string", "description": "The name of the gRPC code that it stands for."},
        "message": {"type": "string", "description": "For people."},
        "requestId": {"type": "string", "description": "Names the request in our logs."},
    }
    error = {"type": "object", "properties": members, "required": list(members)}
    return {
        "type": "object",
        "description": "An error outside of the dialects and the canonical face.",
        "properties": {"error": error},
        "required": ["error"],
    }


def _response(status: str, told: str, schema: str, example: Json) -> Json:
    headers = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    if status in _WITH_RETRY:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    fitting = status == str(example.get("error", {"code": 404})["code"])
    more = {"example": example} if fitting else {}
    return {"description": told, "headers": headers, "content": json_content(schema_ref(schema), **more)}
