"""Calls what the services complain about by the names of Delivery Solutions' documents; knows no error."""

import re
from typing import Final

from pydantic.alias_generators import to_camel

from gateway.dialects.deliverysolutions.read import MEMBERS

_NAMES: Final[dict[str, str]] = {
    **{path: to_camel(name) for name, (path, _) in MEMBERS.items()},
    "consignment.parcels": "packages",
    "consignment.pickup.address": "pickupAddress",
    "consignment.pickup.contact": "pickupContact",
}
_PATH: Final = re.compile(r"\bshipment\.([a-z_]+(?:\.[a-z_]+|\[\d+\])*)")


def member(path: str) -> str:
    """Their name of a path of ours, which is kept where they have none: "orderExternalId" for "external_id"."""
    path = path.removeprefix("shipment.")
    for own in sorted(_NAMES, key=len, reverse=True):
        if path == own or path.startswith((f"{own}.", f"{own}[")):
            return _NAMES[own] + path[len(own) :]
    return path


def in_their_words(sentence: str) -> str:
    """A sentence with their names for the paths in it."""
    return _PATH.sub(lambda found: member(found[1]), sentence)
