"""What an answer, or the lack of one, means for a message; pure, and knows no schedule: the services have that."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias

from crossdock.v1 import subscription_pb2 as pb
from crossdock.v1.subscription_pb2 import AttemptOutcome

from gateway.egress import Blocked, EgressFailed, TimedOut

Outcome: TypeAlias = "AttemptOutcome.ValueType"

SUCCEEDED, REFUSED, GONE, THROTTLED = (
    pb.ATTEMPT_OUTCOME_SUCCEEDED,
    pb.ATTEMPT_OUTCOME_REFUSED,
    pb.ATTEMPT_OUTCOME_GONE,
    pb.ATTEMPT_OUTCOME_THROTTLED,
)
TIMED_OUT, UNREACHABLE, BLOCKED, NOT_APPLICABLE = (
    pb.ATTEMPT_OUTCOME_TIMED_OUT,
    pb.ATTEMPT_OUTCOME_UNREACHABLE,
    pb.ATTEMPT_OUTCOME_BLOCKED,
    pb.ATTEMPT_OUTCOME_NOT_APPLICABLE,
)
SETTLED: Final = frozenset((SUCCEEDED, NOT_APPLICABLE))
"""After these the next event of a delivery may be told."""
SILENT: Final = frozenset((TIMED_OUT, UNREACHABLE, BLOCKED))
"""Nobody answered."""
LONGEST_WAIT = timedelta(days=30)
"""What is read of a `Retry-After` at most."""
_STATUSES: Final[dict[int, Outcome]] = {410: GONE, 429: THROTTLED, 503: THROTTLED}
_SECONDS = re.compile(r"[0-9]{1,9}")


def of_status(status: int) -> Outcome:
    """What an HTTP status means. A redirect is a refusal: nobody follows it."""
    if 200 <= status < 300:
        return SUCCEEDED
    return _STATUSES.get(status, REFUSED)


def of_failure(failure: EgressFailed) -> Outcome:
    """What it means that there was no answer."""
    match failure:
        case TimedOut():
            return TIMED_OUT
        case Blocked():
            return BLOCKED
    return UNREACHABLE


def read_retry_after(value: str, now: datetime) -> timedelta | None:
    """`Retry-After` in either of its forms, seconds or an HTTP date; None when it is neither."""
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return min(timedelta(seconds=int(text)), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)  # "-0000": UTC, by somebody who does not say where he is
    return min(max(moment - now, timedelta(0)), LONGEST_WAIT)


def word(outcome: Outcome) -> str:
    """`timed_out` and the like, for logs and metrics."""
    return AttemptOutcome.Name(outcome).removeprefix("ATTEMPT_OUTCOME_").lower()
