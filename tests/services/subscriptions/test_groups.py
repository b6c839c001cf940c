"""Subscriptions are found by what they ask for, exactly those whose filter fits."""

import random
from typing import Any
from uuid import UUID

from crossdock.v1 import delivery_pb2, event_pb2
from crossdock.v1.actor_pb2 import Actor
from crossdock.v1.event_pb2 import Event, EventFilter
from crossdock.v1.subscription_pb2 import Subscription

from services.subscriptions.groups import Groups
from services.subscriptions.rows import Key
from services.subscriptions.rules import wanted_by

TENANT, OTHER = UUID(int=1), UUID(int=2)
KINDS = (event_pb2.EVENT_KIND_CREATED, event_pb2.EVENT_KIND_STATUS_CHANGED, event_pb2.EVENT_KIND_SUBSCRIPTION_CHANGED)
STATUSES = (delivery_pb2.DELIVERY_STATUS_UNSPECIFIED, delivery_pb2.DELIVERY_STATUS_DELIVERED)


def _event(chance: random.Random) -> Event:
    kinds = chance.sample(KINDS, chance.randint(1, 2))
    names = ("delivery_id", "shipment_id", "location_id", "carrier")
    named: dict[str, Any] = {name: chance.choice(("", "a", "b")) for name in names}
    return Event(
        kind=kinds[0],
        kinds=kinds,
        status=chance.choice(STATUSES),
        actor=Actor(id=chance.choice("xy")),
        **named,
    )


def _subscription(chance: random.Random) -> Subscription:
    wanted = EventFilter()
    for name, values in (("kinds", KINDS), ("statuses", STATUSES)):
        if chance.random() < 0.4:
            getattr(wanted, name).extend(chance.sample(values, chance.randint(1, len(values))))
    for name in ("delivery_ids", "shipment_ids", "order_ids", "location_ids", "carriers"):
        if chance.random() < 0.2:
            getattr(wanted, name).extend(chance.sample(["", "a", "b"], chance.randint(1, 2)))
    shipment_id = chance.choice(("", "", "a"))
    return Subscription(filter=wanted, shipment_id=shipment_id, spare_echo=chance.random() < 0.2, created_by="x")


def test_an_event_finds_exactly_the_subscriptions_whose_filter_it_fits() -> None:
    chance = random.Random(7709)
    groups, kept = Groups(), dict[Key, Subscription]()
    for _ in range(2_000):
        key = (chance.choice((TENANT, OTHER)), UUID(int=chance.randrange(60)))
        if chance.random() < 0.3:
            groups.remove(key)
            kept.pop(key, None)
        else:
            kept[key] = _subscription(chance)
            groups.add(key, kept[key])
        event = _event(chance)

        found = {each for members in groups.that_want(TENANT, event) for each in members}

        assert found == {each for each, told in kept.items() if each[0] == TENANT and wanted_by(told)(event)}


def test_what_no_subscription_asks_for_is_looked_at_by_none() -> None:
    groups, asked = Groups(), list[str]()
    for number in range(1_000):
        groups.add((TENANT, UUID(int=number)), Subscription(filter=EventFilter(carriers=[f"carrier {number}"])))

    def refuse(event: Event) -> bool:
        asked.append(event.carrier)
        return False

    for group in groups._groups.values():
        group.wanted = refuse

    assert list(groups.that_want(TENANT, Event(carrier="carrier 7"))) == []
    assert list(groups.that_want(TENANT, Event(carrier="another"))) == []
    assert asked == ["carrier 7"]
