"""The one JSON form of an error outside of the dialects, which have forms of their own."""

import json
from http import HTTPStatus

# google.rpc.Code's names for what the edge and the routes without a dialect of their own can answer.
_STATUS_NAMES = {
    HTTPStatus.BAD_REQUEST: "INVALID_ARGUMENT",
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.METHOD_NOT_ALLOWED: "UNIMPLEMENTED",
    HTTPStatus.REQUEST_TIMEOUT: "DEADLINE_EXCEEDED",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "RESOURCE_EXHAUSTED",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL",
    HTTPStatus.SERVICE_UNAVAILABLE: "UNAVAILABLE",
}


def error_body(code: HTTPStatus, message: str, request_id: str) -> bytes:
    """Render `{"error": {"code", "status", "message", "requestId"}}`."""
    error = {"code": int(code), "status": _STATUS_NAMES[code], "message": message, "requestId": request_id}
    return json.dumps({"error": error}, separators=(",", ":")).encode()
