"""A sender that goes on with a lease: its reports bring the next events, and nothing of what it holds."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_pb2 import OutboundEvent

from tests.services.subscriptions.conftest import OK, REFUSED, Clock, Sender, figures, fine, in_order, recorded

WORDS = ("confirmed", "arrived_at_store", "out_for_delivery", "delivered")


async def _tell(
    sender: Sender, lease: contract.SubscriptionLease, tried: Iterable[OutboundEvent] = (), **members: object
) -> contract.LeaseReportResult:
    """Reports these events of the lease, which got through, and whatever else the members say."""
    part = contract.SubscriptionLease(id=lease.id, subscription=lease.subscription, events=tried)
    report = sender.try_all(part, fine)
    report.release = False
    report.MergeFrom(contract.LeaseReport(**members))  # type: ignore[arg-type]
    request = contract.ReportAttemptsRequest(sender_id=sender.name, reports=[report])
    [result] = (await sender.stub.ReportAttempts(request, metadata=sender.world.system)).results
    return result


async def _more(
    sender: Sender, lease: contract.SubscriptionLease, held: Iterable[OutboundEvent]
) -> list[OutboundEvent]:
    """What a report brings, as soon as it brings something: the log tells events a moment after their commit."""
    held_ids = [each.event.id for each in held]
    async with asyncio.timeout(60):
        while not (result := await _tell(sender, lease, max_events=100, held_event_ids=held_ids)).events:  # noqa: ASYNC110  elsewhere
            await asyncio.sleep(0.02)
    return list(result.events)


async def test_a_report_brings_the_next_events_and_none_of_a_delivery_that_is_held(sender: Sender) -> None:
    made = await sender.create()
    await sender.deliveries(["a"])
    [lease] = await sender.lease()
    await sender.deliveries(["a"], WORDS[1:2], minute=1)
    await sender.deliveries(["b"], minute=2)

    of_b = await _more(sender, lease, lease.events)
    result = await _tell(sender, lease, lease.events, max_events=100, held_event_ids=[each.event.id for each in of_b])
    of_a = list(result.events)
    last = await _tell(sender, lease, [*of_b, *of_a], max_events=100, release=True)

    first = lease.events[0].event.delivery_id
    assert first not in {each.event.delivery_id for each in of_b}
    assert {each.event.delivery_id for each in of_a} == {first}
    assert not last.events
    assert not last.HasField("expire_time"), "given back, since there was nothing more"
    assert in_order(sender)
    stats = await figures(sender, made.id)
    assert len(set(sender.seen)) == len(sender.seen) == stats.succeeded_count == await recorded(sender)


async def test_a_lease_is_kept_as_long_as_there_is_more_though_it_was_to_be_given_back(sender: Sender) -> None:
    await sender.create()
    await sender.deliveries(["a", "b"], WORDS)
    [lease] = await sender.lease(events=1)
    other = Sender(sender.stub, sender.world, sender.server, "sender-2")

    rounds, events = 0, list(lease.events)
    while events:
        result = await _tell(sender, lease, events, max_events=1, release=True)
        events, rounds = list(result.events), rounds + 1
        if rounds == 1:
            assert result.HasField("expire_time")
            assert await other.lease(wait=0.6) == []

    await other.work_off()
    assert rounds > 2
    told = sender.seen + other.seen
    assert len(set(told)) == len(told) == await recorded(sender)


async def test_an_answer_that_was_lost_has_handed_out_nothing(sender: Sender) -> None:
    made = await sender.create()
    await sender.deliveries(["a"])
    [lease] = await sender.lease()
    await sender.deliveries(["b"], WORDS[:2])
    async with asyncio.timeout(60):
        while not (lost := await _tell(sender, lease, lease.events, max_events=100, release=True)).events:
            [lease] = await sender.lease()

    again = await _tell(sender, lease, lease.events, max_events=100, release=True)

    assert [each.event.id for each in again.events] == [each.event.id for each in lost.events]
    await _tell(sender, lease, again.events, release=True)
    await sender.work_off()
    assert (await figures(sender, made.id)).succeeded_count == await recorded(sender)


async def test_who_lost_the_lease_or_must_stop_gets_nothing_more(sender: Sender, clock: Clock) -> None:
    made = await sender.create()
    await sender.deliveries(["a", "b"], WORDS)
    [lease] = await sender.lease(events=1)
    pause = contract.PauseSubscriptionRequest(subscription_id=made.id)
    await sender.stub.PauseSubscription(pause, metadata=sender.world.account)

    stopped = await _tell(sender, lease, lease.events, max_events=100, release=True)
    resume = contract.ResumeSubscriptionRequest(subscription_id=made.id)
    await sender.stub.ResumeSubscription(resume, metadata=sender.world.account)
    [lease] = await sender.lease(events=1)
    clock.move(timedelta(seconds=21))
    other = Sender(sender.stub, sender.world, sender.server, "sender-2")
    assert await other.lease()
    lost = await _tell(sender, lease, lease.events, max_events=100)

    assert (stopped.stop, list(stopped.events)) == (True, [])
    assert (lost.lost, list(lost.events)) == (True, [])


async def test_what_failed_holds_up_its_delivery_alone_while_the_lease_goes_on(sender: Sender, clock: Clock) -> None:
    await sender.create()
    await sender.deliveries(["bad"])
    [lease] = await sender.lease()
    await sender.deliveries(["bad"], WORDS[1:2], minute=1)
    await sender.deliveries(["good"], minute=2)
    bad = lease.events[0].event.delivery_id
    report = sender.try_all(lease, lambda _: REFUSED)
    report.release = False
    request = contract.ReportAttemptsRequest(sender_id=sender.name, reports=[report])
    await sender.stub.ReportAttempts(request, metadata=sender.world.system)

    more = await _more(sender, lease, [])

    assert bad not in {each.event.delivery_id for each in more}
    await _tell(sender, lease, more, release=True)
    clock.move(timedelta(seconds=30))
    await sender.work_off(lambda _: OK)
    assert in_order(sender)
