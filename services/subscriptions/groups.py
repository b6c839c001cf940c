"""Which subscriptions an event is for: filters that are alike stand together, found by their rarest wish; pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from crossdock.v1.event_pb2 import Event
from crossdock.v1.subscription_pb2 import Subscription

from services.subscriptions.rows import Key
from services.subscriptions.rules import wanted_by

Anchor = tuple[str, object] | None
"""A member of events with a value; None stands for all events of a tenant."""
_ANCHORS = {
    "delivery_id": "delivery_ids",
    "shipment_id": "shipment_ids",
    "order_id": "order_ids",
    "location_id": "location_ids",
    "carrier": "carriers",
    "status": "statuses",
    "kinds": "kinds",
}
"""The members of events that subscriptions are found by, the rarest first, and the list of a filter that names them."""


@dataclass
class _Group:
    """Subscriptions that want the same events."""

    wanted: Callable[[Event], bool]
    anchors: tuple[Anchor, ...]
    """What an event must have, one of them, to be looked at."""
    members: set[Key] = field(default_factory=set)


class Groups:
    """Any number of subscriptions. An event costs what those cost whose rarest wish it has, each kind of them once."""

    def __init__(self) -> None:
        self._marks: dict[Key, bytes] = {}
        self._groups: dict[tuple[UUID, bytes], _Group] = {}
        self._by_anchor: dict[tuple[UUID, Anchor], list[_Group]] = {}

    def add(self, key: Key, subscription: Subscription) -> None:
        """Takes up one that is new or has changed."""
        mark = _mark(subscription)
        if self._marks.get(key) == mark:
            return
        self.remove(key)
        group = self._groups.get((key[0], mark))
        if group is None:
            group = self._groups[key[0], mark] = _Group(wanted_by(subscription), _anchors(subscription))
            for anchor in group.anchors:
                self._by_anchor.setdefault((key[0], anchor), []).append(group)
        group.members.add(key)
        self._marks[key] = mark

    def remove(self, key: Key) -> None:
        """Forgets one, if it is there."""
        if (mark := self._marks.pop(key, None)) is None:
            return
        group = self._groups[key[0], mark]
        group.members.discard(key)
        if group.members:
            return
        del self._groups[key[0], mark]
        for anchor in group.anchors:
            listed = self._by_anchor[key[0], anchor]
            listed.remove(group)
            if not listed:
                del self._by_anchor[key[0], anchor]

    def that_want(self, tenant_id: UUID, event: Event) -> Iterator[set[Key]]:
        """The subscriptions of the tenant that want the event, in parts."""
        for anchor in _anchors_of(event):
            for group in self._by_anchor.get((tenant_id, anchor), ()):
                if group.wanted(event):
                    yield group.members


def _mark(subscription: Subscription) -> bytes:
    """What two subscriptions have in common that want the same events."""
    alike = Subscription(filter=subscription.filter, shipment_id=subscription.shipment_id)
    if subscription.spare_echo:
        alike.spare_echo, alike.created_by = True, subscription.created_by
    return alike.SerializeToString(deterministic=True)


def _anchors(subscription: Subscription) -> tuple[Anchor, ...]:
    """What its events must have, one of them: the rarest of what it asks for."""
    if subscription.shipment_id:
        return (("shipment_id", subscription.shipment_id),)
    for member, name in _ANCHORS.items():
        values = dict.fromkeys(getattr(subscription.filter, name))
        if values and all(values):  # an event without the member is found by none
            return tuple((member, value) for value in values)
    return (None,)


def _anchors_of(event: Event) -> Iterator[Anchor]:
    yield None
    for member in _ANCHORS:
        if member != "kinds" and (value := getattr(event, member)):
            yield member, value
    for kind in event.kinds:
        yield "kinds", kind
