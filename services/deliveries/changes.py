"""The difference between two states of a delivery, told as an event; knows no rule, only what it sees."""

from collections.abc import Iterable
from operator import attrgetter
from typing import TypeAlias

from crossdock.v1 import event_pb2 as pb
from google.protobuf.message import Message

Kind: TypeAlias = pb.EventKind.ValueType
Disposition: TypeAlias = pb.Disposition.ValueType

_KIND_OF_MEMBER: dict[str, Kind] = {
    "status": pb.EVENT_KIND_STATUS_CHANGED,
    "courier": pb.EVENT_KIND_COURIER_CHANGED,
    "driver_sequence": pb.EVENT_KIND_COURIER_CHANGED,
    "estimates": pb.EVENT_KIND_ESTIMATES_CHANGED,
    "proofs": pb.EVENT_KIND_PROOF_ADDED,
    "fee": pb.EVENT_KIND_COSTS_CHANGED,
    "costs": pb.EVENT_KIND_COSTS_CHANGED,
    "driver_pay": pb.EVENT_KIND_COSTS_CHANGED,
    "refunds": pb.EVENT_KIND_REFUND_RECORDED,
    "attention": pb.EVENT_KIND_ATTENTION_CHANGED,
    "cancel_request_time": pb.EVENT_KIND_CANCEL_REQUESTED,
}

_GOES_WITH_STATUS = frozenset(
    (
        "substatus",
        "status_time",
        "status_reason",
        "carrier_status_raw",
        "carrier_substatus_raw",
        "milestones",
        "attempt",
        "driver_sequence",
        "door_attempts",
    )
)
"""Members that change as a matter of course when the status does."""

_IMPORTANCE: tuple[Kind, ...] = (
    pb.EVENT_KIND_CREATED,
    pb.EVENT_KIND_STATUS_CHANGED,
    pb.EVENT_KIND_CANCEL_REQUESTED,
    pb.EVENT_KIND_COURIER_CHANGED,
    pb.EVENT_KIND_PROOF_ADDED,
    pb.EVENT_KIND_REFUND_RECORDED,
    pb.EVENT_KIND_COSTS_CHANGED,
    pb.EVENT_KIND_ATTENTION_CHANGED,
    pb.EVENT_KIND_ESTIMATES_CHANGED,
    pb.EVENT_KIND_DETAILS_CHANGED,
    pb.EVENT_KIND_REPORT_RECORDED,
)

RECORD_FIELDS = frozenset(("last_event_number", "update_time", "etag"))
"""Members that tell about the record and not about the delivery."""

PING_MEMBERS = frozenset(("position", "estimates"))
"""What a ping changes without leaving an event."""


def changed_members(before: Message, after: Message) -> list[str]:
    """The top members that differ, in the order of the contract; those of record left out."""
    if before == after:
        return []
    old = dict(before.ListFields())
    changed = [field for field, value in after.ListFields() if old.pop(field, None) != value]
    if old:
        changed = sorted([*changed, *old], key=attrgetter("number"))
    return [field.name for field in changed if field.name not in RECORD_FIELDS]


def kinds_of(changed: Iterable[str]) -> list[Kind]:
    """What a change is about, the most important first; never empty."""
    kinds = set()
    moved = "status" in changed
    for member in changed:
        if moved and member in _GOES_WITH_STATUS:
            continue
        kinds.add(_KIND_OF_MEMBER.get(member, pb.EVENT_KIND_DETAILS_CHANGED))
    return [kind for kind in _IMPORTANCE if kind in kinds] or [pb.EVENT_KIND_REPORT_RECORDED]


def disposition_of(changed: Iterable[str], otherwise: Disposition) -> Disposition:
    """What became of a report that changed these members; ``otherwise`` is what the rules said of it."""
    told = set(changed)
    refused = otherwise != pb.DISPOSITION_NO_CHANGE
    if not told or otherwise == pb.DISPOSITION_UNMAPPED or (refused and told == {"attention"}):
        return otherwise
    if "status" in told or "attempt" in told:
        return pb.DISPOSITION_APPLIED
    if "milestones" in told:
        return pb.DISPOSITION_MILESTONE_ONLY
    return pb.DISPOSITION_OVERLAY_ONLY
