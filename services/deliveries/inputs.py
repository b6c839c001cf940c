"""Reports put in order: when each happened and which comes before which; knows nothing of what a report does.

The order must not depend on arrival, or two hubs that hear the same reports would tell different stories.
So a key is made of the sender's time, of the rank of the reported status (at equal times the way goes
forward) and of a hash of what was said. Equal keys mean that the same was said twice.
"""

from dataclasses import dataclass
from hashlib import blake2b

from crossdock.v1.event_pb2 import Event
from crossdock.v1.report_pb2 import DeliveryReport
from google.protobuf.timestamp_pb2 import Timestamp

from services.deliveries.statuses import RANKS

NANOSECONDS = 1_000_000_000
LEAD = 5 * 60 * NANOSECONDS
"""How far a sender's clock may be ahead of ours, in nanoseconds."""
LAG = 24 * 60 * 60 * NANOSECONDS
"""How long before the delivery was known its first event may lie, in nanoseconds."""
IMPLAUSIBLE_TIME = "implausible_time"
"""The code of the issue on a report whose time is not believed."""
OVERLAY_RANK = 254
"""Reports without status come after those with one at the same time: after the reset, not before it."""


@dataclass(frozen=True, slots=True)
class Input:
    """A report in its place in the order of all reports about one delivery."""

    report: DeliveryReport
    time: Timestamp
    """When it happened: the sender's time if it is sane, else ``receive_time``."""
    receive_time: Timestamp
    key: bytes
    """Sorts as the order does; stored as it is."""
    webhook_id: str = ""
    source_id: str = ""
    recorded: bool = False
    """True when an event tells of it already, so that a refold does not tell it again."""


def receive(
    report: DeliveryReport,
    receive_time: Timestamp,
    delivery_create_time: Timestamp,
    *,
    webhook_id: str = "",
    source_id: str = "",
    after: bytes = b"",
) -> Input:
    """Puts a new report in its place; takes the report over and notes on it when its time is not believed.

    A command takes effect after everything that is known, even after a carrier whose clock runs ahead: for
    commands, ``after`` is the key of the youngest report folded in.
    """
    time = order_time(report, receive_time, delivery_create_time)
    implausible = time is receive_time and report.HasField("event_time")
    if implausible and all(issue.code != IMPLAUSIBLE_TIME for issue in report.issues):
        report.issues.add(
            pointer="/event_time",
            code=IMPLAUSIBLE_TIME,
            message="the time lies too far from the time of receipt, which is used instead",
        )
    if after:
        earliest = _moment(after) + 1
        receive_time = _at_least(receive_time, earliest)
        # An override tells when something happened, and holds from now on; see `order_key`.
        time = time if report.override else _at_least(time, earliest)
    return Input(report, time, receive_time, order_key(report, time, receive_time), webhook_id, source_id)


def replay(event: Event) -> Input:
    """The input behind an event with a report; an event without number is a stored ping, not recorded."""
    time, receive_time = event.event_time, event.record_time
    key = order_key(event.report, time, receive_time)
    return Input(event.report, time, receive_time, key, event.webhook_id, event.source_id, recorded=event.number > 0)


def order_time(report: DeliveryReport, receive_time: Timestamp, delivery_create_time: Timestamp) -> Timestamp:
    """The sender's time, unless it lies over ``LEAD`` ahead of us or ``LAG`` before the creation."""
    if not report.HasField("event_time"):
        return receive_time
    told = _nanoseconds(report.event_time)
    if told > _nanoseconds(receive_time) + LEAD or told < _nanoseconds(delivery_create_time) - LAG:
        return receive_time
    return report.event_time


def order_key(report: DeliveryReport, time: Timestamp, receive_time: Timestamp) -> bytes:
    """25 bytes: the moment in nanoseconds, the rank, a hash of the content.

    A status set by a person holds from the moment it is set, whenever it happened.
    """
    moment = _nanoseconds(receive_time if report.override else time)
    rank = RANKS.get(report.status, 0) if report.status else OVERLAY_RANK
    content = blake2b(report.SerializeToString(deterministic=True), digest_size=16).digest()
    return max(moment, 0).to_bytes(8, "big") + rank.to_bytes(1, "big") + content


def _at_least(time: Timestamp, nanoseconds: int) -> Timestamp:
    if _nanoseconds(time) >= nanoseconds:
        return time
    return Timestamp(seconds=nanoseconds // NANOSECONDS, nanos=nanoseconds % NANOSECONDS)


def _nanoseconds(time: Timestamp) -> int:
    return time.seconds * NANOSECONDS + time.nanos


def _moment(key: bytes) -> int:
    return int.from_bytes(key[:8], "big")
