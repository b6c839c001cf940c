"""What becomes of subscribers that fail, are gone, or ask for a pause: nothing is lost, and somebody is told."""

from collections import defaultdict
from datetime import timedelta

import pytest
from crossdock.v1 import event_pb2
from crossdock.v1 import subscription_pb2 as pb
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_pb2 import OutboundEvent

from services.subscriptions.states import SCHEDULE
from tests.services.subscriptions.conftest import OK, REFUSED, Clock, Sender, figures, in_order, recorded

WORDS = ("confirmed", "arrived_at_store", "out_for_delivery", "delivered")


async def test_an_endpoint_that_is_down_for_three_days_loses_nothing_and_keeps_the_order(
    sender: Sender, clock: Clock
) -> None:
    made = await sender.create()
    names = [f"o{number}" for number in range(10)]
    await sender.deliveries(names, WORDS[:2])
    start, tries = clock.now, defaultdict[str, int](int)

    def down(told: OutboundEvent) -> "pb.AttemptOutcome.ValueType":
        tries[told.event.id] += 1
        return pb.ATTEMPT_OUTCOME_UNREACHABLE

    for step in SCHEDULE[:-1]:
        await sender.work_off(down)
        clock.move(step * 1.11)
    assert clock.now - start < timedelta(hours=72)
    await sender.deliveries(names, WORDS[2:], minute=9)
    clock.now = start + timedelta(hours=72)
    assert (await sender.get(made.id)).state == pb.SUBSCRIPTION_STATE_FAILING
    assert max(tries.values()) <= 10

    sender.seen.clear()
    while clock.now < start + timedelta(hours=120):
        await sender.work_off()
        clock.move(timedelta(hours=12))
    await sender.work_off()

    assert in_order(sender)
    assert len(set(sender.seen)) == await recorded(sender)
    assert (await sender.get(made.id)).state == pb.SUBSCRIPTION_STATE_ACTIVE


async def test_after_ten_tries_an_event_is_given_up_told_so_and_can_be_driven_again(
    sender: Sender, clock: Clock
) -> None:
    made = await sender.create()
    await sender.deliveries(["a"])
    events = await recorded(sender)
    poor = {"refuse": True}

    def first_is_refused(told: OutboundEvent) -> "pb.AttemptOutcome.ValueType":
        return REFUSED if poor["refuse"] and told.event.number == 1 else OK

    start = clock.now
    for step in [*SCHEDULE, timedelta(0)]:
        await sender.work_off(first_is_refused)
        clock.move(step * 1.11)
    assert timedelta(hours=60) < clock.now - start < timedelta(hours=90)

    stats = await figures(sender, made.id)
    assert (stats.given_up_count, stats.retrying_count, stats.succeeded_count) == (1, 0, events - 1)
    listed = await sender.stub.ListAttempts(
        contract.ListAttemptsRequest(subscription_id=made.id, given_up=True), metadata=sender.world.account
    )
    [last] = listed.attempts
    assert (last.number, last.given_up) == (10, True)

    poor["refuse"] = False
    redriven = await sender.stub.RedriveFailures(
        contract.RedriveFailuresRequest(subscription_id=made.id), metadata=sender.world.account
    )
    await sender.work_off(first_is_refused)

    assert redriven.event_count == 1
    assert (await figures(sender, made.id)).given_up_count == 0


async def test_pausing_loses_nothing_and_resuming_goes_on_where_it_stood(sender: Sender) -> None:
    made = await sender.create()
    await sender.deliveries(["a"], WORDS[:1])
    await sender.work_off()
    seen = len(sender.seen)
    await sender.stub.PauseSubscription(
        contract.PauseSubscriptionRequest(subscription_id=made.id, reason="maintenance"),
        metadata=sender.world.account,
    )
    await sender.deliveries(["a", "b"], WORDS, minute=3)

    assert await sender.lease(wait=0.6) == []
    paused = await sender.get(made.id)
    backlog = (await figures(sender, made.id)).backlog_count
    await sender.stub.ResumeSubscription(
        contract.ResumeSubscriptionRequest(subscription_id=made.id), metadata=sender.world.account
    )
    await sender.work_off()

    assert (paused.state, paused.pause_reason) == (pb.SUBSCRIPTION_STATE_PAUSED, "maintenance")
    assert backlog == len(sender.seen) - seen > 0
    assert in_order(sender)


@pytest.mark.parametrize(
    ("outcome", "span", "state"),
    [
        (pb.ATTEMPT_OUTCOME_GONE, timedelta(0), pb.SUBSCRIPTION_STATE_PAUSED_GONE),
        (pb.ATTEMPT_OUTCOME_TIMED_OUT, timedelta(days=5, hours=1), pb.SUBSCRIPTION_STATE_PAUSED_FAILING),
    ],
)
async def test_an_endpoint_that_is_gone_or_fails_for_five_days_is_paused_with_notice(
    sender: Sender,
    clock: Clock,
    outcome: "pb.AttemptOutcome.ValueType",
    span: timedelta,
    state: "pb.SubscriptionState.ValueType",
) -> None:
    made = await sender.create()
    about = event_pb2.EventFilter(kinds=[event_pb2.EVENT_KIND_SUBSCRIPTION_CHANGED])
    watcher = await sender.create(filter=about, passive=True, url="")
    await sender.deliveries(["a"])
    end = clock.now + span
    await sender.work_off(lambda _: outcome)
    while clock.now < end:
        clock.move(timedelta(hours=13))
        await sender.deliveries([f"{clock.now}"])
        await sender.work_off(lambda _: outcome)

    assert (await sender.get(made.id)).state == state
    pulled = await sender.stub.PullEvents(
        contract.PullEventsRequest(subscription_id=watcher.id), metadata=sender.world.account
    )
    told = [each.event.explanation for each in pulled.events if each.event.subscription_id == made.id]
    assert told[-1].startswith("paused: ")
    assert len(told) == (1 if state == pb.SUBSCRIPTION_STATE_PAUSED_GONE else 2)
    # Nothing of it is lost: resumed, it is told from where it stood.
    sender.seen.clear()
    await sender.stub.ResumeSubscription(
        contract.ResumeSubscriptionRequest(subscription_id=made.id), metadata=sender.world.account
    )
    await sender.work_off()
    assert in_order(sender)
    assert len(sender.seen) > 0


async def test_what_asks_to_be_slowed_down_gets_nothing_before_it_wants_to(sender: Sender, clock: Clock) -> None:
    await sender.create()
    await sender.deliveries(["a"])
    [lease] = await sender.lease()
    report = sender.try_all(lease, lambda _: pb.ATTEMPT_OUTCOME_THROTTLED)
    report.attempts[0].retry_after.FromTimedelta(timedelta(minutes=10))
    report.slow_until.FromDatetime(clock.now + timedelta(minutes=10))
    request = contract.ReportAttemptsRequest(sender_id="sender-1", reports=[report])
    await sender.stub.ReportAttempts(request, metadata=sender.world.system)
    await sender.deliveries(["b"])

    clock.move(timedelta(minutes=9))
    assert await sender.lease(wait=0.6) == []
    clock.move(timedelta(minutes=2))
    assert await sender.work() > 0
