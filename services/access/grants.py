"""What a new token may be, given who makes it; pure."""

from datetime import datetime

from crossdock.v1.access_pb2 import AccessLevel, Scope, Token

from services.callers import Caller
from services.errors import Problem, Violation, invalid
from services.times import to_datetime

ACCOUNT_ONLY = frozenset(
    {
        Scope.SCOPE_LOCATIONS_WRITE,
        Scope.SCOPE_WEBHOOKS_READ,
        Scope.SCOPE_WEBHOOKS_WRITE,
        Scope.SCOPE_SUBSCRIPTIONS_READ,
        Scope.SCOPE_SUBSCRIPTIONS_WRITE,
        Scope.SCOPE_ACCESS_WRITE,
    }
)
"""Scopes that a token of one location never has."""


def require_grantable(token: Token, maker: Caller, now: datetime) -> None:
    """Raises INVALID_REQUEST if there can be no such token, SCOPE_MISSING if its maker may not make it."""
    if violations := tuple(_violations(token, now)):
        told = "; ".join(f"{violation.field} {violation.description}" for violation in violations)
        raise Problem("INVALID_REQUEST", told, violations=violations)
    if maker.level == AccessLevel.ACCESS_LEVEL_SYSTEM:
        return
    if token.level > maker.level:
        raise Problem(
            "SCOPE_MISSING",
            "a token never has more level than its maker",
            {"scope": "", "level": AccessLevel.Name(token.level)},
        )
    most = maker.calls_per_minute
    if most and token.calls_per_minute > most:
        raise invalid("token.calls_per_minute", f"a token never calls more often than its maker: {most}")
    for scope in sorted(set(token.scopes) - maker.scopes):
        raise Problem(
            "SCOPE_MISSING",
            "a token never has more scopes than its maker",
            {"scope": Scope.Name(scope), "level": AccessLevel.Name(token.level)},
        )


def _violations(token: Token, now: datetime) -> list[Violation]:
    found = []
    if token.level == AccessLevel.ACCESS_LEVEL_UNSPECIFIED:
        found.append(Violation("token.level", "is required", "required"))
    if token.level == AccessLevel.ACCESS_LEVEL_SYSTEM:
        found.append(Violation("token.level", "can only be that of the deployment's own key", "token.level"))
    if not token.scopes:
        found.append(Violation("token.scopes", "is required", "required"))
    if Scope.SCOPE_UNSPECIFIED in token.scopes:
        found.append(Violation("token.scopes", "must not contain SCOPE_UNSPECIFIED", "token.scopes"))
    of_location = token.level == AccessLevel.ACCESS_LEVEL_LOCATION
    if of_location and not token.location_id:
        found.append(Violation("token.location_id", "is required for ACCESS_LEVEL_LOCATION", "required"))
    if not of_location and token.location_id:
        found.append(Violation("token.location_id", "is only for ACCESS_LEVEL_LOCATION", "token.location_id"))
    if of_location:
        found.extend(
            Violation("token.scopes", f"{Scope.Name(scope)} is for account level only", "token.scopes")
            for scope in sorted(ACCOUNT_ONLY.intersection(token.scopes))
        )
    if token.HasField("expire_time") and to_datetime(token.expire_time) <= now:
        found.append(Violation("token.expire_time", "must be in the future", "timestamp.gt_now"))
    return found
