from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from services.times import set_timestamp, to_datetime, to_timestamp

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=13, minutes=45))])
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES)  # noqa: DTZ001  made aware


@given(MOMENTS)
def test_a_moment_survives_the_way_to_the_contract_and_back(moment: datetime) -> None:
    stamp = Timestamp()
    set_timestamp(stamp, moment)

    assert to_datetime(to_timestamp(moment)) == moment
    assert stamp == to_timestamp(moment)


@given(MOMENTS)
def test_the_conversions_agree_with_protobufs_own(moment: datetime) -> None:
    oracle = Timestamp()
    oracle.FromDatetime(moment)

    assert to_timestamp(moment) == oracle
    assert to_datetime(oracle) == oracle.ToDatetime(tzinfo=UTC)


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_nanoseconds_are_cut_towards_the_past(seconds: int) -> None:
    cut = to_datetime(Timestamp(seconds=seconds, nanos=1_999))

    assert cut == to_datetime(Timestamp(seconds=seconds)) + timedelta(microseconds=1)


@pytest.mark.parametrize(
    "stamp",
    [
        Timestamp(seconds=-62_135_596_801),
        Timestamp(seconds=253_402_300_800),
        Timestamp(nanos=-1),
        Timestamp(nanos=1_000_000_000),
    ],
)
def test_what_no_calendar_has_is_refused(stamp: Timestamp) -> None:
    with pytest.raises(ValueError, match="not a moment"):
        to_datetime(stamp)


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(TypeError):
        to_timestamp(datetime(2026, 1, 1))  # noqa: DTZ001  the point of the test
