"""What a location must be to be stored; pure."""

from functools import cache
from zoneinfo import available_timezones

from crossdock.v1.location_pb2 import Location

from services.currencies import is_currency
from services.errors import Problem, Violation

ASSIGNED = frozenset({"id", "create_time", "update_time", "etag"})
"""Members that only the hub writes."""

_NOT_A_PLACE = frozenset({"localtime", "Factory", "posixrules"})


def require_valid(location: Location) -> None:
    """Raises INVALID_REQUEST with everything that keeps the location from being stored."""
    violations = [
        Violation(f"location.{name}", "is required", "required")
        for name in ("name", "time_zone", "currency_code")
        if not getattr(location, name)
    ]
    if location.time_zone and location.time_zone not in _time_zones():
        violations.append(Violation("location.time_zone", "is no time zone of the IANA database", "time_zone.known"))
    if location.currency_code and not is_currency(location.currency_code):
        violations.append(Violation("location.currency_code", "is no code of ISO 4217", "currency.known"))
    if violations:
        told = "; ".join(f"{violation.field} {violation.description}" for violation in violations)
        raise Problem("INVALID_REQUEST", told, violations=tuple(violations))


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones() - _NOT_A_PLACE)
