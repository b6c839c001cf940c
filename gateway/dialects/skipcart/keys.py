"""What makes two messages of Skipcart the same fact; pure, and knows nothing of what the fact means."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from crossdock.v1.report_pb2 import Issue

from gateway.dialects.inbound import fingerprint
from gateway.dialects.skipcart.wire import SkipcartEvent

_MEMBERS = frozenset(("/skipcart_order_id", "/event_status", "/event_time_utc", "/driver", "/driver/driver_id"))


def dedupe_key(event: SkipcartEvent, issues: Sequence[Issue], document: Any) -> str:
    """Names the fact: order, event, time and driver, the same in every order of members.

    Skipcart sends no id. Where the four do not tell facts apart, because one is missing or unreadable, the whole
    document does. A driver may be missing: many events have none to name. ``issues`` are those of parsing.
    """
    fact: list[str | None] = [
        event.skipcart_order_id,
        event.event_status,
        event.event_time_utc,
        event.driver.driver_id if event.driver else None,
    ]
    if not all(fact[:3]) or any(each.pointer in _MEMBERS for each in issues):
        fact.append(fingerprint(document))
    # A JSON list: no value can look like a boundary between two.
    return hashlib.sha256(json.dumps(fact).encode()).hexdigest()
