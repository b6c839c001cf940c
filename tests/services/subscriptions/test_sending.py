"""What a sender gets to send: all that is recorded, in order per delivery, and again until it got through."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from crossdock.v1 import delivery_pb2, event_pb2
from crossdock.v1 import subscription_pb2 as pb
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_pb2 import OutboundEvent

from services.subscriptions import board, leasing
from services.subscriptions.states import SCHEDULE
from tests.services.subscriptions.conftest import OK, REFUSED, Clock, Sender, figures, in_order, recorded

WORDS = ("confirmed", "arrived_at_store", "out_for_delivery", "delivered")


async def test_every_event_from_then_on_is_handed_out_in_order_with_what_it_is_about(sender: Sender) -> None:
    await sender.deliveries(["before"])
    made = await sender.create()
    earlier = await recorded(sender)
    await sender.deliveries([f"o{number}" for number in range(20)], WORDS)
    wanted = await recorded(sender) - earlier
    leases = await sender.lease()

    assert leases[0].subscription.secrets[0].value == made.secrets[0].value
    first = leases[0].events[0]
    assert first.delivery.id == first.event.delivery_id
    assert (first.attempt_number, first.cause, first.message_id) == (1, pb.SEND_CAUSE_LOG, first.event.id)
    for lease in leases:
        request = contract.ReportAttemptsRequest(sender_id="sender-1", reports=[sender.try_all(lease, lambda _: OK)])
        await sender.stub.ReportAttempts(request, metadata=sender.world.system)
    await sender.work_off()

    assert len(sender.seen) == len(set(sender.seen)) == wanted
    assert in_order(sender)


async def test_what_one_sender_has_no_other_gets_until_the_lease_ends(sender: Sender, clock: Clock) -> None:
    await sender.create()
    await sender.deliveries(["a"])
    [lease] = await sender.lease()
    other = Sender(sender.stub, sender.world, sender.server, "sender-2")

    assert await other.lease(wait=0.6) == []
    clock.move(timedelta(seconds=21))
    [again] = await other.lease()

    assert [each.event.id for each in again.events] == [each.event.id for each in lease.events]
    late = contract.ReportAttemptsRequest(sender_id="sender-1", reports=[sender.try_all(lease, lambda _: OK)])
    [result] = (await sender.stub.ReportAttempts(late, metadata=sender.world.system)).results
    assert result.lost
    # It got through all the same, and what is told of it again changes nothing.
    twice = contract.ReportAttemptsRequest(sender_id="sender-2", reports=[other.try_all(again, lambda _: REFUSED)])
    await sender.stub.ReportAttempts(twice, metadata=sender.world.system)
    await other.work_off()
    stats = await figures(sender, again.subscription.id)
    assert (stats.succeeded_count, stats.failed_count, stats.retrying_count) == (len(lease.events), 0, 0)


async def test_a_delivery_that_fails_waits_alone_and_goes_on_in_order(sender: Sender, clock: Clock) -> None:
    await sender.create()
    await sender.deliveries(["good", "bad"], WORDS[:2])
    [lease] = await sender.lease()
    bad = lease.events[-1].event.delivery_id

    def judge(told: OutboundEvent) -> "pb.AttemptOutcome.ValueType":
        return REFUSED if told.event.delivery_id == bad else OK

    request = contract.ReportAttemptsRequest(sender_id="sender-1", reports=[sender.try_all(lease, judge)])
    await sender.stub.ReportAttempts(request, metadata=sender.world.system)
    await sender.deliveries(["good", "bad"], WORDS[2:], minute=5)
    await sender.work_off(judge)
    tried_bad = [each for each in sender.seen if each[1] == bad]
    assert len(tried_bad) == 1

    clock.move(SCHEDULE[0] * 1.2)
    await sender.work_off()

    assert in_order(sender)
    assert len({each for each in sender.seen if each[1] == bad}) > 3
    stats = await figures(sender, lease.subscription.id)
    assert (stats.backlog_count, stats.retrying_count) == (0, 0)


async def test_filters_shipments_and_echoes_are_kept_apart(sender: Sender) -> None:
    delivered = event_pb2.EventFilter(statuses=[delivery_pb2.DELIVERY_STATUS_DELIVERED])
    rare = await sender.create(filter=delivered)
    quiet = await sender.create(spare_echo=True)
    everything = await sender.create()
    order = await sender.world.order()
    await sender.world.delivery(carrier="UPS", order_id=order.id)
    await sender.deliveries(["a", "b"], WORDS)
    await sender.work_off()

    told = defaultdict(list)
    for subscription, delivery, number in sender.seen:
        told[subscription].append((delivery, number))
    assert 0 < len(told[rare.id]) < len(told[quiet.id]) < len(told[everything.id])


async def test_two_hundred_subscriptions_get_everything_whatever_two_senders_do(sender: Sender) -> None:
    made = [await sender.create(display_name=f"s{number}") for number in range(200)]
    other = Sender(sender.stub, sender.world, sender.server, "sender-2")

    async def ingest() -> None:
        for number in range(5):
            await sender.deliveries([f"o{number}"], WORDS[:2])

    await asyncio.gather(ingest(), sender.work(events=3), other.work(events=2))
    await sender.all_is_stirred()
    while await sender.work(wait=0, events=7) + await other.work(wait=0):
        await sender.all_is_stirred()

    told = defaultdict(set)
    for subscription, delivery, number in sender.seen + other.seen:
        told[subscription].add((delivery, number))
    assert set(told) == {each.id for each in made}
    assert {len(each) for each in told.values()} == {await recorded(sender)}


async def test_a_test_is_sent_ahead_of_everything_paused_or_not(sender: Sender) -> None:
    made = await sender.create()
    await sender.deliveries(["a"])
    await sender.stub.PauseSubscription(
        contract.PauseSubscriptionRequest(subscription_id=made.id), metadata=sender.world.account
    )

    testing = asyncio.ensure_future(
        sender.stub.TestSubscription(
            contract.TestSubscriptionRequest(subscription_id=made.id), metadata=sender.world.account
        )
    )
    while not testing.done():
        await sender.work(lambda told: REFUSED if told.cause == pb.SEND_CAUSE_TEST else OK, wait=0.5)
    attempt = (await testing).attempt

    assert (attempt.cause, attempt.outcome, attempt.event_id) == (pb.SEND_CAUSE_TEST, REFUSED, "")
    assert len(sender.seen) == 1
    assert (await figures(sender, made.id)).retrying_count == 0


async def test_one_event_and_a_part_of_the_log_are_sent_again(sender: Sender) -> None:
    made = await sender.create()
    await sender.deliveries(["a"], WORDS)
    [lease] = await sender.lease()
    report = contract.ReportAttemptsRequest(sender_id="sender-1", reports=[sender.try_all(lease, lambda _: OK)])
    await sender.stub.ReportAttempts(report, metadata=sender.world.system)
    event = lease.events[1].event
    before = list(sender.seen)

    await sender.stub.RedeliverEvent(
        contract.RedeliverEventRequest(subscription_id=made.id, event_id=event.id), metadata=sender.world.account
    )
    await sender.work_off()
    again = sender.seen[len(before) :]
    request = contract.ReplaySubscriptionRequest(subscription_id=made.id, validate_only=True)
    request.start_time.FromDatetime(datetime.now(UTC) - timedelta(hours=1))
    dry = await sender.stub.ReplaySubscription(request, metadata=sender.world.account)
    request.validate_only = False
    wet = await sender.stub.ReplaySubscription(request, metadata=sender.world.account)
    await sender.work_off()

    assert again == [(made.id, event.delivery_id, event.number)]
    assert dry.event_count == wet.event_count == len(before)
    assert sender.seen[len(before) + 1 :] == before


async def test_a_passive_subscription_is_read_and_acknowledged(sender: Sender) -> None:
    made = await sender.create(passive=True, url="")
    pull = contract.PullEventsRequest(subscription_id=made.id, max_events=3)
    pull.wait.FromTimedelta(timedelta(seconds=20))
    waiting = asyncio.ensure_future(sender.stub.PullEvents(pull, metadata=sender.world.account))
    await sender.deliveries(["a"], WORDS)

    first = await waiting
    same = await sender.stub.PullEvents(pull, metadata=sender.world.account)
    acknowledged = await sender.stub.AcknowledgeEvents(
        contract.AcknowledgeEventsRequest(subscription_id=made.id, cursor=first.next_cursor),
        metadata=sender.world.account,
    )
    after = await sender.stub.PullEvents(pull, metadata=sender.world.account)

    assert same.events[0].event.id == first.events[0].event.id
    assert acknowledged.subscription.cursor == first.next_cursor
    assert after.events[0].event.id not in {each.event.id for each in first.events}
    assert first.events[0].delivery.id


async def test_a_cursor_is_not_moved_past_what_somebody_is_about_to_take(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "MOVE_SECONDS", 0.0)
    made, other = await sender.create(), await sender.create(filter=event_pb2.EventFilter(order_ids=["ord_x"]))
    await sender.work_off()
    watched = sender.server.hub.board
    await sender.deliveries(["a"])
    async with asyncio.timeout(60):
        while not (taken := watched.take(10)):
            await watched.wait(1.0)

    before, idle = (await sender.get(made.id)).cursor, (await sender.get(other.id)).cursor
    await sender.deliveries(["b"])
    async with asyncio.timeout(60):
        while (await sender.get(other.id)).cursor == idle:  # noqa: ASYNC110  the board moves it
            await asyncio.sleep(0.05)
    after = (await sender.get(made.id)).cursor
    watched.stir(taken)
    watched.settle(taken)
    await sender.work_off()

    assert after == before
    assert len(set(sender.seen)) == await recorded(sender)


async def test_a_lease_that_breaks_leaves_everything_to_be_taken(sender: Sender) -> None:
    await sender.create()
    await sender.deliveries(["a"])
    kept = sender.server.hub.transaction

    def breaks(**_: bool) -> Any:
        raise OSError("the database is away")

    sender.server.hub.transaction = breaks  # type: ignore[method-assign]
    with pytest.raises(grpc.aio.AioRpcError):
        await sender.lease()
    sender.server.hub.transaction = kept  # type: ignore[method-assign]
    await sender.work_off()

    assert len(set(sender.seen)) == await recorded(sender)


async def test_nothing_more_is_taken_from_the_log_while_too_much_waits_and_nothing_is_passed_over(
    sender: Sender, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "MOVE_SECONDS", 0.0)
    monkeypatch.setattr(leasing, "MAX_WAITING", 3)
    made = await sender.create()
    await sender.deliveries(["a", "b"])
    await sender.work(lambda _: REFUSED)
    held = (await sender.get(made.id)).cursor

    await sender.deliveries(["c", "d"])
    await sender.work(lambda _: REFUSED, wait=1.5)
    assert (await sender.get(made.id)).cursor == held
    clock.move(timedelta(hours=1))
    await sender.work_off()
    await sender.work_off()

    assert len(set(sender.seen)) == await recorded(sender)
