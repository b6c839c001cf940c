"""Which events a reader wants, compiled once for many events; pure."""

from collections.abc import Callable
from uuid import UUID

from crossdock.v1.event_pb2 import Disposition, Event, EventFilter

from runtime import typeid

EFFECTIVE = frozenset(
    {
        Disposition.DISPOSITION_APPLIED,
        Disposition.DISPOSITION_MILESTONE_ONLY,
        Disposition.DISPOSITION_OVERLAY_ONLY,
    }
)
"""The dispositions of reports that changed something."""

Wanted = Callable[[Event], bool]

_MEMBERS = {
    "location_ids": "location_id",
    "delivery_ids": "delivery_id",
    "shipment_ids": "shipment_id",
    "order_ids": "order_id",
    "carriers": "carrier",
    "statuses": "status",
}
"""The list of a filter, and the member of an event that must be in it."""


def compile_filter(filter_: EventFilter, location_id: UUID | None) -> Wanted:
    """The predicate of a filter for a caller, who may be bound to one location."""
    checks = [
        _one_of(member, frozenset(wanted)) for name, member in _MEMBERS.items() if (wanted := getattr(filter_, name))
    ]
    if kinds := frozenset(filter_.kinds):
        checks.append(lambda event: not kinds.isdisjoint(event.kinds))
    if filter_.exclude_synthetic:
        checks.append(lambda event: not event.synthetic)
    if filter_.exclude_ineffective:
        checks.append(lambda event: event.synthetic or event.disposition in EFFECTIVE)
    if location_id is not None:
        checks.append(_one_of("location_id", frozenset((typeid.encode("loc", location_id),))))
    return lambda event: all(check(event) for check in checks)


def _one_of(member: str, wanted: frozenset[object]) -> Wanted:
    return lambda event: getattr(event, member) in wanted
