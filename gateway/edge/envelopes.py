"""The JSON form of an error that no route made, by the address that was asked; knows no dialect."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus

from starlette.responses import Response

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

Envelope = Callable[[HTTPStatus, str, str], Response]
"""Makes the answer to a request that failed, of its status, a sentence for people and the request's id."""


class Envelopes:
    """Which form an error has, by the address that was asked: ``by_prefix`` has those that differ from ours."""

    def __init__(self, by_prefix: Mapping[str, Envelope]) -> None:
        self._by_prefix = by_prefix

    def of(self, path: str) -> Envelope:
        """The form of errors at this path."""
        for prefix, envelope in self._by_prefix.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                return envelope
        return own_envelope


def own_envelope(code: HTTPStatus, message: str, request_id: str) -> Response:
    """`{"error": {"code", "status", "message", "requestId"}}`."""
    error = {"code": int(code), "status": _STATUS_NAMES[code], "message": message, "requestId": request_id}
    body = json.dumps({"error": error}, separators=(",", ":")).encode()
    return Response(body, code, media_type="application/json")
