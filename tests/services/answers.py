"""A failed call as a program sees it, read back from what came over the wire."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status


@dataclass(frozen=True)
class Failure:
    """What a failed call says."""

    code: grpc.StatusCode
    message: str
    infos: list[ErrorInfo]
    violations: list[BadRequest.FieldViolation]
    retries: list[RetryInfo]
    everything: str
    """All texts and bytes that reached the client, for searching."""

    @property
    def reason(self) -> str:
        """The reason of the one ErrorInfo that there must be."""
        assert len(self.infos) == 1, self.everything
        assert self.infos[0].domain == "crossdock"
        return self.infos[0].reason

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of the ErrorInfo."""
        return dict(self.infos[0].metadata)


async def failure_of(call: Awaitable[Any]) -> Failure:
    """Awaits a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return read_failure(caught.value)


def read_failure(error: grpc.aio.AioRpcError) -> Failure:
    """Takes a failed call apart."""
    trailers = [*(error.trailing_metadata() or ()), *(error.initial_metadata() or ())]
    status = Status()
    for key, value in trailers:
        if key == "grpc-status-details-bin":
            assert isinstance(value, bytes)
            status = Status.FromString(value)
            assert status.code == error.code().value[0]
    details: dict[type[Any], list[Any]] = {ErrorInfo: [], BadRequest: [], RetryInfo: []}
    for packed in status.details:
        kind = next(kind for kind in details if packed.Is(kind.DESCRIPTOR))
        details[kind].append(kind.FromString(packed.value))
    return Failure(
        code=error.code(),
        message=error.details() or "",
        infos=details[ErrorInfo],
        violations=[each for found in details[BadRequest] for each in found.field_violations],
        retries=details[RetryInfo],
        everything=f"{error!r} {error.debug_error_string()} {trailers!r} {status}",
    )
