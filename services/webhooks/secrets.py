"""The secrets of a webhook source: how they are made, checked and sealed; knows no rows.

Their values leave this process sealed, or for the gateway, or once for who makes them.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from crossdock.v1.webhook_pb2 import AuthScheme, FetchHeader, SourceSecret, WebhookSource

from runtime import typeid
from services import ids, times
from services.errors import invalid
from services.sealing import Sealer

_RANDOM_BYTES = 32
_USER = "crossdock"
_PATH_SEGMENT = re.compile(r"[A-Za-z0-9._~-]{16,500}")
_VISIBLE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


def new_secret(scheme: "AuthScheme.ValueType", dictated: str, now: datetime) -> SourceSecret:
    """A secret as the scheme wants it: the dictated one, or a random one. Raises INVALID_REQUEST."""
    if dictated:
        _require_usable(scheme, dictated)
    return SourceSecret(
        id=ids.write("source secret", typeid.new_uuid7()),
        value=dictated or _random(scheme),
        create_time=times.to_timestamp(now),
    )


def seal(
    sealer: Sealer,
    tenant_id: UUID,
    source_id: UUID,
    present: Iterable[SourceSecret],
    headers: Iterable[FetchHeader],
) -> bytes:
    """The secrets as they are stored, with the headers for fetching."""
    plain = WebhookSource(secrets=present, fetch_headers=headers).SerializeToString()
    return sealer.seal(plain, _context(tenant_id, source_id))


def unseal(sealer: Sealer, tenant_id: UUID, source_id: UUID, sealed: bytes) -> list[SourceSecret]:
    """The stored secrets, those that ended included."""
    return list(_open(sealer, tenant_id, source_id, sealed).secrets)


def unseal_headers(sealer: Sealer, tenant_id: UUID, source_id: UUID, sealed: bytes) -> list[FetchHeader]:
    """The stored headers for fetching, with their values; none of a source that is not stored yet."""
    return list(_open(sealer, tenant_id, source_id, sealed).fetch_headers) if sealed else []


def _open(sealer: Sealer, tenant_id: UUID, source_id: UUID, sealed: bytes) -> WebhookSource:
    return WebhookSource.FromString(sealer.open(sealed, _context(tenant_id, source_id)))


def _context(tenant_id: UUID, source_id: UUID) -> bytes:
    return b"webhook source" + tenant_id.bytes + source_id.bytes


def _random(scheme: "AuthScheme.ValueType") -> str:
    match scheme:
        case AuthScheme.AUTH_SCHEME_STANDARD_WEBHOOKS:
            return "whsec_" + base64.b64encode(secrets.token_bytes(_RANDOM_BYTES)).decode()
        case AuthScheme.AUTH_SCHEME_HMAC_HEX:
            return secrets.token_hex(_RANDOM_BYTES)
        case AuthScheme.AUTH_SCHEME_BASIC:
            return f"{_USER}:{secrets.token_urlsafe(_RANDOM_BYTES)}"
        case _:
            return secrets.token_urlsafe(_RANDOM_BYTES)


def _require_usable(scheme: "AuthScheme.ValueType", secret: str) -> None:
    match scheme:
        case AuthScheme.AUTH_SCHEME_STANDARD_WEBHOOKS:
            if not _is_base64(secret.removeprefix("whsec_")):
                raise invalid("secret", 'must be base64, with or without "whsec_" before it', "secret.base64")
        case AuthScheme.AUTH_SCHEME_PATH_SECRET:
            if not _PATH_SEGMENT.fullmatch(secret):
                raise invalid("secret", "must be 16 to 500 letters, digits or any of . _ ~ -", "secret.path_segment")
        case AuthScheme.AUTH_SCHEME_BASIC:
            user, colon, password = secret.partition(":")
            if not (user and colon and password and _VISIBLE.fullmatch(secret)):
                raise invalid("secret", 'must be "user:password", in visible ASCII', "secret.basic")
        case _:
            if not _VISIBLE.fullmatch(secret):
                raise invalid("secret", "must be visible ASCII without space at its ends", "secret.visible_ascii")


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True))
    except (binascii.Error, ValueError):
        return False
