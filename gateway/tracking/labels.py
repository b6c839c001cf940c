"""What stands on the label of a shipment; pure, draws nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from crossdock.v1.consignment_pb2 import Stop
from crossdock.v1.parcel_pb2 import LengthUnit, Parcel, WeightUnit
from crossdock.v1.shipment_service_pb2 import ResolveShipmentLinkResponse

from gateway.tracking.views import booked_delivery

LONGEST_CODE = 31
"""How many characters a bar code as wide as the label holds with bars of two dots of a thermal printer."""
MOST_PARCELS = 4

_LENGTHS = {LengthUnit.LENGTH_UNIT_CENTIMETER: "cm", LengthUnit.LENGTH_UNIT_INCH: "in"}
_WEIGHTS = {WeightUnit.WEIGHT_UNIT_KILOGRAM: "kg", WeightUnit.WEIGHT_UNIT_POUND: "lb"}


@dataclass(frozen=True)
class Label:
    """The parts of a label, as text."""

    carrier: str
    sender: tuple[str, ...]
    recipient: tuple[str, ...]
    instructions: str
    parcels: tuple[str, ...]
    code: str
    """In the bar code: ASCII."""
    reference: str
    """The sender's own identifier."""
    url: str
    """In the QR code: where the recipient follows it."""


def label_of(found: ResolveShipmentLinkResponse) -> Label:
    """The label of a shipment."""
    shipment = found.shipment
    consignment, delivery = shipment.consignment, booked_delivery(found)
    level = shipment.carrier.service_level.display_name
    name = shipment.carrier.name or (delivery.carrier if delivery else "")
    return Label(
        carrier=" – ".join(filter(None, (name, level))) or found.location.name,
        sender=tuple(_lines(consignment.pickup, consignment.merchant_name or found.location.name)),
        recipient=tuple(_lines(consignment.dropoff, "")),
        instructions=consignment.dropoff.instructions,
        parcels=tuple(_parcels(consignment.parcels)),
        code=_code(shipment.tracking_number, shipment.id),
        reference=shipment.external_id,
        url=shipment.links.tracking_url,
    )


def _code(tracking_number: str, otherwise: str) -> str:
    """The carrier's number, unless a bar code cannot hold it."""
    fits = 0 < len(tracking_number) <= LONGEST_CODE and tracking_number.isascii() and tracking_number.isprintable()
    return tracking_number if fits else otherwise


def _lines(stop: Stop, name: str) -> Iterator[str]:
    postal = stop.address.postal_address
    names = dict.fromkeys((stop.contact.name, postal.organization, name or stop.name, *postal.recipients))
    yield from filter(None, names)
    yield from filter(None, (*postal.address_lines, stop.address.unit, postal.sublocality))
    yield " ".join(filter(None, (_comma(postal.locality, postal.administrative_area), postal.postal_code)))
    yield " ".join(filter(None, (postal.region_code, stop.contact.phone.e164 or stop.contact.phone.raw)))


def _comma(*parts: str) -> str:
    return ", ".join(filter(None, parts))


def _parcels(parcels: Iterable[Parcel]) -> Iterator[str]:
    told = list(parcels)
    for number, parcel in enumerate(told[:MOST_PARCELS], 1):
        size, weight = parcel.dimensions, parcel.weight
        measures = ""
        if size.length and size.width and size.height:
            measures = f"{size.length:g} × {size.width:g} × {size.height:g} {_LENGTHS.get(size.unit, '')}".strip()
        heavy = f"{weight.value:g} {_WEIGHTS.get(weight.unit, '')}".strip() if weight.value else ""
        rest = _comma(parcel.name or parcel.type, measures or size.size_name, heavy, parcel.reference)
        yield f"Parcel {number} of {len(told)}{': ' if rest else ''}{rest}"
    if len(told) > MOST_PARCELS:
        yield f"and {len(told) - MOST_PARCELS} more"
