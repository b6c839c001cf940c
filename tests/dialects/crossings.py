"""What gets from any format that comes in into any that goes out, found out by trying; knows no vendor's words.

In: what the golden documents of a dialect make known of a delivery. Out: the members of a delivery without which a
dialect's messages would be others. A crossing carries what is both.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import event_pb2 as events
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.event_pb2 import Event
from crossdock.v1.reference_pb2 import ExternalReference
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription

from gateway import strict_json
from gateway.dialects.deliverysolutions import read as deliverysolutions
from gateway.dialects.hubrise import read as hubrise
from gateway.dialects.hubrise.words import STATUSES_IN
from gateway.dialects.registry import INBOUND, OUTBOUND
from tests.dialects.filled import filled, only, paths, paths_set, without
from tests.dialects.messages import SOURCE, outbound, sample, samples

Status: TypeAlias = pb.DeliveryStatus.ValueType
Kind: TypeAlias = events.EventKind.ValueType

HERE = Path(__file__).parent
STATUSES: list[Status] = [value for value in pb.DeliveryStatus.values() if value]
KINDS: list[Kind] = [value for value in events.EventKind.values() if value]
_EVERY_MEMBER = [*Delivery.DESCRIPTOR.fields_by_name]

WORD_AT: dict[str, Callable[[dict[str, Any]], str]] = {
    "cloudevents": lambda document: document["data"]["event"]["status"].removeprefix("DELIVERY_STATUS_"),
    "hubrise": lambda document: document["new_state"]["status"],
    "deliverysolutions": lambda document: " / ".join(filter(None, (document["status"], document.get("subStatus")))),
}
"""Where the word for the status stands in messages that no reader of ours reads; the others' readers know."""

REST: dict[str, Callable[[], Iterable[Delivery]]] = {
    "hubrise": lambda: (
        hubrise.new_delivery(strict_json.loads(path.read_bytes()), "ord_1", "loc_1")
        for path in sorted((HERE / "hubrise" / "new_deliveries").glob("*.json"))
        if path.name.count(".") == 1
    ),
    "deliverysolutions": lambda: (
        Delivery(
            consignment=made.consignment,
            references=[ExternalReference(scope="order", value=made.external_id)],
        )
        for made in [deliverysolutions.new_shipment(_document("deliverysolutions", "create"), "USD")]
    ),
}
"""The dialects in which others call us, and the deliveries that their golden requests ask for."""


@dataclass(frozen=True, slots=True)
class Form:
    """One format in one direction."""

    words: dict[Status, list[str]]
    """Its words for each status that it can tell."""
    members: frozenset[str]
    """The members of a delivery that it can tell, by their paths."""


@cache
def inbound_forms() -> dict[str, Form]:
    """Every format that comes in, by name."""
    forms = {name: _read_form(name) for name in INBOUND}
    for name, requests in REST.items():
        words: dict[Status, list[str]] = defaultdict(list)
        members: set[str] = set()
        for delivery in requests():
            members |= set(paths_set(delivery))
        if name == "hubrise":
            for word, status in STATUSES_IN.items():
                words[status].append(word)
        forms[name] = Form(dict(words), frozenset(members))
    return forms


@cache
def outbound_forms() -> dict[str, Form]:
    """Every format that goes out, by name."""
    return {name: _written_form(name) for name in OUTBOUND}


def known_of(report: DeliveryReport) -> Iterator[str]:
    """The members of a delivery that a report makes known."""
    yield from paths_set(report.patch)
    for told, path in (
        (report.targets, "references"),
        (report.substatus, "substatus"),
        (report.attention, "attention"),
        (report.status, "milestones"),
    ):
        if told:
            yield path
    yield from (f"status_reason.{path}" for path in paths_set(report.reason))


def message(dialect: str, told: OutboundEvent) -> Any:
    """What a dialect tells of an event."""
    return OUTBOUND[dialect].writer(told, Subscription(dialect=dialect, tenant_external_id="demo"))


def moved(delivery: Delivery, status: Status, previous: Status = pb.DELIVERY_STATUS_UNSPECIFIED) -> OutboundEvent:
    """That a delivery reached a status, of which nobody told more."""
    return _event(delivery, events.EVENT_KIND_STATUS_CHANGED, status, previous, ("status", "milestones"))


def _read_form(name: str) -> Form:
    words: dict[Status, list[str]] = defaultdict(list)
    members: set[str] = set()
    for path in samples(name):
        report = sample(path)[1]
        members |= set(known_of(report))
        told = _word(report)
        guessed = any(issue.code == "unknown_word" for issue in report.issues)
        # Live tracking has flags, and a word for what changed: none for the status.
        guessed = guessed or (report.ping and not report.status_raw)
        if report.status and not guessed and told not in words[report.status]:
            words[report.status].append(told)
    return Form(dict(words), frozenset(members & set(_all_paths())))


def _word(report: DeliveryReport) -> str:
    """The sender's word; with the reason where that is of the sender's own choice, and decides."""
    word = report.status_raw or report.substatus_raw
    return f"{word} ({report.substatus})" if report.substatus[:1].isupper() else word


