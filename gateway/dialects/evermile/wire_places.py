"""People, places and times in Evermile's documents, member by member and in their order; knows no word of ours."""

from gateway.dialects.evermile.forms import (
    Email,
    EvermileObject,
    Flag,
    Name,
    Number,
    Phone,
    Prose,
    Text,
    Time,
    Whole,
    Word,
)


class GeoLocation(EvermileObject):
    """A place on earth, in decimal degrees."""

    lat: Number | None = None
    lng: Number | None = None


class TimeSlot(EvermileObject):
    """A span of time."""

    end: Time | None = None
    start: Time | None = None


class Place(EvermileObject):
    """Where goods are taken over or handed out."""

    address_line1: Prose | None = None
    address_line2: Prose | None = None
    city: Name | None = None
    external: Flag | None = None
    geo_location: GeoLocation | None = None
    name: Name | None = None
    postal_code: Word | None = None
    type: Word | None = None


class Person(EvermileObject):
    """Who is met at a stop."""

    email: Email | None = None
    id: Text | None = None
    name: Name | None = None
    phone: Phone | None = None
    recipient_id: Text | None = None


class HandoffAddress(EvermileObject):
    """Where goods change hands."""

    address_line1: Prose | None = None
    city: Name | None = None
    postal_code: Word | None = None


class HandoffContact(EvermileObject):
    """With whom, and where, goods change hands."""

    address: HandoffAddress | None = None
    name: Name | None = None
    phone: Phone | None = None


class HandoffInfo(EvermileObject):
    """How goods change hands on the way."""

    contact_info: HandoffContact | None = None
    handoff_time: TimeSlot | None = None
    walking_distance_meters: Whole | None = None


class SenderContactDetails(EvermileObject):
    """Who sends the goods, as the recipient may see them."""

    contact_email: Email | None = None
    contact_name: Name | None = None
    contact_phone: Phone | None = None
    reveal_sender_info: Flag | None = None
