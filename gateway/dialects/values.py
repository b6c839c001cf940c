"""Single values as vendors write them, read or told as an issue; knows JSON pointers and no vendor's members."""

import re
from datetime import UTC, datetime
from decimal import Decimal

from crossdock.v1.report_pb2 import Issue
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.dialects.tolerance import issue, unreadable
from gateway.times import parse_time
from gateway.unreadable import Unreadable

_LATITUDE = re.compile(r"-?[0-9]{1,2}(?:[.][0-9]{1,30})?")
_LONGITUDE = re.compile(r"-?[0-9]{1,3}(?:[.][0-9]{1,30})?")
_WEB_PAGE = re.compile(r"(?i:https?)://[^\s<>\"]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(member: Timestamp, time: datetime) -> None:
    """Write an aware time into a message. A fifth of what protobuf's own `FromDatetime` takes."""
    since = time - _EPOCH
    member.seconds = since.days * 86_400 + since.seconds
    member.nanos = since.microseconds * 1_000


class Values:
    """Reads values of one document; what cannot be read joins its issues and becomes nothing."""

    def __init__(self, issues: list[Issue]) -> None:
        self._issues = issues

    def utc(self, pointer: str, text: str | None) -> datetime | None:
        """A moment that is documented to be in UTC, so one without offset is as well."""
        if not text:
            return None
        time = parse_time(text, assumed_zone=UTC)
        if isinstance(time, Unreadable):
            self._issues.append(unreadable(pointer, "unreadable_time", time))
            return None
        return time

    def latitude(self, pointer: str, text: str | None) -> str:
        """Decimal degrees, digit by digit as written."""
        return self._degrees(pointer, text, _LATITUDE, 90)

    def longitude(self, pointer: str, text: str | None) -> str:
        """Decimal degrees, digit by digit as written."""
        return self._degrees(pointer, text, _LONGITUDE, 180)

    def page(self, pointer: str, url: str | None) -> str:
        """An address that is safe to show as a link."""
        if not url or _WEB_PAGE.fullmatch(url):
            return url or ""
        self._issues.append(issue(pointer, "not_a_url", f"not the address of a web page: {url[:40]!r}"))
        return ""

    def _degrees(self, pointer: str, text: str | None, form: re.Pattern[str], most: int) -> str:
        if text and form.fullmatch(text) and abs(Decimal(text)) <= most:
            return text
        quoted = repr(text[:40]) if text else "nothing"
        self._issues.append(issue(pointer, "unreadable_number", f"{quoted} is not a number of degrees up to {most}"))
        return ""
