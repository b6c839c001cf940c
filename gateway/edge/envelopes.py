"""The one JSON form of an error that the edge answers itself; dialects have forms of their own."""

import json
from http import HTTPStatus

# google.rpc.Code's names for what the edge can answer.
_STATUS_NAMES = {
    HTTPStatus.REQUEST_TIMEOUT: "DEADLINE_EXCEEDED",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "RESOURCE_EXHAUSTED",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL",
}


def error_body(code: HTTPStatus, message: str, request_id: str) -> bytes:
    """Render `{"error": {"code", "status", "message", "requestId"}}`."""
    error = {"code": int(code), "status": _STATUS_NAMES[code], "message": message, "requestId": request_id}
    return json.dumps({"error": error}, separators=(",", ":")).encode()
