"""How Delivery Solutions' clients are told that a request failed: the documented tables, row by row; knows no route.

Source: the error tables of the Shipping Order API. The body is that of
https://docs.deliverysolutions.co/reference/error-model.
"""

import math
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import grpc
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from gateway import failures
from gateway.dialects.deliverysolutions.members import in_their_words, member
from gateway.dialects.deliverysolutions.wire import Invalid
from gateway.failures import Failure


class Row(NamedTuple):
    """A row of a documented error table."""

    http: int
    transient: bool = False


_HARD_422: Final = Row(422)
_EVERYWHERE: Final = {"UNAUTHORIZED": Row(401), "INTERNAL_SERVER_ERROR": Row(500, transient=True)}
_CARRIERS: Final = {
    "TOO_MANY_REQUESTS": Row(429, transient=True),
    "UNMAPPED_ERROR": Row(422, transient=True),
}
_DISPATCH: Final = {
    "NO_PROVIDER_ASSIGNED": _HARD_422,
    "NO_PROVIDER_MATCHED": _HARD_422,
    "PLACE_ORDER_FAILED": Row(422, transient=True),
    **_CARRIERS,
}
_NOT_FOUND: Final = {"NOT_FOUND": Row(404)}

TABLES: Final[dict[str, dict[str, Row]]] = {
    "create": {
        **_EVERYWHERE,
        "VALIDATION_ERROR": Row(400),
        "INVALID_DATA": _HARD_422,
        "DUPLICATE_ID": _HARD_422,
        "DUPLICATE_NAME": _HARD_422,
        "DUPLICATE_RESOURCE": _HARD_422,
        "GEOCODING_FAILED": _HARD_422,
        **_DISPATCH,
    },
    "list": {**_EVERYWHERE, "INVALID_DATA": Row(400)},
    "get": {**_EVERYWHERE, **_NOT_FOUND, "INVALID_DATA": _HARD_422},
    "cancel": {
        **_EVERYWHERE,
        **_NOT_FOUND,
        "CANCELLATION_NOT_ALLOWED": Row(403),
        "ORDER_CANCELLATION_FAILED": _HARD_422,
        "ORDER_ALREADY_CANCELED": Row(409),
        **_CARRIERS,
    },
    "edit": {
        **_EVERYWHERE,
        **_NOT_FOUND,
        "INVALID_DATA": Row(400),
        "VALIDATION_ERROR": Row(400),
        "GEOCODING_FAILED": _HARD_422,
        **_DISPATCH,
    },
    "history": _EVERYWHERE,
    "retry": {
        **_EVERYWHERE,
        **_NOT_FOUND,
        "INVALID_DATA": _HARD_422,
        "INVALID_OPERATION": Row(409),
        **_DISPATCH,
    },
}
"""The rows of each operation's table, by type: 51 in all."""

_BEYOND: Final = {**_NOT_FOUND, "INVALID_DATA": _HARD_422, **_CARRIERS}
"""What happens in every operation; where a table has no row for it, other operations' row is used."""

_TYPES: Final[dict[str, str]] = {
    "LOCATION_UNKNOWN": "INVALID_DATA",
    "FIELD_LOCKED": "VALIDATION_ERROR",
    "FIELD_IMMUTABLE": "VALIDATION_ERROR",
    "AMENDMENT_REFUSED": "VALIDATION_ERROR",
    "INVALID_REQUEST": "VALIDATION_ERROR",
    "INVALID_PAGE_TOKEN": "INVALID_DATA",
    "TIME_RANGE_TOO_LONG": "INVALID_DATA",
    "DELIVERY_NOT_CANCELLABLE": "ORDER_CANCELLATION_FAILED",
    "RETRY_NOT_POSSIBLE": "INVALID_OPERATION",
    # It passes within seconds, and none of their types says so.
    "DISPATCH_UNDER_WAY": "UNMAPPED_ERROR",
    "ETAG_MISMATCH": "UNMAPPED_ERROR",
}
"""The reasons of the contract that their types name otherwise."""

_OURS: Final = frozenset(("UNAVAILABLE", "SHUTTING_DOWN", "OVERLOADED", "DEADLINE_EXCEEDED"))
_UNAUTHORIZED: Final = frozenset((grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED))
_MESSAGES: Final[dict[str, str]] = {
    "UNAUTHORIZED": "Unauthorized: Invalid or missing authentication token",
    "INTERNAL_SERVER_ERROR": "Internal Server Error: An unexpected error occurred while processing the request",
}
_LEAST_RETRY_SECONDS: Final = 1


