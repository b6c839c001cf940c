"""How a ``Problem`` is written into a gRPC status; knows the limits of headers, not where problems come from."""

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from services.errors import TRANSIENT, Problem, Violation

DOMAIN = "crossdock"
# Clients refuse trailers above 8 KiB, and these bytes travel in base64 beside the message.
_VIOLATIONS_BYTES = 4_000
_TEXT_LENGTH = 500


def write_status(problem: Problem) -> Status:
    """The status with exactly one ErrorInfo; BadRequest with the violations; RetryInfo when it may pass."""
    status = Status(code=problem.code.value[0], message=cut(problem.message))
    info = ErrorInfo(reason=problem.reason, domain=DOMAIN)
    for key, value in problem.metadata.items():
        info.metadata[key] = cut(value)
    _add(status, info)
    if problem.violations:
        _add(status, _bad_request(problem.violations))
    seconds = problem.retry_after if problem.retry_after is not None else TRANSIENT.get(problem.reason)
    if seconds is not None:
        delay = Duration()
        delay.FromNanoseconds(int(seconds * 1e9))
        _add(status, RetryInfo(retry_delay=delay))
    return status


def cut(text: str) -> str:
    """The text, or its beginning when it is too long for a header."""
    return text if len(text) <= _TEXT_LENGTH else f"{text[:_TEXT_LENGTH]}…"


def _bad_request(violations: tuple[Violation, ...]) -> BadRequest:
    """All of them; when they are too many for a header, as many as fit and the number of the others."""
    written = BadRequest()
    for number, violation in enumerate(violations):
        written.field_violations.add(
            field=cut(violation.field), description=cut(violation.description), reason=violation.rule
        )
        if written.ByteSize() > _VIOLATIONS_BYTES and number > 0:
            del written.field_violations[number:]
            written.field_violations.add(description=f"and {len(violations) - number} more")
            break
    return written


def _add(status: Status, detail: Message) -> None:
    packed = Any()
    packed.Pack(detail)
    status.details.append(packed)
