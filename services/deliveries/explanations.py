"""Tells how a delivery came to its present state, in words; pure."""

from collections.abc import Sequence

from crossdock.v1.actor_pb2 import ActorKind
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.delivery_service_pb2 import ExplainDeliveryResponse, ExplanationStep
from crossdock.v1.event_pb2 import Disposition, Event, EventKind

from services.deliveries import statuses

MAX_STEPS = 1_000

_INEFFECTIVE = {
    Disposition.DISPOSITION_STALE: "stale",
    Disposition.DISPOSITION_REGRESSION_IGNORED: "ignored as a step back",
    Disposition.DISPOSITION_AFTER_TERMINAL: "came after the end",
    Disposition.DISPOSITION_UNMAPPED: "not understood",
}


def explain(delivery: Delivery, events: Sequence[Event]) -> ExplainDeliveryResponse:
    """The delivery with its story: a summary and one step per event, in order of recording."""
    return ExplainDeliveryResponse(
        delivery=delivery, summary=_summary(delivery, events), steps=[_step(event) for event in events]
    )


def _summary(delivery: Delivery, events: Sequence[Event]) -> str:
    word = statuses.WORDS[delivery.status]
    since = delivery.status_time.ToJsonString() if delivery.HasField("status_time") else "its creation"
    sentences = [f"{word} since {since}"]
    if delivery.carrier_status_raw:
        sentences[0] += f", which the carrier calls {delivery.carrier_status_raw!r}"
    if delivery.HasField("manual_override"):
        actor = delivery.manual_override.actor.display_name
        sentences.append(f"{actor} set a status by hand: {delivery.manual_override.reason}")
    if delivery.attention:
        sentences.append(f"Needs attention: {', '.join(each.reason for each in delivery.attention)}")
    inferred = [statuses.WORDS[each.status] for each in delivery.milestones if each.synthetic]
    if inferred:
        sentences.append(f"Inferred and never reported: {', '.join(inferred)}")
    counts = {
        words: sum(event.disposition == disposition for event in events) for disposition, words in _INEFFECTIVE.items()
    }
    if told := [f"{count} {words}" for words, count in counts.items() if count]:
        sentences.append(f"Reports that moved nothing: {', '.join(told)}")
    return ". ".join(sentences) + "."


def _step(event: Event) -> ExplanationStep:
    step = ExplanationStep(
        number=event.number,
        event_time=event.event_time,
        record_time=event.record_time,
        who=_who(event),
        said=_said(event),
        disposition=event.disposition,
        previous_status=event.previous_status,
        status=event.status,
        because=event.explanation,
        webhook_id=event.webhook_id,
    )
    step.issues.extend(event.report.issues)
    return step


def _who(event: Event) -> str:
    if event.synthetic:
        return "nobody"
    actor = event.actor
    kind = ActorKind.Name(actor.kind).removeprefix("ACTOR_KIND_").lower()
    # A carrier that wrote a webhook is known by its source only; people know it by its name.
    carrier = event.carrier if actor.kind == ActorKind.ACTOR_KIND_CARRIER else ""
    return f"{kind} {actor.display_name or carrier or actor.id}".strip()


def _said(event: Event) -> str:
    """The sender's own words where it has some, else ours."""
    report = event.report
    if words := [word for word in (report.status_raw, report.substatus_raw) if word]:
        return " / ".join(words)
    if event.synthetic:
        return "nothing: it is inferred"
    if event.kind == EventKind.EVENT_KIND_CREATED:
        return "a new delivery"
    return statuses.WORDS[report.status] if report.status else ", ".join(event.changed_paths)
