"""What came of a call to a carrier, read as the contract says; pure, knows no call.

OK is a yes even where it holds a refusal, which the caller reads; OK without any outcome, or with one that nobody could
keep, is nothing certain.
"""

from enum import Enum
from typing import Any, NamedTuple

import grpc
import protovalidate

from services.errors import Problem
from services.interceptors.validation import field_path
from services.storable import require_storable


class Certainty(Enum):
    """How far a call to a carrier can be believed."""

    YES = "it answered"
    NO = "it refused before anything was done"
    UNCERTAIN = "nobody knows whether anything was done"
    NOT_ASKED = "it was not called"


class Reply(NamedTuple):
    """What came of a call. ``response`` is set with YES alone; ``explanation``, a sentence, with all others."""

    certainty: Certainty
    response: Any = None
    explanation: str = ""


CLEAR_NO = frozenset(
    (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    )
)
"""The codes that a carrier sends only before anything was done."""
_TOO_LARGE_FOR_US = "CLIENT: Received message larger than max"
"""Our own gRPC says RESOURCE_EXHAUSTED of an answer that is too large: the carrier did what it was asked."""
_LONGEST = 500


def of_response(response: Any) -> Reply:
    """What an OK comes down to."""
    if broken := _broken(response):
        return Reply(Certainty.UNCERTAIN, explanation=f"Its answer breaks the contract: {broken}"[:_LONGEST])
    if "outcome" in response.DESCRIPTOR.oneofs_by_name and response.WhichOneof("outcome") is None:
        return Reply(Certainty.UNCERTAIN, explanation="It answered without saying anything.")
    return Reply(Certainty.YES, response)


def _broken(response: Any) -> str:
    """What in an answer could not be kept or shown; empty for a right one."""
    if violations := protovalidate.collect_violations(response):
        first = violations[0].proto
        return f"{field_path(first)}: {first.message}"
    try:
        require_storable(response)
    except Problem as reason:
        return reason.message
    return ""


def of_error(code: grpc.StatusCode, details: str | None) -> Reply:
    """What an error comes down to."""
    told = (details or "")[:_LONGEST]
    certain = code in CLEAR_NO and _TOO_LARGE_FOR_US not in (details or "")
    explanation = f"{code.name}: {told}" if told else f"{code.name}."
    return Reply(Certainty.NO if certain else Certainty.UNCERTAIN, explanation=explanation)


def not_asked(why: str) -> Reply:
    """It was not called, for a reason of ours."""
    return Reply(Certainty.NOT_ASKED, explanation=why)