class Refused(Exception):
    """A request that is refused with a documented type."""

    def __init__(
        self, kind: str, message: str = "", faults: tuple[tuple[str, str], ...] = (), *, http: int | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message or _MESSAGES.get(kind, "")
        self.faults = faults
        self.http = http
        """Where the documented tables have no row."""
        self.code = ""
        self.provider = ""
        self.retry_seconds: float | None = None


def rows(operation: str) -> dict[str, Row]:
    """Every type that the operation can answer; an operation without name is an address that is not there."""
    return {**_BEYOND, **TABLES.get(operation, _EVERYWHERE)}


def not_found(external_id: str) -> Refused:
    """There is no such shipment in the caller's reach; never tells whether it exists elsewhere."""
    return Refused("NOT_FOUND", f"Not Found: Order with id, {external_id}, is not found")


def render(refused: Refused, operation: str) -> JSONResponse:
    """The documented body, with the status of the operation's own table."""
    row = rows(operation)[refused.kind]
    if refused.http is not None:
        row = row._replace(http=refused.http)
    body: dict[str, Any] = {"type": refused.kind, "message": refused.message or refused.kind}
    if refused.code:
        body["code"] = refused.code
    if refused.provider:
        body["provider"] = refused.provider
    if refused.faults:
        body["errors"] = [{"type": refused.kind, "message": " ".join(fault).strip()} for fault in refused.faults]
    headers = {}
    if row.transient or row.http == 503:
        headers["Retry-After"] = str(max(_LEAST_RETRY_SECONDS, math.ceil(refused.retry_seconds or 0)))
    return JSONResponse(body, row.http, headers)


def of_rpc_error(error: grpc.aio.AioRpcError, operation: str) -> Refused:
    """What the services' refusal is to these clients. Says nothing that the services did not mean to tell."""
    failure = failures.read(error)
    refused = _of_failure(error.code(), failure, operation)
    refused.retry_seconds = failure.retry_seconds
    refused.provider = failure.metadata.get("carrier_ref", "")
    refused.code = failure.metadata.get("answer", "")
    return refused


def _of_failure(code: grpc.StatusCode, failure: Failure, operation: str) -> Refused:
    if code in _UNAUTHORIZED and failure.reason != "CANCELLATION_NOT_ALLOWED":
        return Refused("UNAUTHORIZED")
    if not failure.reason or failure.reason in _OURS:
        return Refused("INTERNAL_SERVER_ERROR", http=503)
    if failure.reason == "INTERNAL":
        return Refused("INTERNAL_SERVER_ERROR")
    if failure.reason == "NOT_FOUND":
        return not_found(failure.metadata.get("id", ""))
    kind = _TYPES.get(failure.reason, failure.reason)
    table = rows(operation)
    if kind not in table:
        kind = next((each for each in ("VALIDATION_ERROR", "INVALID_DATA") if each in table), "UNMAPPED_ERROR")
    faults = tuple((member(each.field), in_their_words(each.description)) for each in failure.violations)
    return Refused(kind, _told(failure), faults)


def _told(failure: Failure) -> str:
    if failure.reason == "LOCATION_UNKNOWN":
        return (
            f"Invalid Data: No such locationExternalId exists in our system: {failure.metadata.get('value', '')}. "
            "Please provide a valid locationExternalId."
        )
    if failure.reason == "FIELD_LOCKED" and failure.metadata.get("field", "").endswith("parcels"):
        return "packages parameter cannot be changed post order dispatch"
    if failure.reason == "TIME_RANGE_TOO_LONG":
        return "Invalid Data: lastUpdatedAt date range cannot be greater than 30 days"
    if failure.reason == "RETRY_NOT_POSSIBLE":
        return "The Order can no longer be retried"
    if failure.reason == "ORDER_ALREADY_CANCELED":
        return "Requested order is already in Cancelled state."
    if failure.reason == "DUPLICATE_ID":
        return "Resource with provided id already exists."
    return in_their_words(failure.message)


def of_invalid(error: Invalid, operation: str) -> Refused:
    """A document with wrong fields."""
    kind = "VALIDATION_ERROR" if operation == "create" else "INVALID_DATA"
    return Refused(kind, f"Invalid Data: {error}", error.faults)


_BY_HTTP: Final[dict[int, str]] = {
    408: "UNMAPPED_ERROR",  # it may well pass
    413: "INVALID_DATA",
    500: "INTERNAL_SERVER_ERROR",
    503: "INTERNAL_SERVER_ERROR",
}
"""Their types for what they document nothing for; any other is an address that is not there, or another method."""


def of_http(status: int, message: str) -> Refused:
    """A request that no operation of theirs was reached by."""
    kind = _BY_HTTP.get(status, "NOT_FOUND")
    return Refused(kind, _MESSAGES.get(kind, message), http=status)


def envelope(code: HTTPStatus, message: str, _: str) -> JSONResponse:
    """The documented body for what the gateway refuses before the dialect has it; the request's id is in a header."""
    return render(of_http(code, message), "")


READERS: Final[dict[type[Exception], Callable[[Any, str], Refused]]] = {
    Refused: lambda error, _: error,
    Invalid: of_invalid,
    grpc.aio.AioRpcError: of_rpc_error,
    HTTPException: lambda error, _: of_http(error.status_code, error.detail),
    # The last resort. The edge around us logs the error, which is raised on.
    Exception: lambda _, __: Refused("INTERNAL_SERVER_ERROR"),
}
"""What becomes of whatever a route raises."""
