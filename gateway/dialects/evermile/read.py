"""Evermile's webhooks put into the hub's words; pure: what they tell follows from the document and its source alone.

Every order message is a picture of the whole order, so the time that orders them is that of the message. The time
of the status stays the same over many pictures: ordered by it, an older estimate could come after a newer one.
"""

from collections.abc import Mapping
from typing import Any

from crossdock.v1.actor_pb2 import ACTOR_KIND_CARRIER
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_CANCELLED
from crossdock.v1.report_pb2 import DeliveryReport
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.dialects.evermile.members import Members
from gateway.dialects.evermile.orders import read_order
from gateway.dialects.evermile.statuses import LIFE_CYCLE, Meaning, courier_status, meaning_of
from gateway.dialects.evermile.tracking import left_over, read_tracking
from gateway.dialects.evermile.wire import Order, Parsed, Status, TrackingInfo, parse
from gateway.dialects.inbound import ReadContext, Reading, fingerprint
from gateway.dialects.tolerance import keep

MAX_DEDUPE_KEY = 255
MAX_TARGETS = 20
MAX_ISSUES = 200

_READ_ALL_THE_SAME = frozenset(("contradiction", "missing", "spelling", "written_as_number"))
"""Codes of issues about members of which nothing is lost."""
_KEPT_AS_WRITTEN = "/order/scheduleInfo/scheduledDate"
"""The member that the contract holds as it was written, too."""


def read(document: Any, context: ReadContext) -> Reading:
    """The report and the dedupe key. Raises `MalformedMessage` for what names no order."""
    parsed = parse(document)
    # Svix gives a message one id, over all of its resends; where nobody signed one, the content counts.
    signed = 0 < len(context.message_id) <= MAX_DEDUPE_KEY
    key = context.message_id if signed else fingerprint(document)
    return Reading(_Reader(parsed, context).read(), key)


