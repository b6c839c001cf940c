"""The table of US postal codes; written from its source with UPDATE_POSTAL_CODES=1."""

import os
from array import array

import pytest
import zipcodes

from services.shipments import us_postal_codes as table


def as_told() -> table.Columns:
    """What the table should say, by the package that keeps the source."""
    rows = {int(row["zip_code"]): (float(row["lat"]), float(row["long"])) for row in zipcodes.list_all()}  # type: ignore[no-untyped-call]
    codes = sorted(rows)
    latitudes, longitudes = (array("i", (round(rows[code][axis] * table.SCALE) for code in codes)) for axis in (0, 1))
    return array("i", codes), latitudes, longitudes


def test_the_table_is_what_its_source_says() -> None:
    told = as_told()
    if os.environ.get("UPDATE_POSTAL_CODES") == "1":
        table._TABLE.write_bytes(table.packed(told))  # type: ignore[attr-defined]

    kept = table.unpacked(table._TABLE.read_bytes())

    assert len(kept[0]) > 40_000
    assert kept == told, "run this test with UPDATE_POSTAL_CODES=1"


@pytest.mark.parametrize(
    ("code", "position"),
    [
        ("60601", (41.8858, -87.6181)),
        ("00601", (18.1967, -66.7367)),  # the first digits are zeros
        ("99950", (55.3422, -131.6478)),  # the last row
    ],
)
def test_a_code_is_in_the_middle_of_its_area(code: str, position: tuple[float, float]) -> None:
    assert table.find(code) == pytest.approx(position, abs=0.5)


def test_the_forces_codes_exist_and_lie_nowhere() -> None:
    assert table.find("09012") is None


@pytest.mark.parametrize("code", ["00000", "99999", "00600"])
def test_what_is_no_code_is_not_found(code: str) -> None:
    with pytest.raises(KeyError):
        table.find(code)
