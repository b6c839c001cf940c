"""The headers of a webhook as they are kept: bounded, and without anything that proves who sent it."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from crossdock.v1.webhook_pb2 import HttpHeader

from runtime.logging import REDACTED, SECRET_NAME

# The bounds of the contract.
MAX_HEADERS = 200
MAX_NAME = 255
MAX_VALUE = 8192


def kept_headers(headers: Sequence[tuple[bytes, bytes]], hmac_header: str = "") -> Iterator[HttpHeader]:
    """Copy ASGI headers for storage. `hmac_header` names one more that carries a signature."""
    for raw_name, raw_value in headers[:MAX_HEADERS]:
        name, secret = _kept_name(raw_name, hmac_header)
        yield HttpHeader(name=name, value=REDACTED if secret else raw_value.decode("latin-1")[:MAX_VALUE])


# A sender's messages bring the same names each time.
@lru_cache(maxsize=1024)
def _kept_name(raw_name: bytes, hmac_header: str) -> tuple[str, bool]:
    """The name as it is kept, and whether its value proves who sent it."""
    name = raw_name.decode("latin-1").lower()
    secret = SECRET_NAME.search(name.replace("-", "_")) is not None or name == hmac_header.lower()
    return name[:MAX_NAME], secret
