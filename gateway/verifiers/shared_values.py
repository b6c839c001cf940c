"""Sources that send the secret itself: in `Authorization`, as basic auth, or as a segment of the path."""

import base64
import hashlib

from gateway.verifiers.comparisons import Headers, fitting, single_header
from gateway.verifiers.sources import Refused, SourceAuth, Verified

_BASIC = b"basic "


def verify_authorization(auth: SourceAuth, headers: Headers) -> Verified | Refused:
    """Compare the whole `Authorization` value, as Ordatic sends it."""
    value = single_header(headers, b"authorization")
    if isinstance(value, Refused):
        return value
    return _outcome(value, auth.secret_bytes(), "another Authorization value")


def verify_basic(auth: SourceAuth, headers: Headers) -> Verified | Refused:
    """Compare user and password, in the one base64 spelling they have."""
    value = single_header(headers, b"authorization")
    if isinstance(value, Refused):
        return value
    if value[: len(_BASIC)].lower() != _BASIC:
        return Refused("not basic authorization")
    expected = tuple(base64.b64encode(auth.username.encode() + b":" + password) for password in auth.secret_bytes())
    return _outcome(value[len(_BASIC) :], expected, "another user or password")


def verify_path_secret(auth: SourceAuth, path_secret: str | None) -> Verified | Refused:
    """Compare the path's segment, already percent-decoded."""
    if not path_secret:
        return Refused("no secret in the path")
    return _outcome(path_secret.encode("utf-8", "surrogatepass"), auth.secret_bytes(), "another secret in the path")


def _outcome(sent: bytes, expected: tuple[bytes, ...], reason: str) -> Verified | Refused:
    # Digests are compared, so that not even the length of a secret shows in the time.
    position = fitting([_digest(sent)], [_digest(value) for value in expected])
    return Refused(reason) if position is None else Verified(position)


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
