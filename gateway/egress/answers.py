"""What a server far away answered, as much of it as was asked for."""

import re
from dataclasses import dataclass

KEPT_HEADERS = ("content-type", "content-encoding", "etag", "last-modified", "location", "retry-after", "server")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")


@dataclass(frozen=True)
class Answer:
    """An answer: `headers` are those of KEPT_HEADERS, in lower case; `complete` says whether `body` is all of it."""

    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool
    latency_seconds: float

    @property
    def excerpt(self) -> str:
        """The body as text that can be stored and shown: what is not UTF-8 or not printable is replaced."""
        return _UNPRINTABLE.sub("\ufffd", self.body.decode("utf-8", "replace"))
