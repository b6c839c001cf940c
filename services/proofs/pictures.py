"""Takes pictures out of what is told of a delivery, and says what they are; pure, and knows no rows.

A picture is known by its hash: reports, deliveries and events keep the hash, and the bytes go to a table of their own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from crossdock.v1.proof_pb2 import Proof

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


@dataclass(frozen=True)
class Picture:
    """A picture ready to be stored."""

    sha256: bytes
    media_type: str
    content: bytes


class NoPicture(Exception):
    """Its first bytes are those of no format that is served."""


def media_type_of(content: bytes) -> str:
    """What it is by its first bytes; empty when it is nothing that is served. SVG is a program, not a picture."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for beginning, media_type in _BEGINNINGS if content.startswith(beginning)), "")


def picture_of(content: bytes) -> Picture:
    """Raises NoPicture."""
    if media_type := media_type_of(content):
        return Picture(sha256(content).digest(), media_type, content)
    raise NoPicture("it is no PNG, JPEG, GIF, WebP or PDF")


def take(proofs: Iterable[Proof]) -> tuple[list[Picture], list[int]]:
    """Replaces each picture by its hash; gives the pictures, and the places of proofs whose bytes are none.

    What the sender said of the media type is not believed.
    """
    taken, refused = [], []
    for place, proof in enumerate(proofs):
        if not proof.image:
            continue
        try:
            picture = picture_of(proof.image)
        except NoPicture:
            refused.append(place)
        else:
            taken.append(picture)
            proof.image_sha256, proof.media_type = picture.sha256.hex(), picture.media_type
        proof.ClearField("image")
    return taken, refused
