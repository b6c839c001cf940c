"""Renders errors as JSON: `google.rpc.Status` with the name of its code, and the HTTP status that stands for it.

An error of the services goes through as it is. One that has no details, because it arose between them and us, is told
without its text, which may name addresses of the inside.
"""

import math
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from gateway.transcode.answers import encoded
from gateway.transcode.refusals import Refusal
from gateway.transcode.writers import writer_of

DOMAIN = "crossdock"
HTTP_STATUSES: dict[grpc.StatusCode, int] = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DATA_LOSS: 500,
}
"""The table of google/rpc/code.proto."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_NO_DETAILS: dict[grpc.StatusCode, tuple[str, str]] = {
    grpc.StatusCode.UNAVAILABLE: ("UNAVAILABLE", "the services do not answer at the moment"),
    grpc.StatusCode.DEADLINE_EXCEEDED: ("DEADLINE_EXCEEDED", "the services did not answer in time"),
    grpc.StatusCode.CANCELLED: ("UNAVAILABLE", "the call was cancelled"),
}
_RETRY_SECONDS = 1
_write_status = writer_of(Status.DESCRIPTOR)


@dataclass
class Problem:
    """An error ready to be sent: in an answer of its own, or as the last word of a stream."""

    http_status: int
    headers: dict[str, str]
    error: dict[str, Any]

    @property
    def body(self) -> bytes:
        """The body of an answer."""
        return encoded(self.error)


def problem_of_call(failure: grpc.aio.AioRpcError, *, conditional: bool = False) -> Problem:
    """What the services, or the way to them, said. `conditional`: the client made the change depend on an etag."""
    status = _details(failure) or _without_details(failure.code())
    return _problem(status, conditional=conditional)


def problem_of_refusal(refusal: Refusal) -> Problem:
    """What this face itself refuses."""
    status = Status(code=refusal.code.value[0], message=refusal.message)
    status.details.add().Pack(ErrorInfo(reason=refusal.reason, domain=DOMAIN, metadata=refusal.metadata))
    if refusal.violations:
        bad = BadRequest()
        for each in refusal.violations:
            bad.field_violations.add(field=each.field, description=each.description, reason=each.rule)
        status.details.add().Pack(bad)
    if refusal.retry_seconds:
        status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=refusal.retry_seconds)))
    problem = _problem(status)
    problem.http_status = refusal.http_status or problem.http_status
    problem.headers.update(refusal.headers)
    return problem


def internal_problem(request_id: str) -> Problem:
    """Something broke here; nothing of it is told but the request's id."""
    status = Status(code=grpc.StatusCode.INTERNAL.value[0], message="something broke on our side")
    info = ErrorInfo(reason="INTERNAL", domain=DOMAIN, metadata={"request_id": request_id})
    status.details.add().Pack(info)
    status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=_RETRY_SECONDS)))
    return _problem(status)


def _problem(status: Status, *, conditional: bool = False) -> Problem:
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    headers: dict[str, str] = {}
    http_status = HTTP_STATUSES[code]
    info, retry = ErrorInfo(), RetryInfo()
    for detail in status.details:
        if detail.Unpack(retry):
            delay = retry.retry_delay
            headers["Retry-After"] = str(max(1, math.ceil(delay.seconds + delay.nanos / 1e9)))
        else:
            detail.Unpack(info)
    if code is grpc.StatusCode.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="crossdock"'
    if conditional and info.reason == "ETAG_MISMATCH":
        http_status = 412
    written = _write_status(status)
    error = {"code": status.code, "status": code.name, "message": status.message, "details": written.get("details", [])}
    return Problem(http_status, headers, error)


def _details(failure: grpc.aio.AioRpcError) -> Status | None:
    trailers: Any = failure.trailing_metadata() or ()
    for key, value in trailers:
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            try:
                return Status.FromString(value)
            except DecodeError:
                return None
    return None


def _without_details(code: grpc.StatusCode) -> Status:
    reason, message = _NO_DETAILS.get(code, ("INTERNAL", "something broke on our side"))
    if reason == "INTERNAL":
        code = grpc.StatusCode.INTERNAL
    elif code is grpc.StatusCode.CANCELLED:
        code = grpc.StatusCode.UNAVAILABLE
    status = Status(code=code.value[0], message=message)
    status.details.add().Pack(ErrorInfo(reason=reason, domain=DOMAIN))
    status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=_RETRY_SECONDS)))
    return status