def _written_form(name: str) -> Form:
    words: dict[Status, list[str]] = {}
    for status in STATUSES:
        found = [_word_of(name, document) for document in _steps(name, status)]
        if found:
            words[status] = [*dict.fromkeys(found)]
    return Form(words, _members_told(name))


def _steps(name: str, status: Status) -> Iterator[dict[str, Any]]:
    """Messages that tell a status: reached from any other one, and for every reason that anybody gives for it."""
    for before in pb.DeliveryStatus.values():
        document = message(name, moved(_bare(status), status, before))
        if document is not None:
            yield document
            break
    for told in _reasons()[status]:
        event = moved(_bare(status), status)
        event.event.report.substatus = told.substatus
        event.event.report.reason.CopyFrom(told.reason)
        document = message(name, event)
        if document is not None:
            yield document


@cache
def _reasons() -> dict[Status, list[DeliveryReport]]:
    """The finer states and reasons that come with each status."""
    reasons: dict[Status, list[DeliveryReport]] = defaultdict(list)
    for name in INBOUND:
        for path in samples(name):
            report = sample(path)[1]
            told = DeliveryReport(substatus=report.substatus, reason=report.reason)
            if (told.substatus or told.reason.code) and told not in reasons[report.status]:
                reasons[report.status].append(told)
    return reasons


def _word_of(name: str, document: dict[str, Any]) -> str:
    if name in WORD_AT:
        return WORD_AT[name](document)
    if name in INBOUND:
        told = INBOUND[name].read(strict_json.loads(json.dumps(document).encode()), SOURCE, "").report
        return told.status_raw
    return "✓"


def _members_told(name: str) -> frozenset[str]:
    """The members that make a difference to a message: by missing from it, or by being all that is known."""
    full = {key: message(name, _event(_filled(), *key)) for key in _KEYS}
    empty = {key: message(name, _event(Delivery(), *key)) for key in _KEYS}

    def matters(path: str) -> bool:
        lacking, lone = _filled(), only(_filled(), path)
        without(lacking, path)
        return any(
            message(name, _event(lacking, *key)) != full[key] or message(name, _event(lone, *key)) != empty[key]
            for key in _KEYS
        )

    return frozenset(_mattering(matters, [*_all_paths()], ""))


def _mattering(matters: Callable[[str], bool], candidates: list[str], above: str) -> Iterator[str]:
    """The paths that matter. Where a whole branch makes no difference, none of its leaves does."""
    branches: dict[str, list[str]] = defaultdict(list)
    for path in candidates:
        branches[above + path[len(above) :].partition(".")[0]].append(path)
    for branch, below in branches.items():
        if matters(branch):
            yield from [branch] if below == [branch] else _mattering(matters, below, f"{branch}.")


_REACHED = (
    pb.DELIVERY_STATUS_DELIVERED,
    pb.DELIVERY_STATUS_PICKUP_ARRIVED,
    pb.DELIVERY_STATUS_RETURN_ARRIVED,
    pb.DELIVERY_STATUS_DISPATCHED,
    pb.DELIVERY_STATUS_FAILED,
    pb.DELIVERY_STATUS_UNDELIVERABLE,
    pb.DELIVERY_STATUS_CANCELLED,
)
_KEYS = [
    *((events.EVENT_KIND_STATUS_CHANGED, status) for status in _REACHED),
    *((kind, pb.DELIVERY_STATUS_PICKUP_EN_ROUTE) for kind in KINDS),
]
"""Events of every kind, and of enough statuses that each member has an event to be told with."""


def _event(
    delivery: Delivery,
    kind: Kind,
    status: Status,
    previous: Status | None = None,
    changed: Iterable[str] = _EVERY_MEMBER,
) -> OutboundEvent:
    event = Event(
        id="evt_1",
        delivery_id="dlv_1",
        number=7,
        kind=kind,
        kinds=[kind],
        previous_status=status if previous is None else previous,
        status=status,
        changed_paths=changed,
    )
    event.event_time.seconds = event.record_time.seconds = 1_700_009_000
    event.report.patch.CopyFrom(delivery)
    told = outbound(event, delivery, DeliveryReport())
    told.delivery.id, told.delivery.status = "dlv_1", status
    return told


def _bare(status: Status) -> Delivery:
    delivery = Delivery(kind=pb.DELIVERY_KIND_OUTBOUND)
    delivery.milestones.add(status=status).time.seconds = 1_700_009_000
    delivery.references.add(scope="order", value="A-1007")
    return delivery


def _filled() -> Delivery:
    return Delivery.FromString(_filled_bytes())


@cache
def _filled_bytes() -> bytes:
    return filled().SerializeToString()


@cache
def _all_paths() -> tuple[str, ...]:
    return tuple(path for path in paths(Delivery.DESCRIPTOR) if path != "proofs.image")


def _document(dialect: str, name: str) -> Any:
    return strict_json.loads((HERE / dialect / f"{name}.json").read_bytes())
