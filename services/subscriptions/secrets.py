"""The secrets and headers of a subscription: how they are made, checked and sealed; knows no rows.

Their values leave this process sealed, or for the gateway, or once for who makes them.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from crossdock.v1.subscription_pb2 import Subscription, SubscriptionSecret

from runtime import typeid
from services import ids, times
from services.errors import invalid
from services.sealing import Sealer

_RANDOM_BYTES = 32
_STANDARD = "whsec_"
_HEXADECIMAL = frozenset(("hubrise", "deliverysolutions"))
"""The dialects whose subscribers know a secret as text that they put into an HMAC as it is."""
_HEADER_VALUE = frozenset(("ordatic",))
"""The dialects in which the secret is the value of `Authorization`."""
_VISIBLE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


def new_secret(dialect: str, dictated: str, now: datetime) -> SubscriptionSecret:
    """A secret as the dialect wants it: the dictated one, or a random one. Raises INVALID_REQUEST."""
    if dictated:
        _require_usable(dialect, dictated)
    return SubscriptionSecret(
        id=ids.write("source secret", typeid.new_uuid7()),
        value=dictated or _random(dialect),
        create_time=times.to_timestamp(now),
    )


def seal(sealer: Sealer, tenant_id: UUID, subscription_id: UUID, subscription: Subscription) -> bytes:
    """What is kept of a subscription under seal: its secrets, and its headers with their values."""
    kept = Subscription(secrets=subscription.secrets, headers=subscription.headers)
    return sealer.seal(kept.SerializeToString(), _context(tenant_id, subscription_id))


def unseal(sealer: Sealer, tenant_id: UUID, subscription_id: UUID, sealed: bytes) -> Subscription:
    """The sealed part, secrets that ended included."""
    return Subscription.FromString(sealer.open(sealed, _context(tenant_id, subscription_id)))


def hide_values(headers: Iterable[object]) -> None:
    """Takes the values out of headers that carry credentials, in place."""
    for header in headers:
        if carries_credentials(header.name):  # type: ignore[attr-defined]  # HttpHeader
            header.value = ""  # type: ignore[attr-defined]


def carries_credentials(name: str) -> bool:
    """Whether a header of this name is likely to carry something secret."""
    lowered = name.lower()
    return any(word in lowered for word in ("auth", "key", "token", "secret", "cookie", "password", "signature"))


def _context(tenant_id: UUID, subscription_id: UUID) -> bytes:
    return b"subscription" + tenant_id.bytes + subscription_id.bytes


def _random(dialect: str) -> str:
    if dialect in _HEXADECIMAL:
        return secrets.token_hex(_RANDOM_BYTES)
    if dialect in _HEADER_VALUE:
        return secrets.token_urlsafe(_RANDOM_BYTES)
    return _STANDARD + base64.b64encode(secrets.token_bytes(_RANDOM_BYTES)).decode()


def _require_usable(dialect: str, secret: str) -> None:
    if dialect in _HEXADECIMAL | _HEADER_VALUE:
        if not _VISIBLE.fullmatch(secret):
            raise invalid("secret", "must be visible ASCII, with blanks only inside", "secret.visible")
        return
    try:
        key = base64.b64decode(secret.removeprefix(_STANDARD), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not 24 <= len(key) <= 64:
        raise invalid("secret", 'must be 24 to 64 bytes in base64, with or without "whsec_" before it', "secret.base64")
