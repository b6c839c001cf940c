from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.times import epoch_milliseconds, epoch_seconds, parse_time
from gateway.unreadable import Unreadable

READABLE = {
    "2024-04-09T15:00:00Z": "2024-04-09T15:00:00",
    "2024-04-09t15:00:00z": "2024-04-09T15:00:00",
    "2024-04-09 15:00:00Z": "2024-04-09T15:00:00",
    "2024-04-09 15:00:00 UTC": "2024-04-09T15:00:00",
    "2024-04-09 15:00:00 GMT": "2024-04-09T15:00:00",
    "2024-04-09 15:00:00 +0200": "2024-04-09T13:00:00",
    "2024-04-09 15:00:00 +02:00": "2024-04-09T13:00:00",
    "2024-04-09T15:00:00+02:00": "2024-04-09T13:00:00",
    "2024-04-09T15:00:00+0200": "2024-04-09T13:00:00",
    "2024-04-09T15:00:00+02": "2024-04-09T13:00:00",
    "2024-04-09T15:00:00-05:00": "2024-04-09T20:00:00",
    "2024-04-09T15:00:00+00:00": "2024-04-09T15:00:00",
    "2024-04-09T15:00:00-00:00": "2024-04-09T15:00:00",
    "2024-04-09T15:00:00+05:45": "2024-04-09T09:15:00",
    "2024-04-09T15:00:00+14:00": "2024-04-09T01:00:00",
    "2024-04-09T15:00:00-12:00": "2024-04-10T03:00:00",
    "2024-04-09T15:00Z": "2024-04-09T15:00:00",
    "2024-04-09T15:00+02:00": "2024-04-09T13:00:00",
    "2024-04-09T15:00:00.1Z": "2024-04-09T15:00:00.100000",
    "2024-04-09T15:00:00.000Z": "2024-04-09T15:00:00",
    "2024-04-09T15:00:00,250Z": "2024-04-09T15:00:00.250000",
    "2024-04-09T15:00:00.123456Z": "2024-04-09T15:00:00.123456",
    "2024-04-09T15:00:00.1234567Z": "2024-04-09T15:00:00.123456",
    "2024-04-09T15:00:00.123456789Z": "2024-04-09T15:00:00.123456",
    "2024-04-09T15:00:59.999999999Z": "2024-04-09T15:00:59.999999",
    "2024-04-09T15:00:00.1234567+02:00": "2024-04-09T13:00:00.123456",
    " 2024-04-09T15:00:00Z\n": "2024-04-09T15:00:00",
    "2024-02-29T23:59:59Z": "2024-02-29T23:59:59",
    "2024-12-31T23:30:00-01:00": "2025-01-01T00:30:00",
    "1970-01-01T00:00:00Z": "1970-01-01T00:00:00",
}

UNREADABLE: list[Any] = [
    # Evermile's own example: is the 000 a frame, a fraction, or is 15 the minute? Nobody knows.
    "2024-04-09T15:00:00:00.000Z",
    "",
    " ",
    "null",
    "None",
    "some string",
    "now",
    "15:00",
    "T15:00:00Z",
    "2024-04-09",
    "2024-04",
    "2024-04-09T15:00:00",
    "2024-04-09 15:00:00",
    "2024-04-09T15:00:00.000",
    "2024-04-09T15",
    "2024-13-09T15:00:00Z",
    "2024-00-09T15:00:00Z",
    "2024-04-31T15:00:00Z",
    "2023-02-29T15:00:00Z",
    "2024-04-09T24:00:00Z",
    "2024-04-09T25:00:00Z",
    "2024-04-09T15:60:00Z",
    "2024-04-09T23:59:60Z",
    "2024-04-09T15:00:00+15:00",
    "2024-04-09T15:00:00+99:99",
    "2024-04-09T15:00:00+02:60",
    "2024-04-09T15:00:00+2",
    "2024-04-09T15:00:00 02:00",
    "2024-04-09T15:00:00\u221202:00",
    "2024-04-09T15:00:00+02:00Z",
    "2024-04-09T15:00:00ZZ",
    "2024-04-09T15:00:00 EST",
    "2024-04-09T15:00:00 CDT",
    "2024-04-09T15:00:00[Europe/Paris]",
    "2024-04-09T15:00:00+02:00[Europe/Paris]",
    "2024-04-09T15:00:00.Z",
    "2024-04-09T15:00:00.1.2Z",
    "2024-04-09T15:00:00.1234567890123456789Z",
    "2024-04-09  15:00:00Z",
    "2024-04-09_15:00:00Z",
    "2024-04-09T15:00:00  Z",
    "2024-4-9T15:00:00Z",
    "24-04-09T15:00:00Z",
    "20240409T150000Z",
    "2024-100T15:00:00Z",
    "2024-W15-2T15:00:00Z",
    "2024/04/09 15:00:00Z",
    "09-04-2024T15:00:00Z",
    "04/09/2024 15:00:00",
    "04/09/2024 3:00 PM",
    "9 Apr 2024 15:00:00 GMT",
    "Tue, 09 Apr 2024 15:00:00 GMT",
    "April 27th 2022, 2:45:45 am CDT",
    "+2024-04-09T15:00:00Z",
    "-2024-04-09T15:00:00Z",
    "\u0662\u0660\u0662\u0664-04-09T15:00:00Z",
    "2024-04-09T15:00:00\u00a0Z",
    "\ufeff2024-04-09T15:00:00Z",
    "2024-04-09T15:00:00Z\0",
    "0000-00-00T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-14:00",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00+01:00",
    "2200-01-01T00:00:00Z",
    "1712674800",
    "1712674800000",
    1712674800,
    1712674800000,
    0,
    True,
    None,
    1.5,
    Decimal(1),
    [],
    {},
]


