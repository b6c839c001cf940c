"""What makes two messages of Ordatic the same fact; pure, and knows nothing of what the fact means.

Ordatic sends no id and no time, and sends up to three times what is not answered with 2xx. So the whole content names
the fact, in whatever order its members stand. It is not enough for what is told of every booking in the same words: a
`rider-created` after a `rider-error` equals the first one to the letter. Whether it is another booking or a second
copy depends on what became of the first, which only the services know. The report tells them so (`booking`), and they
count the key once for each booking. Two limits remain, for nothing tells the cases apart: a second copy of a
`rider-created` that arrives after the `rider-error` counts as another booking, and so do second copies of what was
said of a booking before once the next one has begun.
"""

from typing import Any

from gateway.dialects.inbound import fingerprint


def dedupe_key(document: Any) -> str:
    """Names the fact: everything that the document says."""
    return fingerprint(document)
