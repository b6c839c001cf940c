"""The exception with which this face says no to a request, and the list of what is wrong with one; knows no HTTP header
of its own and renders nothing."""

from dataclasses import dataclass, field
from typing import NamedTuple

import grpc

MAX_VIOLATIONS = 100


class Violation(NamedTuple):
    """One broken rule: the field's path, a sentence, and the rule's stable name."""

    field: str
    description: str
    rule: str


@dataclass
class Refusal(Exception):
    """What the caller is told; `reason` is a name of the contract's `ErrorReason` without its prefix."""

    code: grpc.StatusCode
    reason: str
    message: str
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    http_status: int | None = None
    """Where HTTP has a more exact word than the gRPC code."""
    headers: dict[str, str] = field(default_factory=dict)
    retry_seconds: int = 0
    """When to try again, for what may pass."""

    def __post_init__(self) -> None:
        super().__init__(self.message)


class Faults:
    """Collects what is wrong with a request, so that a client is told everything at once."""

    def __init__(self) -> None:
        self._found: list[Violation] = []
        self._more = 0

    def add(self, path: str, description: str, rule: str) -> None:
        """Notes one broken rule at a field's path."""
        if len(self._found) < MAX_VIOLATIONS:
            self._found.append(Violation(path, description, rule))
        else:
            self._more += 1

    def raise_if_any(self) -> None:
        """Raises the refusal with all that was noted."""
        if not self._found:
            return
        if self._more:
            self._found.append(Violation("", f"and {self._more} more", "more"))
        raise invalid(*self._found)


def invalid(*violations: Violation, http_status: int | None = None) -> Refusal:
    """The request breaks these rules."""
    told = "; ".join(f"{each.field}: {each.description}" if each.field else each.description for each in violations)
    return Refusal(
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_REQUEST",
        told,
        violations=violations,
        http_status=http_status,
    )


def shutting_down() -> Refusal:
    """This process ends; another one, or the same one soon, goes on."""
    message = "this process is shutting down"
    return Refusal(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", message, retry_seconds=1)