def test_there_are_eighty_forms() -> None:
    assert len(READABLE) + len(UNREADABLE) >= 80


@pytest.mark.parametrize(("text", "expected"), READABLE.items())
def test_a_readable_time_is_the_instant_it_says(text: str, expected: str) -> None:
    time = parse_time(text)

    assert time == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert isinstance(time, datetime)
    assert time.tzinfo is UTC


@pytest.mark.parametrize("value", UNREADABLE, ids=repr)
def test_anything_else_is_unreadable_and_says_why(value: Any) -> None:
    outcome = parse_time(value)

    assert isinstance(outcome, Unreadable)
    assert outcome.reason
    assert outcome.value == str(value)[:100]


CHICAGO, PARIS, LORD_HOWE = (
    ZoneInfo("America/Chicago"),
    ZoneInfo("Europe/Paris"),
    ZoneInfo("Australia/Lord_Howe"),
)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2024-07-01T12:00:00", CHICAGO, "2024-07-01T17:00:00"),
        ("2024-01-01 12:00", CHICAGO, "2024-01-01T18:00:00"),
        ("2024-03-10T01:59:59", CHICAGO, "2024-03-10T07:59:59"),
        ("2024-03-10T02:00:00", CHICAGO, "skipped"),
        ("2024-03-10T02:59:59.999", CHICAGO, "skipped"),
        ("2024-03-10T03:00:00", CHICAGO, "2024-03-10T08:00:00"),
        ("2024-11-03T00:59:59", CHICAGO, "2024-11-03T05:59:59"),
        ("2024-11-03T01:00:00", CHICAGO, "twice"),
        ("2024-11-03T01:59:59", CHICAGO, "twice"),
        ("2024-11-03T02:00:00", CHICAGO, "2024-11-03T08:00:00"),
        ("2024-03-31T02:30:00", PARIS, "skipped"),
        ("2024-10-27T02:30:00", PARIS, "twice"),
        ("2024-10-27T02:30:00+02:00", PARIS, "2024-10-27T00:30:00"),
        ("2024-10-27T02:30:00Z", PARIS, "2024-10-27T02:30:00"),
        ("2024-04-07T01:45:00", LORD_HOWE, "twice"),
        ("2024-10-06T02:15:00", LORD_HOWE, "skipped"),
        ("2024-10-06T02:30:00", LORD_HOWE, "2024-10-05T15:30:00"),
        ("2024-07-01T12:00:00", UTC, "2024-07-01T12:00:00"),
        ("0001-01-01T00:00:00", CHICAGO, "1970"),
        ("9999-12-31T23:59:59", CHICAGO, "1970"),
    ],
)
def test_a_time_without_offset_is_read_only_if_the_zone_had_it_once(text: str, zone: ZoneInfo, expected: str) -> None:
    time = parse_time(text, assumed_zone=zone)

    if isinstance(time, Unreadable):
        assert expected in time.reason
    else:
        assert time == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize("value", [1712674800, "1712674800", Decimal(1712674800)])
def test_epoch_seconds(value: Any) -> None:
    assert epoch_seconds(value) == datetime(2024, 4, 9, 15, tzinfo=UTC)
    assert isinstance(epoch_milliseconds(value), Unreadable)


@pytest.mark.parametrize("value", [1712674800123, "1712674800123", Decimal("1712674800123.0")])
def test_epoch_milliseconds(value: Any) -> None:
    assert epoch_milliseconds(value) == datetime(2024, 4, 9, 15, 0, 0, 123000, tzinfo=UTC)
    assert isinstance(epoch_seconds(value), Unreadable)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -1,
        999_999_999,
        4_102_444_800,
        10**30,
        "",
        " 1712674800",
        "1_712_674_800",
        "1712674800.5",
        "+1712674800",
        "\u0661712674800",
        1712674800.5,
        "NaN",
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("1E+999999"),
        Decimal("1E-999999"),
        [],
        {},
    ],
    ids=repr,
)
def test_an_implausible_epoch_is_unreadable_in_either_unit(value: Any) -> None:
    assert isinstance(epoch_seconds(value), Unreadable)
    assert isinstance(epoch_milliseconds(value), Unreadable) or value == 4_102_444_800


def test_a_fraction_is_cut_and_never_carries_a_time_forward() -> None:
    nines = Decimal("1712674799." + "9" * 40)

    assert epoch_seconds(nines) == datetime(2024, 4, 9, 14, 59, 59, 999999, tzinfo=UTC)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001  bounds are naive
def test_every_iso_time_with_an_offset_is_read_as_python_reads_it(naive: datetime, minutes: int) -> None:
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

    expected = naive.replace(tzinfo=UTC) - timedelta(minutes=minutes)
    assert parse_time(naive.isoformat() + offset) == expected


@given(st.text() | st.text("0123456789-T:.Z+ ", max_size=40))
def test_no_text_raises(text: str) -> None:
    for outcome in (parse_time(text), parse_time(text, assumed_zone=CHICAGO), epoch_seconds(text)):
        assert isinstance(outcome, datetime | Unreadable)
