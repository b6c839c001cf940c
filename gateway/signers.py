"""Signs or authorises the messages that go out, each scheme as its documents have it; knows no dialect and no clock.

Every signer makes headers in lower case from a message and its live secrets, the newest first, and raises
`UnusableSecret` sooner than let a message go out unsigned.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence

from gateway.dialects.outbound import Message
from gateway.verifiers.standard_webhooks import key_of

Headers = list[tuple[str, str]]

# What HTTP lets stand in a header's value, without the spaces around it that nobody would get to see.
_HEADER_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


class UnusableSecret(ValueError):
    """There is no secret, or it is none for this scheme. The sentence quotes nothing of it."""


def standard_webhooks(message: Message, secrets: Sequence[str]) -> Headers:
    """`webhook-id`, `-timestamp`, `-signature`: HMAC-SHA256 over id, second and body, one for each live secret."""
    return _signed("webhook-", message, secrets)


def svix(message: Message, secrets: Sequence[str]) -> Headers:
    """The same under the names that Svix had before they became a standard: `svix-id` and so on."""
    return _signed("svix-", message, secrets)


def hubrise(message: Message, secrets: Sequence[str]) -> Headers:
    """`X-HubRise-Hmac-SHA256`: the hexadecimal HMAC of the body. One value, so only the newest secret signs."""
    return [("x-hubrise-hmac-sha256", hmac.digest(_newest(secrets).encode(), message.body, hashlib.sha256).hex())]


def deliverysolutions(message: Message, secrets: Sequence[str]) -> Headers:
    """`X-DS-Signature`: the hexadecimal HMAC-SHA256 of the body by the newest secret.

    That a hash by the webhook's secret stands there is documented, and not which: this is the usual one.
    """
    return [("x-ds-signature", hmac.digest(_newest(secrets).encode(), message.body, hashlib.sha256).hex())]


def authorization(_message: Message, secrets: Sequence[str]) -> Headers:
    """`Authorization` with the newest secret as it stands, scheme word included if it has one."""
    value = _newest(secrets)
    if not _HEADER_VALUE.fullmatch(value):
        raise UnusableSecret("the secret cannot stand in a header")
    return [("authorization", value)]


def _signed(family: str, message: Message, secrets: Sequence[str]) -> Headers:
    if not secrets:
        raise UnusableSecret("there is no secret")
    second = str(int(message.time.timestamp()))
    signed = b".".join((message.id.encode(), second.encode(), message.body))
    signatures = []
    for secret in secrets:
        key = key_of(secret)
        if key is None:
            raise UnusableSecret("the secret is not base64")
        signatures.append("v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode())
    return [(family + "id", message.id), (family + "timestamp", second), (family + "signature", " ".join(signatures))]


def _newest(secrets: Sequence[str]) -> str:
    if not secrets or not secrets[0]:
        raise UnusableSecret("there is no secret")
    return secrets[0]
