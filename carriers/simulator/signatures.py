"""How each dialect proves who posts, and how often it posts again; pure but for the time that comes in."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import NamedTuple

MINUTE, HOUR = 60.0, 3600.0


class Habit(NamedTuple):
    """What a vendor does with a webhook."""

    retry_seconds: tuple[float, ...]
    """The waits between tries, on the clock of the journey; empty when there is one try."""
    timeout_seconds: float


HABITS: Mapping[str, Habit] = {
    # Documents no second try: the call is "non-blocking".
    "skipcart": Habit((), 10.0),
    # Svix's schedule.
    "evermile": Habit((5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR), 15.0),
    # Three in all; how far apart is not documented.
    "ordatic": Habit((MINUTE, 5 * MINUTE), 10.0),
}


def headers(dialect: str, secret: str, message_id: str, body: bytes, now: float) -> dict[str, str]:
    """The headers of one try; `now` in seconds since 1970. Skipcart documents no proof: its secret is in the path."""
    common = {"content-type": "application/json", "user-agent": f"crossdock-simulator/1 ({dialect})"}
    if dialect == "evermile" and secret:
        return common | _svix(secret, message_id, body, int(now))
    if dialect == "ordatic" and secret:
        return common | {"authorization": secret}
    return common


def _svix(secret: str, message_id: str, body: bytes, timestamp: int) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_") + "==")
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {"svix-id": message_id, "svix-timestamp": str(timestamp), "svix-signature": f"v1,{signature}"}
