"""What a source's owner and we agreed on, and the two outcomes of checking it; knows no contract."""

from dataclasses import dataclass, field
from enum import Enum

from gateway.verifiers.addresses import Network

MAX_LIVE_SECRETS = 2


class Scheme(Enum):
    """How a source proves that it is the source."""

    STANDARD_WEBHOOKS = "standard_webhooks"
    AUTHORIZATION = "authorization"
    PATH_SECRET = "path_secret"  # noqa: S105  the name of a scheme
    HMAC_HEADER = "hmac_header"
    BASIC = "basic"
    ADDRESS = "address"

    @property
    def signs_body(self) -> bool:
        """Whether it takes the body to tell; the others tell by the headers, the path or the address alone."""
        return self in (Scheme.STANDARD_WEBHOOKS, Scheme.HMAC_HEADER)


@dataclass(frozen=True, slots=True)
class SourceAuth:
    """A source's scheme, its live secrets (two while they are rotated) and the networks it may call from.

    For `STANDARD_WEBHOOKS` a secret given as text is base64, with or without `whsec_`; given as bytes it is
    the key itself. For `AUTHORIZATION` it is the whole header value, for `BASIC` the password. No networks:
    from anywhere.
    """

    scheme: Scheme
    secrets: tuple[str | bytes, ...] = field(default=(), repr=False)
    networks: tuple[Network, ...] = ()
    header_name: str = "X-HubRise-Hmac-SHA256"
    username: str = ""

    def __post_init__(self) -> None:
        if len(self.secrets) > MAX_LIVE_SECRETS:
            raise ValueError(f"a source has at most {MAX_LIVE_SECRETS} live secrets")
        if self.scheme is Scheme.ADDRESS:
            if not self.networks:
                raise ValueError("a source that is known by its address alone needs networks")
        elif not self.secrets or not all(self.secrets):
            raise ValueError("a source needs a secret, and none may be empty")
        if ":" in self.username:
            raise ValueError("a user name with a colon cannot be sent")

    def secret_bytes(self) -> tuple[bytes, ...]:
        """The secrets as the bytes that travel."""
        return tuple(secret if isinstance(secret, bytes) else secret.encode() for secret in self.secrets)


@dataclass(frozen=True, slots=True)
class Verified:
    """The message is authentic.

    `key` is the position of the secret that fitted (None for `ADDRESS`), `message_id` the sender's own id if
    signed.
    """

    key: int | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The message proves nothing. `reason` is for our log: the sender learns only that it was refused."""

    reason: str
