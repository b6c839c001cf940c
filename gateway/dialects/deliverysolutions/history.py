"""Writes a shipment's steps as Delivery Solutions' status history; knows no request and no clock."""

import re
from calendar import month_name
from collections.abc import Iterable
from datetime import UTC, tzinfo
from typing import Final

from crossdock.v1.shipment_pb2 import Shipment, ShipmentHistoryEntry
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.dialects.deliverysolutions.statuses import substatus, word
from gateway.dialects.deliverysolutions.wire import Document

_WORD_BEGINS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
"""Where a carrier writes LeftAtFrontDoor and they write LEFT_AT_FRONT_DOOR."""
_ORDINALS: Final = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}


def history(told: Shipment, entries: Iterable[ShipmentHistoryEntry], zone: tzinfo, tenant: str) -> list[Document]:
    """The documented answer: a list with one order. Steps that are one word to them are told once."""
    steps: list[Document] = []
    for entry in entries:
        step = _step(entry, zone)
        if not steps or any(step.get(name) != steps[-1].get(name) for name in ("status", "subStatus", "eventReason")):
            steps.append(step)
    return [{"orderId": told.id, "tenantId": tenant, "orderStatus": steps}]


def _step(entry: ShipmentHistoryEntry, zone: tzinfo) -> Document:
    step: Document = {
        "status": word(entry.phase, entry.status),
        "updatedAt": time_text(entry.time, zone),
        "note": entry.note or None,
        "statusUser": entry.status_user or None,
    }
    if entry.reason.code or entry.reason.message:
        step["eventReason"] = {
            "code": _WORD_BEGINS.sub("_", entry.reason.code).upper() or None,
            "title": entry.reason_title or entry.reason.code.replace("_", " ").title() or None,
            "note": entry.reason.message or None,
        }
    if finer := substatus(entry.status, entry.substatus):
        step["subStatus"] = finer
    return step


def time_text(moment: Timestamp, zone: tzinfo) -> str:
    """Writes "April 27th 2022, 2:45:45 am CDT", as the clocks of the place show it."""
    told = moment.ToDatetime(UTC).astimezone(zone)
    half = "am" if told.hour < 12 else "pm"
    ordinal = _ORDINALS.get(told.day, "th")
    clock = f"{told.hour % 12 or 12}:{told:%M:%S} {half} {told:%Z}"
    return f"{month_name[told.month]} {told.day}{ordinal} {told.year}, {clock}"
