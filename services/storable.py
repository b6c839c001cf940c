"""What the rules of the contract leave open and storage or JSON would choke on later; pure.

PostgreSQL holds no NUL character, no calendar has a year 0 or 10000, no map a latitude of 91, no bank
a currency of "euro". A request with such a value is refused at the door, with its path.
"""

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from crossdock.v1.courier_pb2 import Position
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.latlng_pb2 import LatLng
from google.type.money_pb2 import Money

from services.currencies import is_currency
from services.errors import Problem, Violation
from services.times import to_datetime

_NANOS = 1_000_000_000


def require_storable(request: Any) -> None:
    """Raises INVALID_REQUEST with every value in the message that could not be kept or shown."""
    violations = tuple(_unstorable(request, ""))
    if violations:
        told = "; ".join(f"{violation.field}: {violation.description}" for violation in violations)
        raise Problem("INVALID_REQUEST", told, violations=violations)


def _unstorable(message: Any, path: str) -> Iterator[Violation]:
    for field, value in message.ListFields():
        here = f"{path}.{field.name}" if path else field.name
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for key in value:
                yield from _unstorable_value(key, here)
                yield from _unstorable_value(value[key], f'{here}["{key}"]')
        elif field.is_repeated:
            for position, each in enumerate(value):
                yield from _unstorable_value(each, f"{here}[{position}]")
        else:
            yield from _unstorable_value(value, here)


def _unstorable_value(value: Any, path: str) -> Iterator[Violation]:
    if isinstance(value, str):
        if "\0" in value:
            yield Violation(path, "must not contain the character U+0000", "string.nul")
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield Violation(path, "must be a finite number", "double.finite")
    elif isinstance(value, Timestamp):
        try:
            to_datetime(value)
        except ValueError as reason:
            yield Violation(path, str(reason), "timestamp.range")
    elif isinstance(value, LatLng):
        if not (-90 <= value.latitude <= 90 and -180 <= value.longitude <= 180):
            yield Violation(path, "is not a place on earth", "lat_lng.range")
    elif isinstance(value, Money):
        yield from _unpayable(value, path)
    elif hasattr(value, "ListFields"):
        yield from _unstorable(value, path)
        if isinstance(value, Position) and not _is_on_earth(value):
            yield Violation(path, "is not a place on earth: latitude and longitude, or neither", "position.range")


def _unpayable(amount: Money, path: str) -> Iterator[Violation]:
    if not is_currency(amount.currency_code):
        yield Violation(path, "currency_code must be one of ISO 4217, in capitals", "money.currency_code")
    if abs(amount.nanos) >= _NANOS or amount.units * amount.nanos < 0:
        yield Violation(path, "units and nanos must have one sign, and nanos be below 10^9", "money.nanos")


def _is_on_earth(position: Position) -> bool:
    """Whether both coordinates are told and within the map, or none. Their form is a rule of the contract."""
    latitude, longitude = position.latitude, position.longitude
    if not latitude or not longitude:
        return latitude == longitude
    return abs(Decimal(latitude)) <= 90 and abs(Decimal(longitude)) <= 180
