"""Names each request, so that a client's report and our log can be put side by side."""

import re
import secrets

from starlette.types import Scope

HEADER = b"x-request-id"
_SANE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:\-]{7,127}")


def request_id_of(scope: Scope) -> str:
    """Take the client's `X-Request-Id` if there is exactly one and it cannot confuse a log, else make one."""
    sent = [value for name, value in scope["headers"] if name == HEADER]
    if len(sent) == 1 and _SANE.fullmatch(sent[0]):
        return str(sent[0], "ascii")
    return "req-" + secrets.token_hex(12)
