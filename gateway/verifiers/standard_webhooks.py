"""Standard Webhooks and Svix signatures; stricter than the reference libraries, which raise on hostile input.

https://www.standardwebhooks.com, https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

import base64
import binascii
import hashlib
import hmac
import re

from gateway.verifiers.comparisons import Headers, fitting, single_header
from gateway.verifiers.sources import Refused, SourceAuth, Verified

TOLERANCE_SECONDS = 300
MAX_SIGNATURES = 8
_FAMILIES = (b"svix-", b"webhook-")
_PREFIX = "whsec_"

# A dot in an id would let two different messages share one signed text.
_ID = re.compile(rb"[\x21-\x2d\x2f-\x7e]{1,256}")
_TIMESTAMP = re.compile(rb"[1-9][0-9]{0,11}")


def verify_standard_webhooks(auth: SourceAuth, headers: Headers, body: bytes, now: float) -> Verified | Refused:
    """Check id, time and signature; both header families may be sent if they say the same."""
    sent = _family(headers)
    if isinstance(sent, Refused):
        return sent
    message_id, timestamp, signatures = sent
    if not _ID.fullmatch(message_id):
        return Refused("unusable message id")
    if not _TIMESTAMP.fullmatch(timestamp):
        return Refused("unusable timestamp")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return Refused("timestamp too far from now")
    entries = signatures.split(b" ")
    if len(entries) > MAX_SIGNATURES:
        return Refused("too many signatures")
    # Other versions are for other keys: v1a is asymmetric.
    candidates = [entry[3:] for entry in entries if entry.startswith(b"v1,")]
    if not candidates:
        return Refused("no v1 signature")
    keys = [key_of(secret) for secret in auth.secrets]
    signed = b".".join((message_id, timestamp, body))
    expected = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) if key else b"" for key in keys]
    position = fitting((candidate for candidate in candidates if candidate), expected)
    if position is None:
        return Refused("no signature fits")
    return Verified(position, message_id.decode("ascii"))


def key_of(secret: str | bytes) -> bytes | None:
    """Give the signing key that a secret stands for, or None if it is not base64 or empty."""
    if isinstance(secret, bytes):
        return secret or None
    text = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _family(headers: Headers) -> tuple[bytes, bytes, bytes] | Refused:
    families = [family for family in _FAMILIES if any(_belongs(name.lower(), family) for name, _ in headers)]
    if not families:
        return Refused("no signature headers")
    sent: list[tuple[bytes, bytes, bytes]] = []
    for family in families:
        message_id = single_header(headers, family + b"id")
        timestamp = single_header(headers, family + b"timestamp")
        signatures = single_header(headers, family + b"signature")
        if isinstance(message_id, Refused):
            return message_id
        if isinstance(timestamp, Refused):
            return timestamp
        if isinstance(signatures, Refused):
            return signatures
        sent.append((message_id, timestamp, signatures))
    if len(set(sent)) > 1:
        return Refused("the two header families differ")
    return sent[0]


def _belongs(name: bytes, family: bytes) -> bool:
    return name in (family + b"id", family + b"timestamp", family + b"signature")
