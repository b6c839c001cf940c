"""What the services said when they refused a call: reason, broken rules, when to try again; renders nothing."""

from dataclasses import dataclass, field

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from grpc_status import rpc_status


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal in the words of the contract; all of it is empty when nobody of ours said it."""

    reason: str = ""
    """A name of `ErrorReason` without its prefix."""
    metadata: dict[str, str] = field(default_factory=dict)
    message: str = ""
    """A sentence for developers."""
    violations: tuple[BadRequest.FieldViolation, ...] = ()
    retry_seconds: float | None = None


def read(error: grpc.aio.AioRpcError) -> Failure:
    """The details of a failed call."""
    try:
        status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has all that is asked of a call
    except ValueError:
        status = None
    if status is None:
        # The details are gRPC's own, with addresses in them.
        return Failure()
    info, bad, retry, seconds = ErrorInfo(), BadRequest(), RetryInfo(), None
    for detail in status.details:
        if detail.Is(ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
        elif detail.Is(BadRequest.DESCRIPTOR):
            detail.Unpack(bad)
        elif detail.Unpack(retry):
            seconds = retry.retry_delay.ToTimedelta().total_seconds()
    return Failure(info.reason, dict(info.metadata), status.message, tuple(bad.field_violations), seconds)
