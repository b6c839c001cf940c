"""Compares what was sent with what it should be, in a time that tells nothing; and finds what was sent."""

import hmac
from collections.abc import Iterable, Sequence

from gateway.verifiers.sources import Refused

Headers = Sequence[tuple[bytes, bytes]]


def fitting(candidates: Iterable[bytes], expected: Sequence[bytes]) -> int | None:
    """Give the position of the expected value that one of the candidates equals; every pair is compared.

    Signatures are compared as text, not decoded: only the one canonical spelling fits, and junk in it never
    does.
    """
    found = None
    for candidate in candidates:
        for position, value in enumerate(expected):
            if hmac.compare_digest(candidate, value) and found is None:
                found = position
    return found


def single_header(headers: Headers, name: bytes) -> bytes | Refused:
    """Give the header's value; a header that is sent twice means two things, and is refused."""
    values = [value for sent, value in headers if sent.lower() == name]
    if len(values) == 1:
        return values[0]
    return Refused(f"header {name.decode()} is {'repeated' if values else 'missing'}")
