"""Public ids of the hub's things: which prefix each has; an id that cannot be read is of nothing here."""

from uuid import UUID

from runtime import typeid
from services.errors import not_found

PREFIXES = {
    "tenant": "ten",
    "token": "tok",
    "location": "loc",
    "order": "ord",
    "shipment": "shp",
    "delivery": "dlv",
    "event": "evt",
    "webhook source": "src",
    "source secret": "sec",
    "webhook": "whk",
    "subscription": "sub",
    "attempt": "att",
}


def read(resource: str, identifier: str) -> UUID:
    """The UUID in an id of such a resource. Raises NOT_FOUND of the resource when it is no such id."""
    try:
        return typeid.decode(PREFIXES[resource], identifier)
    except typeid.InvalidId:
        raise not_found(resource, identifier) from None


def write(resource: str, value: UUID) -> str:
    """The id as callers see it."""
    return typeid.encode(PREFIXES[resource], value)
