"""The one table of how a delivery's status may move; decides and changes nothing.

A carrier's report that does not fit is history (`decide`); a command that does not fit is an error
(`services.deliveries.commands`). Both read the exits and the ranks from here.
"""

from typing import NamedTuple

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import event_pb2
from crossdock.v1 import report_pb2 as reports
from crossdock.v1.actor_pb2 import ACTOR_KIND_CALLER, ACTOR_KIND_MERCHANT, ACTOR_KIND_OPERATOR
from google.protobuf.timestamp_pb2 import Timestamp

from services.deliveries import milestones
from services.deliveries.statuses import IMPLIED, RANKS, WORDS, Status, is_closed, is_picked_up

Delivery = pb.Delivery
DeliveryReport = reports.DeliveryReport

LATE_DELIVERY_SECONDS = 24 * 60 * 60
"""For how long after a cancellation a hand-over is still believed."""

REQUESTERS = frozenset((ACTOR_KIND_CALLER, ACTOR_KIND_MERCHANT, ACTOR_KIND_OPERATOR))
"""Who can ask for something, rather than report it."""

EXITS: dict[tuple[Status, Status], str] = {
    (pb.DELIVERY_STATUS_DELIVERED, pb.DELIVERY_STATUS_RETURNING): "requested",
    (pb.DELIVERY_STATUS_CANCELLED, pb.DELIVERY_STATUS_RETURNING): "goods",
    (pb.DELIVERY_STATUS_CANCELLED, pb.DELIVERY_STATUS_RETURN_ARRIVED): "goods",
    (pb.DELIVERY_STATUS_CANCELLED, pb.DELIVERY_STATUS_RETURNED): "goods",
    (pb.DELIVERY_STATUS_CANCELLED, pb.DELIVERY_STATUS_DELIVERED): "late",
    (pb.DELIVERY_STATUS_FAILED, pb.DELIVERY_STATUS_DISPATCHING): "retry",
}
"""The only ways out of a closed status, each with its condition; an override needs none."""

WITH_GOODS_OUT: dict[Status, Status] = {
    pb.DELIVERY_STATUS_CANCELLED: pb.DELIVERY_STATUS_UNDELIVERABLE,
    pb.DELIVERY_STATUS_FAILED: pb.DELIVERY_STATUS_UNDELIVERABLE,
}
"""What a word means once the carrier holds the goods: they are called off, and still out."""

RESET_TARGETS: dict[reports.Reset.ValueType, Status] = {
    reports.RESET_DRIVER: pb.DELIVERY_STATUS_DISPATCHED,
    reports.RESET_BOOKING: pb.DELIVERY_STATUS_DISPATCHING,
    reports.RESET_REDELIVERY: pb.DELIVERY_STATUS_IN_TRANSIT,
}
"""Where a way starts again when the report does not say."""

RESET_AFTER_PICKUP = "reset_after_pickup"
DELIVERED_AFTER_CANCEL = "delivered_after_cancel"
CANCEL_AFTER_PICKUP = "cancel_after_pickup"


class Move(NamedTuple):
    """What the rules make of one report in its place."""

    status: Status
    """The status after it."""
    because: str
    """The rule, in a sentence."""
    disposition: event_pb2.Disposition.ValueType = event_pb2.DISPOSITION_NO_CHANGE
    """What became of the report if nothing else of it changes anything."""
    accepted: bool = False
    """Whether the status is the report's own, so that its words, substatus and reason count."""
    reset: reports.Reset.ValueType = reports.RESET_UNSPECIFIED
    """How the way starts again."""
    fills: Status = pb.DELIVERY_STATUS_UNSPECIFIED
    """The status whose milestone an ignored report may still fill."""
    attention: str = ""
    """What a person should look at."""
    sets: bool = False
    """A person sets the status, which needs no rule."""


def decide(delivery: Delivery, report: DeliveryReport, time: Timestamp, *, accept_late_delivered: bool) -> Move:
    """What becomes of the status when a report about it is told at ``time``."""
    status = delivery.status
    if report.override and report.status:
        return Move(
            report.status,
            f"A person set {WORDS[report.status]}, whatever it was before.",
            accepted=True,
            sets=True,
        )
    if report.unmapped or report.status == pb.DELIVERY_STATUS_UNKNOWN:
        return _unmapped(delivery)
    if not report.status and not report.reset:
        return Move(status, "It tells nothing of the status.")
    if is_closed(status):
        return _leave(delivery, report, time, accept_late_delivered)
    if report.reset:
        move = _start_again(delivery, report)
        if move is not None:
            return move
    if not report.status:
        return Move(status, "No driver was known, so nothing starts again.")
    return _proceed(status, report)


def is_driver_known(delivery: Delivery) -> bool:
    """Whether somebody is on the way for this booking, by name or by what was reported."""
    return delivery.HasField("courier") or milestones.find(delivery, pb.DELIVERY_STATUS_DRIVER_ASSIGNED) is not None


def skipped(delivery: Delivery, move: Move) -> tuple[Status, ...]:
    """The statuses that must lie between the present and the next one, lowest first."""
    starts_again = move.reset or move.sets
    passed = 0 if starts_again else RANKS[delivery.status]
    return tuple(step for step in IMPLIED[move.status] if RANKS[step] > passed)


def _unmapped(delivery: Delivery) -> Move:
    """Nothing is guessed: only a delivery that a webhook started and that is no further becomes UNKNOWN."""
    nothing_known = delivery.source_id and delivery.status == pb.DELIVERY_STATUS_CREATED
    status = pb.DELIVERY_STATUS_UNKNOWN if nothing_known else delivery.status
    return Move(
        status,
        f"The sender's word has no mapping; nothing is guessed, the status is {WORDS[status]}.",
        event_pb2.DISPOSITION_UNMAPPED,
        accepted=bool(nothing_known),
    )