class _Reader:
    """One message on its way into one report."""

    def __init__(self, parsed: Parsed, context: ReadContext) -> None:
        self._message = parsed.message
        self._document = parsed.document
        self._issues = parsed.issues
        self._members = Members(parsed.issues, context)
        self._report = DeliveryReport()
        self._report.actor.kind = ACTOR_KIND_CARRIER
        self._report.actor.id = context.source_id
        self._kept = _in_place(parsed.unknown)
        self._status_time: Timestamp | None = None

    def read(self) -> DeliveryReport:
        message, report = self._message, self._report
        report.patch.carrier = "Evermile"
        report.patch.carrier_ref = "evermile"
        self._read_names()
        if message.order is not None:
            self._read_order(message.order, self._document["order"])
        elif message.tells_nothing:
            self._read_notice()
        else:
            self._read_tracking(message.tracking_info or TrackingInfo())
        if self._kept and (fault := keep(report.patch, "evermile", self._kept)):
            self._issues.insert(0, fault)
        report.issues.extend(self._issues[:MAX_ISSUES])
        return report

    def _read_names(self) -> None:
        order, targets = self._message.order or Order(), self._report.targets
        if own := order.id or self._message.order_id:
            targets.add(scope="evermile.order", value=own, exclusive=True)
        others = dict.fromkeys(filter(None, (order.external_order_id, *(order.extra_external_ids or ()))))
        room = MAX_TARGETS - len(targets)
        for name in list(others)[:room]:
            targets.add(scope="order", value=name)
        if len(others) > room:
            self._members.tell("/order/extraExternalIds", "too_many", f"only the first {room} identifiers are names")

    def _read_order(self, order: Order, told: Mapping[str, Any]) -> None:
        status = order.status or Status()
        self._read_time(status.reporting_time)
        self._read_words(order, status)
        self._kept |= read_order(self._members, order, self._report.patch, self._time)
        for name, value in (
            ("manuallyUpdated", status.manually_updated),
            ("reporter", status.reporter),
            ("reporting_time", status.reporting_time),
        ):
            if value not in (None, ""):
                self._kept.setdefault("status", {})[name] = value
        self._keep_unread(told)

    def _keep_unread(self, told: Mapping[str, Any]) -> None:
        """What could not be read is kept as it was sent, with the member of the order that it is part of."""
        for each in self._issues:
            top, *path = each.pointer.split("/")[1:] or [""]
            if top == "order" and path and each.code not in _READ_ALL_THE_SAME and each.pointer != _KEPT_AS_WRITTEN:
                self._kept[path[0]] = told.get(path[0])

    def _read_words(self, order: Order, status: Status) -> None:
        report, word, stage = self._report, status.order_status, status.life_cycle_status
        report.status_raw = word or ""
        report.substatus_raw = stage or ""
        if status.reporter:
            report.actor.display_name = status.reporter
        meaning = meaning_of(word, stage)
        if meaning is not None:
            if stage and stage not in meaning.stages:
                code = "contradiction" if stage in LIFE_CYCLE else "unknown_word"
                sentence = f"{stage[:40]!r} does not go with {word}, which counts"
                self._members.tell("/order/status/lifeCycleStatus", code, sentence)
            self._read_meaning(meaning, order, status)
        elif word:
            report.unmapped = True
            self._members.tell("/order/status/orderStatus", "unknown_word", f"{word[:40]!r} is not documented")
        elif all(not "/order/status/orderStatus".startswith(each.pointer) for each in self._issues):
            self._members.tell("/order/status/orderStatus", "missing", "no status is told: the rest counts")

    def _read_meaning(self, meaning: Meaning, order: Order, status: Status) -> None:
        report, tracking = self._report, order.order_tracking_info
        report.status = meaning.status
        report.substatus = meaning.substatus
        if meaning.waits_for_courier and tracking:
            courier = courier_status(tracking.is_courier_assigned, tracking.is_on_way_to_pickup)
            report.status = courier or meaning.status
        if meaning.ready and (since := self._status_time or self._time):
            report.patch.ready_for_pickup_time.CopyFrom(since)
        if meaning.on_hold:
            report.patch.on_hold = True
        if meaning.attention:
            report.attention.add(reason=meaning.attention, message="Evermile: the order has issues that need handling")
        if meaning.status == DELIVERY_STATUS_CANCELLED and status.reporter:
            report.reason.actor.display_name = status.reporter

    def _read_tracking(self, tracking: TrackingInfo) -> None:
        """The kind of update is open, and every member that is not null is told: all kinds are read alike.

        It mainly tells where the courier is, and repeats the rest: whatever more changes leaves an event.
        """
        report = self._report
        self._read_time()
        report.ping = self._message.tracking_info is not None
        report.substatus_raw = self._message.update_kind or ""
        report.status = courier_status(tracking.is_courier_assigned, tracking.is_on_way_to_pickup)
        read_tracking(self._members, "/trackingInfo", tracking, report.patch, self._time)
        self._kept |= left_over(tracking, report.patch)

    def _read_notice(self) -> None:
        """Nothing but an order and a time. What happened to the order is not told, and not guessed."""
        self._read_time()
        sentence = "Evermile named the order and told nothing of it: it may be cancelled or removed there"
        self._members.tell("", "no_content", sentence)
        self._report.attention.add(reason="unexplained_notice", message=sentence)

    def _read_time(self, status_time: str | None = None) -> None:
        """The time of the message; the time of the status where that is missing or unreadable."""
        time = self._members.instant("/timestamp", self._message.timestamp)
        reported = self._members.instant("/order/status/reporting_time", status_time)
        if reported is not None:
            self._status_time = Timestamp()
            self._status_time.FromDatetime(reported)
        if not self._message.timestamp and all(each.pointer != "/timestamp" for each in self._issues):
            self._members.tell("/timestamp", "missing", "the time of the message is not told")
        if (time := time or reported) is not None:
            self._report.event_time.FromDatetime(time)

    @property
    def _time(self) -> Timestamp | None:
        return self._report.event_time if self._report.HasField("event_time") else None


def _in_place(unknown: dict[str, Any]) -> dict[str, Any]:
    """What is not documented: members of an order stand for themselves, those around it under "message"."""
    within: dict[str, Any] = unknown.pop("order", {})
    tracking = {"trackingInfo": unknown.pop("trackingInfo")} if "trackingInfo" in unknown else {}
    return {**within, **tracking, **({"message": unknown} if unknown else {})}
