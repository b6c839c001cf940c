"""Reads the ways vendors write an instant; knows no clock, and answers `Unreadable` sooner than guess.

Every time returned is aware and in UTC. Fractions finer than a microsecond are cut, never rounded up.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal

from gateway.unreadable import Unreadable

# Outside these years a time is a placeholder (0001-01-01 is .NET's null) or an epoch read in the wrong unit.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)

# September 2001 to the end of 2099: in these years seconds and milliseconds cannot be taken for each other.
_EARLIEST_EPOCH_SECOND = 1_000_000_000
_LATEST_EPOCH_SECOND = 4_102_444_800
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MAX_OFFSET = timedelta(hours=14)
_FORM = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"[Tt ]"
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,18}))?)?"
    r"(?: ?(?:(Z|z|UTC|GMT)|([+-])([0-9]{2})(?::?([0-9]{2}))?))?"
)
# What nearly everybody sends. Python's own parser takes it ten times as fast, and much else that is not RFC 3339.
_USUAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:[.][0-9]{1,6})?Z")
_DIGITS = re.compile(r"[0-9]{1,19}")


def parse_time(value: str | int | None, *, assumed_zone: tzinfo | None = None) -> datetime | Unreadable:
    """Read RFC 3339 and its unambiguous relatives.

    Taken besides RFC 3339: lower-case letters, a space for the T, a space before the offset, `UTC` and `GMT`,
    offsets without colon or minutes, no seconds, a comma before the fraction, up to 18 fractional digits.
    A time without offset is read only if `assumed_zone` is given, and then only if the zone's clocks
    showed that time exactly once. Numbers need `epoch_seconds` or `epoch_milliseconds`.
    """
    if not isinstance(value, str):
        return Unreadable.of(value, "not text")
    if _USUAL.fullmatch(value):
        with suppress(ValueError):
            return _plausible(datetime.fromisoformat(value), value)
    form = _FORM.fullmatch(value.strip(" \t\r\n"))
    if form is None:
        return Unreadable.of(value, "not an RFC 3339 time")
    year, month, day, hour, minute, second, fraction, utc, sign, offset_hours, offset_minutes = form.groups()
    try:
        microsecond = int((fraction or "")[:6].ljust(6, "0"))
        written = datetime(  # noqa: DTZ001  the zone is found below
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), microsecond
        )
    except ValueError:
        return Unreadable.of(value, "no such date or time of day")
    if utc:
        return _plausible(written.replace(tzinfo=UTC), value)
    if sign:
        return _with_offset(written, sign, int(offset_hours), int(offset_minutes or 0), value)
    if assumed_zone is None:
        return Unreadable.of(value, "no offset from UTC")
    return _in_zone(written, assumed_zone, value)


def epoch_seconds(value: int | str | Decimal | None) -> datetime | Unreadable:
    """Read seconds since 1970, whole or with a fraction, if they fall between 2001 and 2100."""
    return _since_epoch(value, 1)


def epoch_milliseconds(value: int | str | Decimal | None) -> datetime | Unreadable:
    """Read milliseconds since 1970 if they fall between 2001 and 2100."""
    return _since_epoch(value, 1_000)


def _since_epoch(value: int | str | Decimal | None, per_second: int) -> datetime | Unreadable:
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return Unreadable.of(value, "not a number")
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        return Unreadable.of(value, "not a number")
    number = Decimal(value)
    if not number.is_finite():
        return Unreadable.of(value, "not a number")
    if not _EARLIEST_EPOCH_SECOND * per_second <= number < _LATEST_EPOCH_SECOND * per_second:
        return Unreadable.of(value, "not between 2001 and 2100 in the expected unit")
    numerator, denominator = number.as_integer_ratio()
    return _EPOCH + timedelta(microseconds=numerator * (1_000_000 // per_second) // denominator)


def _with_offset(written: datetime, sign: str, hours: int, minutes: int, value: str) -> datetime | Unreadable:
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > _MAX_OFFSET:
        return Unreadable.of(value, "no such offset from UTC")
    return _plausible(written.replace(tzinfo=timezone(-offset if sign == "-" else offset)), value)


def _in_zone(written: datetime, zone: tzinfo, value: str) -> datetime | Unreadable:
    first = written.replace(tzinfo=zone, fold=0)
    second = written.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return _plausible(first, value)
    happened = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == written
    if happened:
        return Unreadable.of(value, "the zone's clocks showed this time twice")
    return Unreadable.of(value, "the zone's clocks skipped this time")


def _plausible(time: datetime, value: str) -> datetime | Unreadable:
    # Aware values of different zones compare by instant, and no conversion can overflow in years 1 or 9999.
    if not _EARLIEST <= time < _LATEST:
        return Unreadable.of(value, "not between 1970 and 2200")
    return time.astimezone(UTC)
