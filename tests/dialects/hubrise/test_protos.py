from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.dialects.hubrise.protos import struct, time_text
from gateway.dialects.structs import members_of


@pytest.mark.parametrize("number", [2, Decimal("1.5"), Decimal("1E+30"), Decimal("-0.25")], ids=str)
def test_what_was_kept_can_be_kept_again(number: Any) -> None:
    kept = struct({"member": [number, {"inner": number}]})

    assert struct(members_of(kept)) == kept


@pytest.mark.parametrize(
    ("text", "zone", "told"),
    [
        ("2023-01-01T11:00:00Z", "Europe/Paris", "2023-01-01T12:00:00+01:00"),
        ("0001-01-01T00:00:00Z", "America/Chicago", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.999999999Z", "Europe/Paris", "9999-12-31T23:59:59+00:00"),
    ],
)
def test_a_time_that_the_clocks_of_the_place_cannot_show_is_told_in_utc(text: str, zone: str, told: str) -> None:
    moment = Timestamp()
    moment.FromJsonString(text)

    assert time_text(moment, ZoneInfo(zone)) == told
