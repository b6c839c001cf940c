"""When a failed try is repeated, and what failures make of a subscription; pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum, auto

from crossdock.v1 import subscription_pb2 as pb
from crossdock.v1.subscription_pb2 import AttemptOutcome, Subscription

from services import times

SCHEDULE: Sequence[timedelta] = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=12),
    timedelta(hours=22),
    timedelta(hours=33),
)
"""How long after each failed try the next one comes: ten tries within 75 hours."""
JITTER = 0.1
"""By which share a delay may be shorter or longer."""
LONGEST_RETRY_AFTER = timedelta(hours=24)
PATIENCE = timedelta(days=5)
"""For how long every try of a subscription may fail before it is paused."""
NOTICE = timedelta(days=1)
"""After how long of failing its owner is warned."""

ACTIVE, FAILING, PAUSED, PAUSED_FAILING, PAUSED_GONE = (
    pb.SUBSCRIPTION_STATE_ACTIVE,
    pb.SUBSCRIPTION_STATE_FAILING,
    pb.SUBSCRIPTION_STATE_PAUSED,
    pb.SUBSCRIPTION_STATE_PAUSED_FAILING,
    pb.SUBSCRIPTION_STATE_PAUSED_GONE,
)
SERVED = frozenset((ACTIVE, FAILING))
SETTLED = frozenset((pb.ATTEMPT_OUTCOME_SUCCEEDED, pb.ATTEMPT_OUTCOME_NOT_APPLICABLE))
"""Outcomes after which an event is done with."""


class Turn(Enum):
    """What became of a subscription, as far as somebody should be told."""

    NONE = auto()
    WARNED = auto()
    PAUSED = auto()


def delay_after(tries: int, retry_after: timedelta | None, chance: float) -> timedelta | None:
    """How long to wait after the failure of try number ``tries``; None when it was the last.

    ``chance`` is between 0 and 1. What the endpoint asked for in `Retry-After` is waited for at least.
    """
    if tries > len(SCHEDULE):
        return None
    delay = SCHEDULE[tries - 1] * (1 + JITTER * (2 * chance - 1))
    return delay if retry_after is None else max(delay, min(retry_after, LONGEST_RETRY_AFTER))


def follow(subscription: Subscription, outcome: "AttemptOutcome.ValueType", now: datetime) -> Turn:
    """Changes the subscription as the outcome of a try demands, and says who must hear of it."""
    if subscription.state not in SERVED:
        return Turn.NONE
    if outcome == pb.ATTEMPT_OUTCOME_SUCCEEDED:
        if subscription.state == FAILING:
            _enter(subscription, ACTIVE, "", now)
        subscription.ClearField("failure_start_time")
        subscription.ClearField("pause_time")
        return Turn.NONE
    if outcome in SETTLED:
        return Turn.NONE
    if outcome == pb.ATTEMPT_OUTCOME_GONE:
        _enter(subscription, PAUSED_GONE, "the endpoint answered 410 Gone", now)
        return Turn.PAUSED
    return _fail(subscription, now)


def _fail(subscription: Subscription, now: datetime) -> Turn:
    if subscription.state == ACTIVE:
        _enter(subscription, FAILING, "", now)
        times.set_timestamp(subscription.failure_start_time, now)
        return Turn.NONE
    since = times.to_datetime(subscription.failure_start_time)
    if now - since >= PATIENCE:
        _enter(subscription, PAUSED_FAILING, f"every try failed for {PATIENCE.days} days", now)
        return Turn.PAUSED
    if now - since >= NOTICE and not subscription.HasField("pause_time"):
        times.set_timestamp(subscription.pause_time, since + PATIENCE)
        return Turn.WARNED
    return Turn.NONE


def pause(subscription: Subscription, reason: str, now: datetime) -> bool:
    """Stops serving it at somebody's word. False when it was paused already."""
    if subscription.state not in SERVED:
        return False
    _enter(subscription, PAUSED, reason, now)
    return True


def resume(subscription: Subscription, now: datetime) -> bool:
    """Serves it again, whoever paused it. False when it was served."""
    if subscription.state in SERVED:
        return False
    _enter(subscription, ACTIVE, "", now)
    subscription.ClearField("failure_start_time")
    subscription.ClearField("pause_time")
    return True


def _enter(subscription: Subscription, state: "pb.SubscriptionState.ValueType", reason: str, now: datetime) -> None:
    subscription.state = state
    subscription.pause_reason = reason
    times.set_timestamp(subscription.state_time, now)
