"""How HubRise's clients are told that a request failed: one table, one body; knows no route.

HubRise documents eight `error_type`s and no status beyond those below but 304. Where our services fail in a way
that passes, HubRise documents nothing: we answer 503 with `Retry-After`, which its clients treat like its 500.
"""

import math
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import grpc
from crossdock.v1.delivery_pb2 import DeliveryStatus
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from gateway import failures
from gateway.dialects.hubrise.wire import FieldError, Invalid
from gateway.dialects.hubrise.words import shown
from gateway.failures import Failure


class Kind(NamedTuple):
    """How a failure looks to HubRise's clients."""

    status: HTTPStatus
    error_type: str


UNAUTHORIZED: Final = Kind(HTTPStatus.UNAUTHORIZED, "unauthorized")
FORBIDDEN: Final = Kind(HTTPStatus.FORBIDDEN, "forbidden")
NOT_FOUND: Final = Kind(HTTPStatus.NOT_FOUND, "not_found")
ROUTING: Final = Kind(HTTPStatus.NOT_FOUND, "routing_error")
UNPROCESSABLE: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "unprocessable_entity")
# HubRise lists status 400 and no type of its own for it.
BAD_REQUEST: Final = Kind(HTTPStatus.BAD_REQUEST, "unprocessable_entity")
UNSUPPORTED: Final = Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
TOO_MANY: Final = Kind(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests")
INTERNAL: Final = Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error")
UNAVAILABLE: Final = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "internal_error")

CODES: Final[dict[grpc.StatusCode, Kind]] = {
    grpc.StatusCode.CANCELLED: UNAVAILABLE,
    grpc.StatusCode.UNKNOWN: INTERNAL,
    grpc.StatusCode.INVALID_ARGUMENT: UNPROCESSABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: UNAVAILABLE,
    grpc.StatusCode.NOT_FOUND: NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS: UNPROCESSABLE,
    grpc.StatusCode.PERMISSION_DENIED: FORBIDDEN,
    grpc.StatusCode.RESOURCE_EXHAUSTED: TOO_MANY,
    grpc.StatusCode.FAILED_PRECONDITION: UNPROCESSABLE,
    # Two writers met, and kept meeting: it passes.
    grpc.StatusCode.ABORTED: UNAVAILABLE,
    grpc.StatusCode.OUT_OF_RANGE: UNPROCESSABLE,
    grpc.StatusCode.UNIMPLEMENTED: ROUTING,
    grpc.StatusCode.INTERNAL: INTERNAL,
    grpc.StatusCode.UNAVAILABLE: UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS: INTERNAL,
    grpc.StatusCode.UNAUTHENTICATED: UNAUTHORIZED,
}
REASONS: Final[dict[str, Kind]] = {
    # The process has too much to do, not this client.
    "OVERLOADED": UNAVAILABLE,
}
"""The reasons that are told otherwise than their gRPC code."""

BASE: Final = "base"
FIELDS: Final[dict[str, FieldError]] = {
    "DELIVERY_ALREADY_EXISTS": FieldError(BASE, "the order has a delivery already"),
    "SERVICE_TYPE_NOT_DELIVERY": FieldError(BASE, "the order's service_type is not delivery"),
    "DELIVERY_NOT_CANCELLABLE": FieldError("status", "the delivery cannot be cancelled any more"),
    "DELIVERY_ALREADY_CANCELLED": FieldError("status", "the delivery is cancelled already"),
    "DUPLICATE_ID": FieldError("private_ref", "has already been taken"),
    "INVALID_PAGE_TOKEN": FieldError("cursor", "is not a cursor of this list"),
}
"""The reasons that are told as an error of a field, or of the thing as a whole."""

_IN_THE_ADDRESS = frozenset(
    ("order_id", "location_id", "delivery.order_id", "delivery.location_id", "order.id", "order.location_id")
) | {"location_ids"}
"""Paths of the contract that come from the request's address: what is wrong with them is not there."""
_MEMBERS = {
    "tracking_number": "ref",
    "courier.name": "driver_name",
    "courier.phone.raw": "driver_phone",
    "courier.phone.access_code": "driver_phone_access_code",
    # Both coordinates or neither.
    "position": "driver_latitude",
    "position.latitude": "driver_latitude",
    "position.longitude": "driver_longitude",
    "links.tracking_url": "tracking_url",
    "links.driver_pickup_url": "driver_pickup_url",
    "page_token": "cursor",
}
"""The documents' names of the contract's members, where they differ."""

