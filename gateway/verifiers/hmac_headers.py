"""Hexadecimal HMAC-SHA256 of the raw body in a header of its own, as HubRise's active callbacks have."""

import hashlib
import hmac

from gateway.verifiers.comparisons import Headers, fitting, single_header
from gateway.verifiers.sources import Refused, SourceAuth, Verified

_HEX_LENGTH = 64


def verify_hmac_header(auth: SourceAuth, headers: Headers, body: bytes) -> Verified | Refused:
    """Check the header's 64 hexadecimal digits, in either case, against the body."""
    value = single_header(headers, auth.header_name.lower().encode("ascii", "replace"))
    if isinstance(value, Refused):
        return value
    if len(value) != _HEX_LENGTH:
        return Refused("signature of another length")
    expected = [hmac.digest(secret, body, hashlib.sha256).hex().encode("ascii") for secret in auth.secret_bytes()]
    position = fitting([value.lower()], expected)
    return Refused("signature does not fit") if position is None else Verified(position)
