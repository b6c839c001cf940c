"""Applies a source's scheme and its address allow-list: both must pass. Knows no clock: the time is given."""

from gateway.verifiers.addresses import address_allowed
from gateway.verifiers.comparisons import Headers
from gateway.verifiers.hmac_headers import verify_hmac_header
from gateway.verifiers.shared_values import verify_authorization, verify_basic, verify_path_secret
from gateway.verifiers.sources import Refused, Scheme, SourceAuth, Verified
from gateway.verifiers.standard_webhooks import verify_standard_webhooks


def verify(
    auth: SourceAuth,
    *,
    headers: Headers,
    body: bytes,
    path_secret: str | None,
    peer: str,
    now: float,
) -> Verified | Refused:
    """Say whether the request comes from the source.

    `headers` are as ASGI gives them, `peer` is the client's address as text (see `client_address`), `now` is
    in seconds since 1970. Never raises, whatever the request holds.
    """
    if not address_allowed(peer, auth.networks):
        return Refused("address not allowed")
    match auth.scheme:
        case Scheme.STANDARD_WEBHOOKS:
            return verify_standard_webhooks(auth, headers, body, now)
        case Scheme.AUTHORIZATION:
            return verify_authorization(auth, headers)
        case Scheme.PATH_SECRET:
            return verify_path_secret(auth, path_secret)
        case Scheme.HMAC_HEADER:
            return verify_hmac_header(auth, headers, body)
        case Scheme.BASIC:
            return verify_basic(auth, headers)
        case Scheme.ADDRESS:
            return Verified()