_STATUSES = dict(DeliveryStatus.items())
_MESSAGES: Final[dict[HTTPStatus, str]] = {
    HTTPStatus.UNPROCESSABLE_ENTITY: "Validation failed",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something broke on our side",
    HTTPStatus.SERVICE_UNAVAILABLE: "The service is not available at the moment",
    HTTPStatus.UNAUTHORIZED: "The access token is missing or not valid",
}
LEAST_RETRY_SECONDS = 1


class Refused(Exception):
    """A request that this dialect refuses by itself."""

    def __init__(self, kind: Kind, message: str = "", errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.errors = errors


def not_found(thing: str, identifier: str) -> Refused:
    """There is no such thing in the caller's reach; never tells whether it exists elsewhere."""
    return Refused(NOT_FOUND, f"no {thing} {identifier!r} here")


def render(refusal: Refused, retry_seconds: float | None = None) -> JSONResponse:
    """The body that HubRise documents; a routing error has nothing but its type."""
    body: dict[str, object] = {}
    message = refusal.message or _MESSAGES.get(refusal.kind.status, "")
    if message and refusal.kind != ROUTING:
        body["message"] = message
    if refusal.errors:
        body["errors"] = [error._asdict() for error in refusal.errors]
    body["error_type"] = refusal.kind.error_type
    headers = {}
    if retry_seconds is not None or refusal.kind in (UNAVAILABLE, TOO_MANY):
        headers["Retry-After"] = str(max(LEAST_RETRY_SECONDS, math.ceil(retry_seconds or 0)))
    return JSONResponse(body, refusal.kind.status, headers)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The reason that the services gave, without prefix; empty when they did not answer at all."""
    return failures.read(error).reason


def render_rpc_error(error: grpc.aio.AioRpcError) -> JSONResponse:
    """What the services' refusal is to HubRise's clients. Says nothing that the services did not mean to tell."""
    failure = failures.read(error)
    told = failure.message
    kind = REASONS.get(failure.reason) or CODES.get(error.code(), INTERNAL)
    errors = tuple(FieldError(_member(each.field) or BASE, each.description) for each in failure.violations)
    if any(each.field in _IN_THE_ADDRESS for each in failure.violations):
        kind, told, errors = NOT_FOUND, "no such order or location here", ()
    elif kind == UNPROCESSABLE:
        errors = errors or (_field_error(failure),)
        told = ""
    if kind in (INTERNAL, UNAVAILABLE, UNAUTHORIZED):
        told = ""
    return render(Refused(kind, told, errors), failure.retry_seconds)


def _field_error(failure: Failure) -> FieldError:
    if failure.reason == "STATUS_NOT_REACHABLE":
        here, wanted = (_shown(failure.metadata[key]) for key in ("from", "to"))
        return FieldError("status", f"cannot change from '{here}' to '{wanted}'")
    if failure.reason == "FIELD_IMMUTABLE":
        return FieldError(_member(failure.metadata["field"]), "cannot be updated")
    return FIELDS.get(failure.reason) or FieldError(BASE, failure.message)


def _shown(name: str) -> str:
    """The document's word for a status of the contract."""
    return shown(_STATUSES[name]) if name in _STATUSES else name


def _member(path: str) -> str:
    """Tells that "delivery.courier.name" is HubRise's "driver_name"."""
    member = path.removeprefix("delivery.").removeprefix("order.")
    return _MEMBERS.get(member, member)


_BY_HTTP: Final[dict[HTTPStatus, Kind]] = {
    HTTPStatus.REQUEST_TIMEOUT: Kind(HTTPStatus.REQUEST_TIMEOUT, "unprocessable_entity"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "unprocessable_entity"),
    HTTPStatus.INTERNAL_SERVER_ERROR: INTERNAL,
    HTTPStatus.SERVICE_UNAVAILABLE: UNAVAILABLE,
}


def of_http(status: HTTPStatus, message: str) -> Refused:
    """A request that reached no route; an address that is not there and another method are alike to HubRise."""
    kind = _BY_HTTP.get(status, ROUTING)
    return Refused(kind, "" if kind in (INTERNAL, UNAVAILABLE) else message)


RENDERERS: Final[dict[type[Exception], Callable[[Any], JSONResponse]]] = {
    Refused: render,
    Invalid: lambda error: render(Refused(UNPROCESSABLE, errors=error.errors)),
    grpc.aio.AioRpcError: render_rpc_error,
    # An address that is not there, or another method: HubRise tells both alike.
    HTTPException: lambda _: render(Refused(ROUTING)),
    # The last resort. The edge around us logs the error, which is raised on.
    Exception: lambda _: render(Refused(INTERNAL)),
}
"""What becomes of whatever a route raises."""
