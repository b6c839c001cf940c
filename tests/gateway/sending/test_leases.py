"""One lease between a hub and an endpoint that are made up: what is asked for, held, told and reported."""

import asyncio
import random
from collections import defaultdict, deque
from typing import Any

from crossdock.v1 import subscription_pb2 as pb
from crossdock.v1.event_pb2 import Event
from crossdock.v1.subscription_pb2 import Attempt, OutboundEvent, Subscription
from crossdock.v1.subscription_service_pb2 import LeaseReport, LeaseReportResult, SubscriptionLease

from gateway.sending.hosts import Host
from gateway.sending.leases import FIRST_HELD, MOST_HELD, LeaseWork


class Hub:
    """Hands out events of deliveries that nobody holds, in order, and keeps what it was told."""

    def __init__(self, deliveries: int, events: int) -> None:
        self.waiting = {f"d{delivery}": deque(range(events)) for delivery in range(deliveries)}
        self.out: set[str] = set()
        self.asked: list[LeaseReport] = []
        self.most = 0

    def hand_out(self, limit: int) -> list[OutboundEvent]:
        busy, given = {each.partition("-")[0] for each in self.out}, list[OutboundEvent]()
        for delivery, waiting in self.waiting.items():
            if delivery not in busy:
                room = min(3, limit - len(given))
                for number in list(waiting)[:room]:
                    event = Event(id=f"{delivery}-{number}", delivery_id=delivery, number=number)
                    given.append(OutboundEvent(event=event, message_id=event.id))
        self.out |= {each.event.id for each in given}
        self.most = max(self.most, len(self.out))
        return given

    async def submit(self, report: LeaseReport) -> LeaseReportResult:
        self.asked.append(report)
        for attempt in report.attempts:
            assert attempt.event_id in self.out, "nothing is told of that was not handed out"
            self.out.discard(attempt.event_id)
            if attempt.outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED:
                assert self.waiting[attempt.delivery_id].popleft() == int(attempt.event_id.partition("-")[2])
        if report.max_events:
            assert set(report.held_event_ids) <= self.out
            # What the sender does not hold any more it dropped behind one that failed.
            self.out = set(report.held_event_ids)
        result = LeaseReportResult(lease_id=report.lease_id, events=self.hand_out(report.max_events))
        await asyncio.sleep(0)
        return result

    @property
    def left(self) -> int:
        return sum(map(len, self.waiting.values()))


class Endpoint:
    """Takes some messages and refuses others."""

    def __init__(self, refuses: float = 0.0) -> None:
        self.chance = random.Random(7709)
        self.refuses = refuses
        self.told: dict[str, list[int]] = defaultdict(list)

    async def make(self, _: Subscription, told: OutboundEvent, __: Host) -> Attempt:
        for _step in range(self.chance.randrange(4)):
            await asyncio.sleep(0)
        refused = self.chance.random() < self.refuses
        if not refused:
            self.told[told.event.delivery_id].append(told.event.number)
        outcome = pb.ATTEMPT_OUTCOME_REFUSED if refused else pb.ATTEMPT_OUTCOME_SUCCEEDED
        return Attempt(event_id=told.event.id, delivery_id=told.event.delivery_id, outcome=outcome)


def work_of(hub: Hub, endpoint: Any, room: int = 10_000) -> LeaseWork:
    lease = SubscriptionLease(id="lease", subscription=Subscription(max_in_flight=20), events=hub.hand_out(FIRST_HELD))
    return LeaseWork(lease, Host(), endpoint, hub, 20.0, lambda: room)  # type: ignore[arg-type]  # as much as it uses


async def test_a_lease_goes_on_until_nothing_is_left_with_every_delivery_in_order() -> None:
    hub, endpoint = Hub(deliveries=700, events=5), Endpoint()

    await asyncio.wait_for(work_of(hub, endpoint).run(), 60)

    assert hub.left == 0
    assert all(numbers == [0, 1, 2, 3, 4] for numbers in endpoint.told.values())
    assert FIRST_HELD < hub.most <= MOST_HELD
    assert [report.release for report in hub.asked][-1]
    assert any(report.held_event_ids for report in hub.asked), "it asks for more before it has nothing left"


async def test_what_waits_behind_a_refusal_is_held_no_longer() -> None:
    hub, endpoint = Hub(deliveries=200, events=5), Endpoint(refuses=0.2)

    await asyncio.wait_for(work_of(hub, endpoint).run(), 60)

    assert hub.left == 0, "this hub hands out what was refused at once"
    assert all(numbers == [0, 1, 2, 3, 4] for numbers in endpoint.told.values())


async def test_a_lease_asks_for_nothing_more_while_others_wait_for_its_place() -> None:
    hub, endpoint = Hub(deliveries=300, events=2), Endpoint()

    await asyncio.wait_for(work_of(hub, endpoint, room=0).run(), 60)

    assert sum(map(len, endpoint.told.values())) == FIRST_HELD
    assert not any(report.max_events for report in hub.asked)
    assert hub.asked[-1].release


async def test_a_mistake_of_ours_gives_the_lease_back_with_what_was_tried() -> None:
    hub, endpoint = Hub(deliveries=50, events=1), Endpoint()
    really, made = endpoint.make, 0

    async def make(*given: Any) -> Attempt:
        nonlocal made
        made += 1
        if made == 10:
            raise ZeroDivisionError
        return await really(*given)

    endpoint.make = make  # type: ignore[method-assign, assignment]
    await asyncio.wait_for(work_of(hub, endpoint).run(), 60)

    told = sum(len(report.attempts) for report in hub.asked)
    assert 0 < told == sum(map(len, endpoint.told.values())) < 50
    assert hub.asked[-1].release
