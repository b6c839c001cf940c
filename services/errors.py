"""The one kind of error that services raise; knows reasons and their gRPC codes, not how a status is sent."""

from dataclasses import dataclass, field

import grpc
from crossdock.v1.error_reason_pb2 import ErrorReason

_CODES: dict[str, tuple[str, ...]] = {
    "INTERNAL": ("INTERNAL",),
    "UNIMPLEMENTED": ("METHOD_NOT_SERVED",),
    "INVALID_ARGUMENT": (
        "INVALID_REQUEST",
        "INVALID_PAGE_TOKEN",
        "LOCATION_UNKNOWN",
        "GEOCODING_FAILED",
        "TIME_RANGE_TOO_LONG",
        "ADDRESS_NOT_ALLOWED",
    ),
    "UNAUTHENTICATED": ("TOKEN_INVALID", "TOKEN_ENDED"),
    "PERMISSION_DENIED": ("SCOPE_MISSING", "CANCELLATION_NOT_ALLOWED"),
    "NOT_FOUND": ("NOT_FOUND",),
    "ALREADY_EXISTS": ("REQUEST_ID_REUSED", "DUPLICATE_ID", "DUPLICATE_NAME", "DUPLICATE_RESOURCE"),
    "ABORTED": ("ETAG_MISMATCH", "PLACE_ORDER_FAILED", "DISPATCH_UNDER_WAY"),
    "RESOURCE_EXHAUSTED": ("OVERLOADED", "TOO_MANY_REQUESTS"),
    "UNAVAILABLE": ("UNAVAILABLE", "SLOW_READER", "SHUTTING_DOWN", "UNMAPPED_ERROR", "PROOF_UNAVAILABLE"),
    "DEADLINE_EXCEEDED": ("DEADLINE_EXCEEDED",),
    "OUT_OF_RANGE": ("CURSOR_TOO_OLD",),
    "FAILED_PRECONDITION": (
        "DELIVERY_ALREADY_EXISTS",
        "SERVICE_TYPE_NOT_DELIVERY",
        "FIELD_IMMUTABLE",
        "STATUS_NOT_REACHABLE",
        "DELIVERY_NOT_CANCELLABLE",
        "DELIVERY_ALREADY_CANCELLED",
        "PROOF_NOT_STORED",
        "NO_PROVIDER_ASSIGNED",
        "NO_PROVIDER_MATCHED",
        "ORDER_CANCELLATION_FAILED",
        "ORDER_ALREADY_CANCELED",
        "RETRY_NOT_POSSIBLE",
        "FIELD_LOCKED",
        "AMENDMENT_REFUSED",
        "RETURN_NOT_POSSIBLE",
        "CARRIER_IN_USE",
        "SUBSCRIPTION_NOT_PASSIVE",
    ),
}
CODES: dict[str, grpc.StatusCode] = {
    reason: getattr(grpc.StatusCode, code) for code, reasons in _CODES.items() for reason in reasons
}
"""The gRPC code of every reason, as the comments of ``ErrorReason`` document it."""

TRANSIENT: dict[str, float] = {
    "INTERNAL": 1.0,
    "OVERLOADED": 0.5,
    "TOO_MANY_REQUESTS": 1.0,
    "UNAVAILABLE": 1.0,
    "SLOW_READER": 0.1,
    "SHUTTING_DOWN": 0.5,
    "DEADLINE_EXCEEDED": 1.0,
    "PLACE_ORDER_FAILED": 5.0,
    "UNMAPPED_ERROR": 5.0,
    "DISPATCH_UNDER_WAY": 2.0,
    "PROOF_UNAVAILABLE": 5.0,
}
"""The reasons after which a caller may try again, with the seconds to wait that ``RetryInfo`` tells."""


@dataclass(frozen=True)
class Violation:
    """One broken rule of a request: the field's path, a stable rule name and a sentence."""

    field: str
    description: str
    rule: str = ""


@dataclass
class Problem(Exception):
    """A failure that the caller is meant to see.

    ``reason`` is a name of ``ErrorReason`` without its prefix; ``message`` a sentence for developers that
    never quotes internals; ``metadata`` holds exactly the keys that the reason's comment lists.
    """

    reason: str
    message: str
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    retry_after: float | None = None

    def __post_init__(self) -> None:
        """Refuses reasons that the contract does not know: a programming error, found by the first test."""
        ErrorReason.Value(f"ERROR_REASON_{self.reason}")
        super().__init__(self.message)

    @property
    def code(self) -> grpc.StatusCode:
        """The gRPC code that belongs to the reason."""
        return CODES[self.reason]


def not_found(resource: str, identifier: str) -> Problem:
    """There is no such thing in the caller's tenant and reach: never tells whether it exists elsewhere."""
    return Problem("NOT_FOUND", f"no {resource} {identifier!r} here", {"resource": resource, "id": identifier})


def invalid(field_path: str, description: str, rule: str = "") -> Problem:
    """One field breaks a rule that the contract cannot state by itself."""
    return Problem(
        "INVALID_REQUEST", f"{field_path}: {description}", violations=(Violation(field_path, description, rule),)
    )


def etag_mismatch(resource: str, identifier: str) -> Problem:
    """The thing changed since the caller read it."""
    return Problem(
        "ETAG_MISMATCH",
        f"{resource} {identifier} changed since it was read: read it again",
        {"resource": resource, "id": identifier},
    )


def has_delivery(order_id: str, delivery_id: str) -> Problem:
    """The order's place for a delivery is taken; which one took it is not known when it did so just now."""
    metadata = {"order_id": order_id, "delivery_id": delivery_id}
    return Problem("DELIVERY_ALREADY_EXISTS", "the order has a delivery already", metadata)
