"""Stands in the registry for a dialect that this release stores and does not understand; guesses nothing.

Its messages are verified, deduplicated, kept byte by byte and thanked for. Each is marked as unmapped, so that
they can be listed, and replayed by the release that has the mapping.
"""

from typing import Any

from crossdock.v1.actor_pb2 import ACTOR_KIND_CARRIER, Actor
from crossdock.v1.report_pb2 import DeliveryReport, Issue

from gateway.dialects.inbound import ReadContext, Reading, fingerprint

MAX_DEDUPE_KEY = 255

_NO_MAPPING = Issue(
    code="no_mapping",
    message="this release has no mapping for the dialect: the message is kept as it came and moves nothing",
)


def keep_unread(document: Any, context: ReadContext) -> Reading:
    """A report that tells only that nothing was understood."""
    report = DeliveryReport(
        unmapped=True,
        actor=Actor(kind=ACTOR_KIND_CARRIER, id=context.source_id),
        issues=[_NO_MAPPING],
    )
    message_id = context.message_id
    signed = 0 < len(message_id) <= MAX_DEDUPE_KEY
    return Reading(report, message_id if signed else fingerprint(document))
