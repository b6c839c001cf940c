"""People, places and windows of Evermile's documents put into the contract; pure."""

from crossdock.v1.consignment_pb2 import Consignment, Handoff, Stop
from crossdock.v1.contact_pb2 import PLACE_KIND_OTHER, Address, Contact
from crossdock.v1.window_pb2 import WINDOW_KIND_UNSPECIFIED, TimeWindow, WindowKind

from gateway.dialects.evermile import wire_places as wire
from gateway.dialects.evermile.members import Members, fill
from gateway.dialects.evermile.words import PLACE_KINDS


def read_place(members: Members, pointer: str, place: wire.Place | None, stop: Stop) -> None:
    """Where a stop is and what the place is called."""
    if place is None:
        return
    fill(stop, name=place.name)
    _read_postal(place.address_line1, place.address_line2, place.city, place.postal_code, stop)
    if place.type:
        address: Address = stop.address
        address.kind = PLACE_KINDS.get(place.type, PLACE_KIND_OTHER)
        address.kind_raw = place.type
    if place.external is not None:
        stop.address.external = place.external
    degrees = read_degrees(members, f"{pointer}/geoLocation", place.geo_location)
    if degrees:
        stop.address.position.latitude, stop.address.position.longitude = map(float, degrees)


def read_degrees(members: Members, pointer: str, told: wire.GeoLocation | None) -> tuple[str, str] | None:
    """Latitude and longitude, digit by digit as written; None when one of them is missing or no such thing."""
    if told is None or (told.lat is None and told.lng is None):
        return None
    latitude = members.latitude(f"{pointer}/lat", None if told.lat is None else format(told.lat, "f"))
    longitude = members.longitude(f"{pointer}/lng", None if told.lng is None else format(told.lng, "f"))
    return (latitude, longitude) if latitude and longitude else None


def read_person(members: Members, pointer: str, person: wire.Person | None, stop: Stop) -> None:
    """Who is met at a stop."""
    if person is None:
        return
    for name, value in {
        "external_id": person.id,
        "recipient_id": person.recipient_id,
        "name": person.name,
        "email": person.email,
    }.items():
        if value:
            setattr(stop.contact, name, value)
    if person.phone:
        members.set_phone(stop.contact, f"{pointer}/phone", person.phone)


def read_sender(
    members: Members, pointer: str, sender: wire.SenderContactDetails | None, consignment: Consignment
) -> None:
    """Who sends the goods."""
    if sender is None:
        return
    contact = Contact()
    fill(contact, name=sender.contact_name, email=sender.contact_email, reveal_to_recipient=sender.reveal_sender_info)
    members.set_phone(contact, f"{pointer}/contactPhone", sender.contact_phone)
    if contact.ByteSize():
        consignment.sender.CopyFrom(contact)


def add_window(
    members: Members, stop: Stop, kind: WindowKind.ValueType, start: tuple[str, str | None], end: tuple[str, str | None]
) -> None:
    """Adds a window of which at least one end can be read. Each end comes with its pointer."""
    window = TimeWindow(kind=kind)
    members.set_time(window, "start_time", *start)
    members.set_time(window, "end_time", *end)
    if window.HasField("start_time") or window.HasField("end_time"):
        stop.windows.append(window)


def add_slot(
    members: Members, stop: Stop, kind: WindowKind.ValueType, pointer: str, slot: wire.TimeSlot | None
) -> None:
    """Adds a window that is told as an object."""
    if slot is not None:
        add_window(members, stop, kind, (f"{pointer}/start", slot.start), (f"{pointer}/end", slot.end))


def read_handoff(
    members: Members, pointer: str, info: wire.HandoffInfo | None, kind: str | None, consignment: Consignment
) -> None:
    """How goods change hands on the way; ``kind`` is Evermile's word."""
    handoff = Handoff()
    fill(handoff, type=kind)
    if info is not None:
        distance = members.whole(f"{pointer}/walkingDistanceMeters", info.walking_distance_meters)
        fill(handoff, walking_distance_meters=distance)
        _read_meeting(members, pointer, info, handoff)
    if handoff.ByteSize():
        consignment.handoff.CopyFrom(handoff)


def _read_meeting(members: Members, pointer: str, info: wire.HandoffInfo, handoff: Handoff) -> None:
    stop = Stop()
    if contact := info.contact_info:
        if contact.name:
            stop.contact.name = contact.name
        if contact.phone:
            members.set_phone(stop.contact, f"{pointer}/contactInfo/phone", contact.phone)
        if address := contact.address:
            _read_postal(address.address_line1, None, address.city, address.postal_code, stop)
    add_slot(members, stop, WINDOW_KIND_UNSPECIFIED, f"{pointer}/handoffTime", info.handoff_time)
    if stop.ByteSize():
        handoff.stop.CopyFrom(stop)


def _read_postal(line1: str | None, line2: str | None, city: str | None, code: str | None, stop: Stop) -> None:
    if line1 or line2 or city or code:
        postal = stop.address.postal_address
        postal.address_lines.extend(filter(None, (line1, line2)))
        fill(postal, locality=city, postal_code=code)
