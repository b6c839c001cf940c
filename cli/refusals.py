"""How a call that failed is told: one clear line, the broken rules, an exit code by class; calls nothing.

| exit code | because |
|---|---|
| 1 | something broke, here or in the hub |
| 2 | the command line or the request is wrong |
| 3 | there is no such thing |
| 4 | the token is missing, unknown, or may not |
| 5 | the hub cannot be reached, is not ready, or is too busy: try again |
| 6 | it does not fit the state of things |
"""

from collections.abc import Iterable
from typing import NamedTuple, cast

import grpc
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2

_EXIT_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: 2,
    grpc.StatusCode.OUT_OF_RANGE: 2,
    grpc.StatusCode.NOT_FOUND: 3,
    grpc.StatusCode.UNAUTHENTICATED: 4,
    grpc.StatusCode.PERMISSION_DENIED: 4,
    grpc.StatusCode.UNAVAILABLE: 5,
    grpc.StatusCode.DEADLINE_EXCEEDED: 5,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 5,
    grpc.StatusCode.FAILED_PRECONDITION: 6,
    grpc.StatusCode.ALREADY_EXISTS: 6,
    grpc.StatusCode.ABORTED: 6,
}


class Refusal(NamedTuple):
    """What the hub said when it refused a call."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: dict[str, str] = {}  # noqa: RUF012  never changed
    violations: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> "Refusal":
        """Reads the details that every error of the hub carries; without them, what gRPC itself says."""
        reason, metadata = "", dict[str, str]()
        violations: tuple[str, ...] = ()
        for detail in _details(error):
            info, broken = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                reason, metadata = info.reason, dict(info.metadata)
            elif detail.Unpack(broken):
                violations = tuple(f"{each.field}: {each.description}" for each in broken.field_violations)
        return cls(error.code(), error.details() or "", reason, metadata, violations)

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES.get(self.code, 1)

    def lines(self, server: str) -> list[str]:
        """For people, the main thing first."""
        if self.code is grpc.StatusCode.UNAVAILABLE and not self.reason:
            if "handshake failed" in self.message:
                why = self.message.rpartition("OPENSSL_internal:")[2]
                return [f"{server} answers, but TLS fails: {why} (see --tls)"]
            return [f"no hub answers at {server}: is it running (`crossdock up`), and is --server right?"]
        told = self.reason or self.code.name
        # The message may say them itself, as "field: rule" or "field rule".
        said = self.message.replace(": ", " ")
        untold = [each for each in self.violations if each.replace(": ", " ") not in said]
        return [f"{told}: {self.message}", *(f"  {each}" for each in untold)]


def _details(error: grpc.aio.AioRpcError) -> list[Any]:
    trailers = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())
    for name, value in trailers:
        if name == "grpc-status-details-bin" and isinstance(value, bytes):
            return list(status_pb2.Status.FromString(value).details)
    return []
