"""Evermile's words for kinds of places, windows and proofs, and ours for them; knows no document.

A word that is not here becomes "other" or stays unspecified with an issue, and is kept as it was written.
"""

from crossdock.v1.contact_pb2 import (
    PLACE_KIND_COLLECTION_POINT,
    PLACE_KIND_OFFICE,
    PLACE_KIND_RESIDENCE,
    PLACE_KIND_STORE,
    PLACE_KIND_WAREHOUSE,
    PlaceKind,
)
from crossdock.v1.proof_pb2 import (
    PROOF_KIND_ANY,
    PROOF_KIND_PHOTO,
    PROOF_KIND_PHOTO_ID,
    PROOF_KIND_SIGNATURE,
    ProofKind,
)
from crossdock.v1.window_pb2 import (
    WINDOW_KIND_ALL_DAY,
    WINDOW_KIND_COMMITTED,
    WINDOW_KIND_ESTIMATED,
    WINDOW_KIND_EXPRESS,
    WINDOW_KIND_SCHEDULED,
    WINDOW_KIND_STORE_PICKUP,
    WindowKind,
)

PLACE_KINDS: dict[str, PlaceKind.ValueType] = {
    "store": PLACE_KIND_STORE,
    "office": PLACE_KIND_OFFICE,
    "warehouse": PLACE_KIND_WAREHOUSE,
    "residential_building": PLACE_KIND_RESIDENCE,
    "residential_private": PLACE_KIND_RESIDENCE,
    # "A pickup/dropoff depot".
    "pudo": PLACE_KIND_COLLECTION_POINT,
}
"""By `type` of a place."""

WINDOW_KINDS: dict[str, WindowKind.ValueType] = {
    "committed": WINDOW_KIND_COMMITTED,
    "estimated": WINDOW_KIND_ESTIMATED,
    "scheduledWindow": WINDOW_KIND_SCHEDULED,
    "allDay": WINDOW_KIND_ALL_DAY,
    "express": WINDOW_KIND_EXPRESS,
    "storePickup": WINDOW_KIND_STORE_PICKUP,
}
"""By dropoffWindowType."""

PROOF_KINDS: dict[str, ProofKind.ValueType] = {
    "signature": PROOF_KIND_SIGNATURE,
    "photo": PROOF_KIND_PHOTO,
    "photoId": PROOF_KIND_PHOTO_ID,
}
"""By `type` of a proof."""

REQUIRED_PROOFS: dict[str, ProofKind.ValueType] = {
    "signature": PROOF_KIND_SIGNATURE,
    "photoId": PROOF_KIND_PHOTO_ID,
    "parcelPhoto": PROOF_KIND_PHOTO,
    "any": PROOF_KIND_ANY,
}
"""By proofOfDeliveryRequirement. "none" asks for nothing, and is no proof."""

NO_PROOF = "none"
