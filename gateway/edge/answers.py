"""Adds to each answer the headers that browsers and caches need; a route's own header always wins."""

from starlette.types import Message

from gateway.edge.identities import HEADER as REQUEST_ID_HEADER

Headers = list[tuple[bytes, bytes]]

_ALWAYS: Headers = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
_FOR_PROGRAMS: Headers = [
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]
_OVER_TLS: Headers = [(b"strict-transport-security", b"max-age=63072000; includeSubDomains")]


def dressed(start: Message, *, request_id: str, secure: bool) -> Message:
    """Return the `http.response.start` message with the missing security headers and the request's id.

    JSON, plain text and empty answers are for programs: nothing in them may run, and nobody may store them.
    Pages and their files say themselves what may run and be cached.
    """
    headers: Headers = [(name.lower(), value) for name, value in start.get("headers", ())]
    present = dict(headers)
    content_type = present.get(b"content-type", b"").partition(b";")[0].strip().lower()
    for_programs = content_type in (b"", b"text/plain") or content_type.endswith(b"json")
    wanted = _ALWAYS + (_FOR_PROGRAMS if for_programs else []) + (_OVER_TLS if secure else [])
    headers += [header for header in wanted if header[0] not in present]
    headers.append((REQUEST_ID_HEADER, request_id.encode("ascii")))
    return {**start, "headers": headers}
