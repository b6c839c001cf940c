"""Finds positions for the stops of a shipment that tell none; knows no table of places and no network.

A position is needed by carriers that quote by distance, and which those are is not known beforehand. So:

* An address that its geocoder should know and does not (a US postal code that does not exist) is refused.
* One that the geocoder knows nothing about stays without position, and the caller is warned; it is refused too where
  `CROSSDOCK_GEOCODING_REQUIRED` says so.
* A position that somebody told is never touched.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Protocol

from crossdock.v1.contact_pb2 import Address
from crossdock.v1.shipment_pb2 import Shipment
from crossdock.v1.warning_pb2 import Warning as Notice
from google.type.latlng_pb2 import LatLng
from google.type.postal_address_pb2 import PostalAddress

from services.config import Settings
from services.errors import Problem
from services.shipments import us_postal_codes

STOPS = ("pickup", "dropoff")
UNKNOWN = "position_unknown"
"""The code of the warning."""

_US_POSTAL_CODE = re.compile(r"([0-9]{5})(-?[0-9]{4})?")


class NoSuchPlace(Exception):
    """The address is in the geocoder's reach and cannot be right."""


class Geocoder(Protocol):
    """Finds positions without waiting for anybody: it is asked within a transaction."""

    def find(self, address: PostalAddress) -> LatLng | None:
        """About where the address is; None when that cannot be told. Raises NoSuchPlace."""


class Offline:
    """Knows the middle of each US postal code's area."""

    def find(self, address: PostalAddress) -> LatLng | None:
        """None for other countries, for no postal code, and for the forces' abroad. Raises NoSuchPlace."""
        told = address.postal_code.strip()
        if address.region_code.upper() != "US" or not told:
            return None
        code = _US_POSTAL_CODE.fullmatch(told)
        if code is None:
            raise NoSuchPlace("is no US postal code")
        try:
            found = us_postal_codes.find(code[1])
        except KeyError:
            raise NoSuchPlace("is a US postal code that does not exist") from None
        return LatLng(latitude=found[0], longitude=found[1]) if found else None


class Nowhere:
    """Knows nothing."""

    def find(self, address: PostalAddress) -> LatLng | None:
        """None."""


GEOCODERS: Mapping[str, Geocoder] = {"offline": Offline(), "none": Nowhere()}
"""By the words of `CROSSDOCK_GEOCODER`; another one is a line here and a word there."""


def locate(settings: Settings, shipment: Shipment, before: Shipment | None = None) -> None:
    """Gives the stops without position one where it can be found, but for those that are as they were before.

    Raises GEOCODING_FAILED.
    """
    geocoder = GEOCODERS[settings.geocoder]
    for name, address in _addresses(shipment, before):
        if address.HasField("position") and not address.position_inferred:
            continue
        try:
            found = geocoder.find(address.postal_address)
        except NoSuchPlace as wrong:
            raise _failed(name, f"postal_code {wrong}") from None
        if found is None and settings.geocoding_required:
            raise _failed(name, "has no position, and none could be found")
        address.ClearField("position")
        address.position_inferred = found is not None
        if found is not None:
            address.position.CopyFrom(found)


def warnings_of(settings: Settings, shipment: Shipment, before: Shipment | None = None) -> list[Notice]:
    """What the caller should know of such stops that are without position; nothing where nobody looks for any."""
    if settings.geocoder == "none":
        return []
    told = "has no position, and none could be found: carriers that quote by distance may decline"
    return [
        Notice(code=UNKNOWN, message=f"the {name} {told}", field=_path(name))
        for name, address in _addresses(shipment, before)
        if not address.HasField("position")
    ]


def _addresses(shipment: Shipment, before: Shipment | None) -> Iterator[tuple[str, Address]]:
    """The addresses that are told and not as they were before, with the names of their stops."""
    for name in STOPS:
        address = getattr(shipment.consignment, name).address
        if address.ByteSize() and (before is None or address != getattr(before.consignment, name).address):
            yield name, address


def _path(name: str) -> str:
    return f"shipment.consignment.{name}.address"


def _failed(name: str, why: str) -> Problem:
    return Problem("GEOCODING_FAILED", f"{_path(name)}: {why}", {"field": _path(name)})
