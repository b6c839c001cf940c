"""People, places and windows in Evermile's form; pure. Members that are not known are null; `write` leaves them out."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from crossdock.v1 import window_pb2 as windows
from crossdock.v1.consignment_pb2 import Consignment, Handoff, Stop
from crossdock.v1.contact_pb2 import (
    PLACE_KIND_COLLECTION_POINT,
    PLACE_KIND_OFFICE,
    PLACE_KIND_OTHER,
    PLACE_KIND_STORE,
    PLACE_KIND_WAREHOUSE,
    Address,
    PlaceKind,
)
from crossdock.v1.window_pb2 import TimeWindow, WindowKind

from gateway.dialects.evermile.words import PLACE_KINDS, WINDOW_KINDS
from gateway.dialects.evermile.write_values import flag_of, phone, time_of

PLACE_WORDS: Final[Mapping[PlaceKind.ValueType, str]] = {
    PLACE_KIND_STORE: "store",
    PLACE_KIND_OFFICE: "office",
    PLACE_KIND_WAREHOUSE: "warehouse",
    PLACE_KIND_COLLECTION_POINT: "pudo",
}
"""By kind. Evermile has two words for residences, and which one it is must be known."""
WINDOW_WORDS: Final[Mapping[WindowKind.ValueType, str]] = {kind: word for word, kind in WINDOW_KINDS.items()}
_WITHOUT_WORD: Final = (windows.WINDOW_KIND_REQUESTED, windows.WINDOW_KIND_UNSPECIFIED)


def write_place(stop: Stop) -> dict[str, Any]:
    """Where goods are taken over or handed out."""
    address, postal = stop.address, stop.address.postal_address
    return {
        "addressLine1": _line(address, 0),
        "addressLine2": _line(address, 1) or address.unit,
        "city": postal.locality,
        "external": flag_of(address, "external"),
        "geoLocation": {"lat": address.position.latitude, "lng": address.position.longitude}
        if address.HasField("position")
        else None,
        "name": stop.name,
        "postalCode": postal.postal_code,
        "type": _place_word(address),
    }


def write_person(stop: Stop) -> dict[str, Any]:
    """Who is met at a stop."""
    contact = stop.contact
    return {
        "email": contact.email,
        "id": contact.external_id,
        "name": contact.name,
        "phone": phone(contact.phone),
        "recipientId": contact.recipient_id,
    }


def write_sender(consignment: Consignment) -> dict[str, Any]:
    """Who sends the goods."""
    sender = consignment.sender
    return {
        "contactEmail": sender.email,
        "contactName": sender.name,
        "contactPhone": phone(sender.phone),
        "revealSenderInfo": flag_of(sender, "reveal_to_recipient"),
    }


def write_handoff(handoff: Handoff) -> dict[str, Any]:
    """How goods change hands on the way."""
    stop = handoff.stop
    return {
        "contactInfo": {
            "address": {
                "addressLine1": _line(stop.address, 0),
                "city": stop.address.postal_address.locality,
                "postalCode": stop.address.postal_address.postal_code,
            },
            "name": stop.contact.name,
            "phone": phone(stop.contact.phone),
        },
        "handoffTime": write_slot(stop.windows[0] if stop.windows else TimeWindow()),
        "walkingDistanceMeters": handoff.walking_distance_meters or None,
    }


def write_slot(window: TimeWindow) -> dict[str, Any]:
    """A window that is told as an object."""
    return {"end": time_of(window, "end_time"), "start": time_of(window, "start_time")}


def communicated(stop: Stop) -> TimeWindow:
    """The window that people were told; empty when there is none."""
    return _first(stop.windows, (windows.WINDOW_KIND_COMMUNICATED,))


def tracked(stop: Stop) -> TimeWindow:
    """The window that tracking tells: the one whose kind has a word, else the one that was asked for."""
    return _first(stop.windows, (*WINDOW_WORDS, *_WITHOUT_WORD))


def _first(told: Iterable[TimeWindow], kinds: Iterable[WindowKind.ValueType]) -> TimeWindow:
    by_kind = {each.kind: each for each in told}
    return next((by_kind[kind] for kind in kinds if kind in by_kind), TimeWindow())


def _line(address: Address, index: int) -> str:
    lines = address.postal_address.address_lines
    return lines[index] if index < len(lines) else ""


def _place_word(address: Address) -> str | None:
    """The word that it came with where it means the same, else the one for the kind, if there is just one."""
    if address.kind == PLACE_KIND_OTHER or PLACE_KINDS.get(address.kind_raw) == address.kind:
        return address.kind_raw
    return PLACE_WORDS.get(address.kind)
