"""Ordatic's proof of delivery, between a string and the contract's; pure. An image travels in the message itself."""

import base64
import binascii
import re

from crossdock.v1.proof_pb2 import PROOF_KIND_OTHER, Proof

from gateway.images import media_type_of
from gateway.unreadable import Unreadable

KIND = "proofDelivery"
"""Whether it shows goods, a person or a signature is not told."""
MAX_IMAGE = 12 << 20
"""In bytes. With the body that it was read from, it must fit in one message to the services."""

_WEB_PAGE = re.compile(r"(?i:https?)://[^\s<>\"]{1,4000}")
_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]{1,50};base64,", re.IGNORECASE)


def read_proof(text: str) -> Proof | Unreadable:
    """The proof: an image in base64, strictly, or the address of one. What it is is seen from its first bytes."""
    if _WEB_PAGE.fullmatch(text):
        return Proof(kind=PROOF_KIND_OTHER, kind_raw=KIND, url=text)
    label = _DATA_URL.match(text)
    encoded = text[label.end() :] if label else text
    try:
        image = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return Unreadable.of(text[:40], "neither base64 nor the address of a web page")
    if base64.b64encode(image).decode() != encoded:
        return Unreadable.of(text[:40], "not the one base64 spelling of its bytes")
    if len(image) > MAX_IMAGE:
        return Unreadable.of(text[:40], f"an image of more than {MAX_IMAGE} bytes")
    media_type = media_type_of(image)
    if not media_type:
        return Unreadable.of(text[:40], "base64, and no image")
    return Proof(kind=PROOF_KIND_OTHER, kind_raw=KIND, image=image, media_type=media_type)


def write_proof(proof: Proof) -> str:
    """The image in base64, as documented, or where it is kept; empty when neither is at hand."""
    return base64.b64encode(proof.image).decode() if proof.image else proof.url