def _proceed(status: Status, report: DeliveryReport) -> Move:
    """Forward is progress, sideways alternates, backward is history."""
    target = report.status
    translated = is_picked_up(status) and target in WITH_GOODS_OUT
    if translated and _is_called_off_by_the_merchant(report):
        return Move(
            status,
            "The merchant called the order off after the pickup. Where the goods are, only the carrier can tell.",
            attention=CANCEL_AFTER_PICKUP,
        )
    if translated:
        target = WITH_GOODS_OUT[target]
    word, here = WORDS[target], WORDS[status]
    if target == status:
        return Move(status, f"It confirms {here}.", accepted=True)
    if RANKS[target] > RANKS[status]:
        because = f"{word} lies ahead of {here}."
        if translated:
            because = f"{WORDS[report.status]} after the pickup means {word}: the goods are still out."
        return Move(target, because, accepted=True)
    if RANKS[target] == RANKS[status]:
        return Move(target, f"{word} and {here} alternate freely, and this is the newer one.", accepted=True)
    return Move(
        status,
        f"{word} lies behind {here} and the sender does not say that the way starts again.",
        event_pb2.DISPOSITION_REGRESSION_IGNORED,
        fills=target,
    )


def _leave(delivery: Delivery, report: DeliveryReport, time: Timestamp, accept_late_delivered: bool) -> Move:
    """A closed delivery stays closed, but for the listed exits."""
    status = delivery.status
    target = report.status or RESET_TARGETS.get(report.reset, status)
    here, word = WORDS[status], WORDS[target]
    if target == status:
        return Move(status, f"It confirms {here}.", accepted=True)
    match EXITS.get((status, target)):
        case "requested" if report.actor.kind in REQUESTERS:
            return Move(target, "The goods were handed over, and somebody asked for them back.", accepted=True)
        case "goods":
            return Move(target, f"It was {here}, and the carrier turns out to hold the goods.", accepted=True)
        case "retry" if report.reset == reports.RESET_BOOKING or report.actor.kind in REQUESTERS:
            return Move(
                target,
                f"It was {here} and is tried again.",
                accepted=True,
                reset=reports.RESET_BOOKING,
            )
        case "late":
            age = time.seconds - delivery.status_time.seconds
            believed = accept_late_delivered and age <= LATE_DELIVERY_SECONDS
            return Move(
                target if believed else status,
                "It was CANCELLED, and the goods arrived all the same within a day."
                if believed
                else "It was CANCELLED, and a hand-over that late is not believed without a person.",
                event_pb2.DISPOSITION_AFTER_TERMINAL,
                accepted=believed,
                attention=DELIVERED_AFTER_CANCEL,
            )
    return Move(
        status,
        f"The delivery is closed as {here}, and {word} is not a way out of it.",
        event_pb2.DISPOSITION_AFTER_TERMINAL,
        fills=pb.DELIVERY_STATUS_UNSPECIFIED if is_closed(target) else target,
        attention=CANCEL_AFTER_PICKUP
        if status == pb.DELIVERY_STATUS_DELIVERED and _is_called_off_by_the_merchant(report)
        else "",
    )


def _is_called_off_by_the_merchant(report: DeliveryReport) -> bool:
    """Who calls off an order is not who carries it."""
    return report.status == pb.DELIVERY_STATUS_CANCELLED and report.reason.actor.kind == ACTOR_KIND_MERCHANT


def _start_again(delivery: Delivery, report: DeliveryReport) -> Move | None:
    """What a reset does to an open delivery; None when the report counts like one without reset."""
    reset = report.reset
    if reset == reports.RESET_DRIVER_IF_ASSIGNED:
        known = delivery.courier.external_id
        if not is_driver_known(delivery) or (known and known == report.patch.courier.external_id):
            return None
        reset = reports.RESET_DRIVER
    status = delivery.status
    target = report.status or RESET_TARGETS[reset]
    if reset == reports.RESET_REDELIVERY:
        return _try_the_door_again(status, target)
    if is_picked_up(status):
        return Move(
            status,
            f"The goods are picked up: the way cannot start again at {WORDS[target]} without them.",
            event_pb2.DISPOSITION_REGRESSION_IGNORED,
            attention=RESET_AFTER_PICKUP,
        )
    if RANKS[target] >= RANKS[pb.DELIVERY_STATUS_PICKED_UP]:
        return None
    if reset == reports.RESET_BOOKING:
        return Move(target, f"The booking starts again at {WORDS[target]}.", accepted=True, reset=reset)
    if target == status and not is_driver_known(delivery):
        return Move(status, f"It confirms {WORDS[status]}; no driver was known.", accepted=True)
    return Move(
        target,
        f"Another driver is wanted: the way starts again at {WORDS[target]}.",
        accepted=True,
        reset=reset,
    )


def _try_the_door_again(status: Status, target: Status) -> Move:
    if not is_picked_up(status):
        return Move(
            status,
            f"The goods are not picked up at {WORDS[status]}: there is no second try at the door.",
            event_pb2.DISPOSITION_REGRESSION_IGNORED,
        )
    if not is_picked_up(target):
        target = RESET_TARGETS[reports.RESET_REDELIVERY]
    return Move(
        target,
        f"The goods go out for another try at the door, from {WORDS[target]}.",
        accepted=True,
        reset=reports.RESET_REDELIVERY,
    )
