"""How a delivery's life follows from what is said of it: a fold of reports; knows no clock and no storage.

The state of a delivery is a fold over all reports, in the order of their keys, from what it was at its
start. Reports that arrive in order are folded on (`apply`); one that arrives late is put in its place and
everything is folded again (`refold`). So any order of arrival, in any batches, leads to the same delivery.
Only the events differ: they are immutable, and tell how the hub saw it at the time.

One limit: a ping after the first leaves no event, and only the youngest of these is kept. What only an
older ping told, and the milestone that it would give after a reset that arrives late, is lost to a refold.
Carriers repeat everything in each ping, so in practice the youngest tells all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import event_pb2 as events
from crossdock.v1 import report_pb2 as reports
from crossdock.v1.actor_pb2 import Actor
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.event_pb2 import Event
from google.protobuf.timestamp_pb2 import Timestamp

from services.deliveries.changes import PING_MEMBERS, changed_members
from services.deliveries.inputs import Input
from services.deliveries.merging import merge
from services.deliveries.milestones import reach
from services.deliveries.records import Finding, Result, duplicate, record, record_creation
from services.deliveries.statuses import RANKS, WORDS
from services.deliveries.steps import take
from services.deliveries.transitions import Move

_by_key = attrgetter("key")


@dataclass(slots=True)
class Outcome:
    """A delivery after some inputs."""

    delivery: Delivery
    last_key: bytes
    """The key of the youngest input folded in; to be stored."""
    last_ping: Input | None = None
    """The youngest ping that left no event; to be stored in place of the one before, if there is one."""
    results: list[Result] = field(default_factory=list)
    """What became of each input, in the order of their keys."""

    @property
    def events(self) -> Iterator[Event]:
        """All events to append, in order. Their ids are assigned by who stores them."""
        return (event for result in self.results for event in result.events)


def start(
    wanted: Delivery, *, now: Timestamp, actor: Actor | None = None, source_id: str = "", attempt: int = 1
) -> tuple[Delivery, Event]:
    """A new delivery, CREATED, and the event that tells of it.

    ``wanted`` has the id and what is known from the start. A status that is asked for is the matter of a
    report that follows. ``source_id`` is set when a webhook starts the delivery; ``attempt`` counts the bookings
    of its order or shipment, this one included.
    """
    delivery = Delivery(
        id=wanted.id,
        status=pb.DELIVERY_STATUS_CREATED,
        status_time=now,
        attempt=attempt,
        source_id=source_id,
        create_time=now,
        update_time=now,
    )
    merge(delivery, wanted)
    delivery.driver_sequence = int(delivery.HasField("courier"))
    reach(delivery, delivery.status, now)
    event = record_creation(delivery, now)
    if actor is not None:
        event.actor.CopyFrom(actor)
    return delivery, event


def initial(created: Event) -> Delivery:
    """The delivery as its first event tells of it: where every fold begins."""
    delivery = Delivery()
    delivery.CopyFrom(created.report.patch)
    return delivery


def apply(
    delivery: Delivery,
    inputs: Sequence[Input],
    *,
    last_key: bytes,
    now: Timestamp,
    accept_late_delivered: bool = True,
) -> Outcome:
    """Folds inputs on, in place. All come after ``last_key``, or repeat it; else raises `ArrivedLate`."""
    outcome = Outcome(delivery, last_key)
    before = Delivery()
    for given in sorted(inputs, key=_by_key):
        if given.key == outcome.last_key:
            outcome.results.append(duplicate(given))
            continue
        if given.key < outcome.last_key:
            raise ArrivedLate
        before.CopyFrom(delivery)
        move = take(delivery, given, accept_late_delivered=accept_late_delivered)
        finding = Finding(move.disposition, move.because, passing=given.report.ping)
        _add(outcome, record(before, delivery, given, finding, now))
    return outcome


def refold(
    history: Iterable[Input],
    new: Iterable[Input],
    *,
    initial: Delivery,
    present: Delivery,
    now: Timestamp,
    accept_late_delivered: bool = True,
) -> Outcome:
    """Folds everything again with new inputs in their places, and tells what becomes of the present delivery.

    ``history`` holds what was folded before: the recorded inputs (see `inputs.replay`) and the stored ping.
    Events are made for the new ones only, as seen from the outside: an old event is never changed. A stored
    ping to which a late report gives a meaning beyond the position gets its event then.
    """
    past = sorted(history, key=attrgetter("recorded"))
    known = {given.key: given for given in past}
    pings = [given for given in past if not given.recorded]
    outcome = Outcome(present, max(known, default=b""), max(pings, key=_by_key, default=None))
    for given in sorted(new, key=_by_key):
        if given.key in known:
            outcome.results.append(duplicate(given))
            continue
        known[given.key] = given
        fold = _fold(initial, sorted(known.values(), key=_by_key), given, accept_late_delivered)
        _keep_record(outcome.delivery, fold.delivery)
        finding = _find(fold, given, effective=bool(changed_members(outcome.delivery, fold.delivery)))
        told = record(outcome.delivery, fold.delivery, given, finding, now)
        _add(outcome, told)
        known[given.key] = replace(given, recorded=bool(told.events))
        outcome.delivery = fold.delivery
        for ping in fold.awoken:
            _add(outcome, record(fold.delivery, fold.delivery, ping, _AWOKEN, now))
            known[ping.key] = replace(ping, recorded=True)
    return outcome


@dataclass(slots=True)
class _Fold:
    """A whole life, and what one input did in its place."""

    delivery: Delivery
    move: Move
    changed: bool = False
    """Whether the input changed anything in its place."""
    passing: bool = False
    """Whether the input is a ping that changed no more than the position."""
    overtaken: bool = False
    """Whether the way started again after the input."""
    awoken: list[Input] = field(default_factory=list)
    """Pings without event that do more than tell the position."""


def _fold(initial: Delivery, inputs: list[Input], subject: Input, accept_late_delivered: bool) -> _Fold:
    fold = _Fold(Delivery(), Move(initial.status, ""))
    fold.delivery.CopyFrom(initial)
    before = Delivery()
    for given in inputs:
        watched = given is subject or not given.recorded
        if watched:
            before.CopyFrom(fold.delivery)
        move = take(fold.delivery, given, accept_late_delivered=accept_late_delivered)
        if given is subject:
            changed = changed_members(before, fold.delivery)
            fold.move, fold.changed, fold.overtaken = move, bool(changed), False
            fold.passing = given.report.ping and PING_MEMBERS.issuperset(changed)
        elif watched and not PING_MEMBERS.issuperset(changed_members(before, fold.delivery)):
            fold.awoken.append(given)
        fold.overtaken |= given is not subject and move.reset in (reports.RESET_DRIVER, reports.RESET_BOOKING)
    return fold


def _find(fold: _Fold, given: Input, *, effective: bool) -> Finding:
    """What to say of a late input: of its place in the order, and of what came after it.

    ``effective`` when the delivery is another one for it: then nothing newer took its effect away.
    """
    report, because = given.report, f"It came late and was put in its place. {fold.move.because}"
    disposition = fold.move.disposition
    if fold.overtaken and (report.status or report.patch.HasField("courier")):
        because += " The way started again after it: it speaks of a driver or a booking that is no more."
        disposition = events.DISPOSITION_STALE
    elif disposition == events.DISPOSITION_NO_CHANGE and fold.changed and not effective:
        behind = report.status and RANKS[report.status] < RANKS[fold.delivery.status]
        because += f" By now it is {WORDS[fold.delivery.status]}." if behind else " Newer reports say otherwise."
        disposition = events.DISPOSITION_REGRESSION_IGNORED if behind else events.DISPOSITION_STALE
    return Finding(disposition, because, fold.passing)


_AWOKEN = Finding(
    events.DISPOSITION_NO_CHANGE,
    "A report that came late made this ping more than a position: it is kept for the record.",
)


def _keep_record(old: Delivery, new: Delivery) -> None:
    """The record goes on, whatever the life turns out to be."""
    new.last_event_number = old.last_event_number
    new.etag = old.etag
    new.update_time.CopyFrom(old.update_time)


def _add(outcome: Outcome, result: Result) -> None:
    outcome.results.append(result)
    outcome.last_key = max(outcome.last_key, result.input.key)
    ping = outcome.last_ping
    if not result.events and (ping is None or ping.key < result.input.key):
        outcome.last_ping = result.input


class ArrivedLate(Exception):
    """An input comes before one that is folded in already: `refold` is called for."""
