"""A sender's hands: takes leases, tells how tries went, and keeps what it saw."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from crossdock.v1 import subscription_pb2 as pb
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.event_service_pb2 import ListEventsRequest
from crossdock.v1.event_service_pb2_grpc import EventServiceStub
from crossdock.v1.subscription_pb2 import Attempt, OutboundEvent, Subscription
from crossdock.v1.subscription_service_pb2_grpc import SubscriptionServiceStub

from services.config import Settings
from services.server import Server
from services.times import to_timestamp
from tests.services.waiting import until
from tests.services.worlds import Metadata, World

OK = pb.ATTEMPT_OUTCOME_SUCCEEDED
REFUSED = pb.ATTEMPT_OUTCOME_REFUSED
Judge = Callable[[OutboundEvent], "pb.AttemptOutcome.ValueType"]


def fine(_: OutboundEvent) -> "pb.AttemptOutcome.ValueType":
    return OK


@dataclass
class Sender:
    """One sender on a server. ``seen`` has what it tried, in order: subscription, delivery and event number."""

    stub: SubscriptionServiceStub
    world: World
    server: Server
    name: str = "sender-1"
    seen: list[tuple[str, str, int]] = field(default_factory=list)

    async def create(self, **members: object) -> Subscription:
        """A new subscription of the tenant."""
        members.setdefault("url", "https://subscriber.example/hook")
        request = contract.CreateSubscriptionRequest(subscription=Subscription(**members))  # type: ignore[arg-type]
        return (await self.stub.CreateSubscription(request, metadata=self.world.account)).subscription

    async def get(self, identifier: str) -> Subscription:
        request = contract.GetSubscriptionRequest(subscription_id=identifier)
        return (await self.stub.GetSubscription(request, metadata=self.world.account)).subscription

    async def lease(self, wait: float = 30.0, events: int = 100, limit: int = 100) -> list[contract.SubscriptionLease]:
        """What there is to do; waits a while for something."""
        request = contract.LeaseSubscriptionsRequest(sender_id=self.name, max_subscriptions=limit, max_events=events)
        request.wait.FromTimedelta(timedelta(seconds=wait))
        return list((await self.stub.LeaseSubscriptions(request, metadata=self.world.system)).leases)

    async def work(self, judge: Judge = fine, wait: float = 30.0, events: int = 100) -> int:
        """One round: leases, tries everything as it should be tried, reports. Returns how many events it tried."""
        leases = await self.lease(wait, events)
        reports = [self.try_all(lease, judge) for lease in leases]
        if reports:
            request = contract.ReportAttemptsRequest(sender_id=self.name, reports=reports)
            await self.stub.ReportAttempts(request, metadata=self.world.system)
        return sum(len(report.attempts) for report in reports)

    async def work_off(self, judge: Judge = fine) -> None:
        """Until there is nothing to do."""
        await self.all_is_stirred()
        while await self.work(judge, wait=0):
            await self.all_is_stirred()

    async def all_is_stirred(self) -> None:
        """Waits until the board knows what was recorded and changed before."""
        board = self.server.hub.board
        looks = board.looks
        board.reload()
        await until(lambda: board.looks >= looks + 2)  # the first of them may have begun before

    def try_all(self, lease: contract.SubscriptionLease, judge: Judge) -> contract.LeaseReport:
        """Tries each event unless one of its delivery failed before it."""
        report = contract.LeaseReport(lease_id=lease.id, release=True)
        stopped = set()
        for each in lease.events:
            subject = each.event.delivery_id or each.event.shipment_id
            if subject in stopped:
                continue
            outcome = judge(each)
            self.seen.append((lease.subscription.id, each.event.delivery_id, each.event.number))
            report.attempts.append(self.attempt(lease, each, outcome))
            if outcome not in (OK, pb.ATTEMPT_OUTCOME_NOT_APPLICABLE):
                stopped.add(subject)
        return report

    def attempt(
        self, lease: contract.SubscriptionLease, each: OutboundEvent, outcome: "pb.AttemptOutcome.ValueType"
    ) -> Attempt:
        attempt = Attempt(
            subscription_id=lease.subscription.id,
            event_id=each.event.id,
            delivery_id=each.event.delivery_id,
            message_id=each.message_id,
            number=each.attempt_number,
            outcome=outcome,
            http_status=200 if outcome == OK else 500,
            start_time=to_timestamp(self.server.hub.now()),
        )
        attempt.latency.FromMilliseconds(12)
        return attempt

    async def deliveries(self, names: Iterable[str], words: Iterable[str] = ("confirmed",), minute: int = 0) -> None:
        """Messages of a carrier about its orders, one batch per word."""
        for step, word in enumerate(words):
            await self.world.ingest(*(self.world.message(name, word, minute + step) for name in names))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Addresses of this machine are allowed."""
    return settings.model_copy(update={"egress_allow": "127.0.0.0/8"})


@pytest.fixture
async def sender(server: Server, channel: grpc.aio.Channel, system: Metadata) -> Sender:
    return Sender(SubscriptionServiceStub(channel), await World.make(channel, system), server)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, span: timedelta) -> None:
        self.now += span


@pytest.fixture
def clock(sender: Sender) -> Clock:
    """The server's clock, held."""
    held = Clock()
    sender.server.hub.now = held
    return held


def in_order(sender: Sender) -> bool:
    """Whether the events of every delivery were tried in their order, failures and repeats aside."""
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for subscription, delivery, number in sender.seen:
        numbers[subscription, delivery].append(number)
    return all(told == sorted(told) for told in numbers.values())


async def recorded(sender: Sender) -> int:
    """How many events the tenant's log holds."""
    stub = EventServiceStub(sender.world.channel)
    answer = await stub.ListEvents(ListEventsRequest(page_size=1000), metadata=sender.world.account)
    return len(answer.events)


async def figures(sender: Sender, identifier: str) -> pb.SubscriptionStats:
    request = contract.GetSubscriptionStatsRequest(subscription_id=identifier)
    return (await sender.stub.GetSubscriptionStats(request, metadata=sender.world.account)).stats
