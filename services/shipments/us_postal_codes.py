"""The middle of each US postal code's area, from a table beside this file; knows no address and no other country.

The table is written by its test from the package `zipcodes`, which itself would keep 38 MiB of this process for good.
Its positions are GeoNames' (https://www.geonames.org, CC BY 4.0), its list of codes the US Postal Service's.
"""

import importlib.resources
import lzma
import sys
from array import array
from bisect import bisect_left
from functools import lru_cache

SCALE = 10_000
"""Coordinates stand in the table as integers, in ten thousandths of a degree: 11 metres."""

Columns = tuple["array[int]", "array[int]", "array[int]"]
"""The codes in ascending order, their latitudes and their longitudes."""

_TABLE = importlib.resources.files("services.shipments") / "us_postal_codes.xz"


def find(code: str) -> tuple[float, float] | None:
    """Latitude and longitude in degrees of a code of five digits; None for one that lies abroad, with the forces.

    Raises KeyError for a code that does not exist.
    """
    codes, latitudes, longitudes = _columns()
    number = int(code)
    row = bisect_left(codes, number)
    if row == len(codes) or codes[row] != number:
        raise KeyError(code)
    if latitudes[row] == 0 and longitudes[row] == 0:
        return None
    return latitudes[row] / SCALE, longitudes[row] / SCALE


def packed(columns: Columns) -> bytes:
    """The table as it is kept: little-endian, the codes as steps from one to the next, compressed."""
    codes, latitudes, longitudes = columns
    steps = array("i", (code - before for code, before in zip(codes, (0, *codes), strict=False)))
    return lzma.compress(b"".join(_little_endian(each).tobytes() for each in (steps, latitudes, longitudes)))


def unpacked(table: bytes) -> Columns:
    """What `packed` packed."""
    numbers = array("i", lzma.decompress(table))
    numbers = _little_endian(numbers)
    third = len(numbers) // 3
    codes, latitudes, longitudes = (numbers[start : start + third] for start in (0, third, 2 * third))
    for row in range(1, third):
        codes[row] += codes[row - 1]
    return codes, latitudes, longitudes


@lru_cache(maxsize=1)
def _columns() -> Columns:
    """Read at the first look-up, in some 20 ms; half a MiB."""
    return unpacked(_TABLE.read_bytes())


def _little_endian(numbers: "array[int]") -> "array[int]":
    swapped = array("i", numbers)
    if sys.byteorder == "big":
        swapped.byteswap()
    return swapped
