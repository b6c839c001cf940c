"""Who fits, in which order, and why: rules applied to offers; pure.

First every EXCLUDE and REQUIRE rule; then PREFER and SORT rules, each deciding among those whom the ones before left
equal. A rule that fails with one of those among whom it would decide decides nothing among them, so that the order is
one however the offers came in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crossdock.v1 import shipment_pb2
from crossdock.v1.carrier_pb2 import Carrier, Quote
from crossdock.v1.shipment_pb2 import Candidate, RuleVerdict, Shipment
from google.protobuf.timestamp_pb2 import Timestamp

from services import times
from services.currencies import minor_units
from services.dispatching import expressions
from services.dispatching.expressions import UNTOLD, Failed, Value
from services.dispatching.rules import EXCLUDE, PREFER, REQUIRE, SORT, CompiledRule, CompiledRules

_LATEST = (1 << 62, 0)


@dataclass
class _Offer:
    """A candidate that made an offer, and what the rules made of it."""

    candidate: Candidate
    values: dict[str, Value] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.candidate.carrier or self.candidate.carrier_ref

    def name_beside(self, other: "_Offer") -> str:
        """Which of a carrier's offers it is, where the other one is the same carrier's."""
        level = self.candidate.quote.service_level
        if self.candidate.carrier_ref != other.candidate.carrier_ref or not level.id:
            return self.name
        return f"{self.name} ({level.display_name or level.id})"


def rank(
    compiled: CompiledRules,
    shipment: Shipment,
    candidates: Sequence[Candidate],
    carriers: Mapping[str, Carrier],
    now: Timestamp,
) -> list[Candidate]:
    """Those that fit in the order in which they are to be booked, then the others; all with fate and explanation.

    Candidates that have a fate made no offer and stay as they are. ``carriers`` are with their records, by ref.
    """
    moment = times.to_datetime(now)
    rules, failed = _applied(compiled, shipment, moment)
    offers = [_Offer(each) for each in candidates if not each.fate]
    for offer in offers:
        _judge(offer, rules, failed, shipment, carriers, moment)
    fitting = [each for each in offers if not _put_out(each, rules)]
    _order(fitting, [each for each in rules if each.rule.kind in (PREFER, SORT)])
    fitting.sort(key=lambda each: each.candidate.rank)
    _crown(fitting)
    for offer in offers:
        _tell_failures(offer)
    out = [each.candidate for each in offers if not each.candidate.rank]
    return [*(each.candidate for each in fitting), *out, *(each for each in candidates if _made_no_offer(each))]


def _made_no_offer(candidate: Candidate) -> bool:
    return candidate.fate not in (shipment_pb2.CANDIDATE_FATE_OUTRANKED, shipment_pb2.CANDIDATE_FATE_EXCLUDED)


def _applied(
    compiled: CompiledRules, shipment: Shipment, now: datetime
) -> tuple[list[CompiledRule], list[tuple[CompiledRule, str]]]:
    """The rules whose condition holds, and those whose condition failed, with why."""
    applied, failed = [], []
    for each in compiled.rules:
        try:
            if each.condition is None or expressions.evaluate(
                each.condition, expressions.sight_of_shipment(shipment, now)
            ):
                applied.append(each)
        except Failed as reason:
            failed.append((each, f"its condition failed: {reason}"))
    return applied, failed


def _judge(
    offer: _Offer,
    rules: Sequence[CompiledRule],
    failed: Sequence[tuple[CompiledRule, str]],
    shipment: Shipment,
    carriers: Mapping[str, Carrier],
    now: datetime,
) -> None:
    """Lets every rule make what it makes of an offer."""
    candidate = offer.candidate
    carrier = carriers.get(candidate.carrier_ref, Carrier(ref=candidate.carrier_ref))
    sight, problem = None, ""
    try:
        sight = expressions.sight_of_offer(shipment, candidate.quote, carrier, now, numbers(candidate.quote, now))
    except Failed as reason:
        problem = str(reason)
    for each in rules:
        try:
            if sight is None:
                raise Failed(problem)
            offer.values[each.rule.name] = each.evaluate(sight)
        except Failed as reason:
            offer.errors[each.rule.name] = str(reason)
    offer.errors.update((each.rule.name, reason) for each, reason in failed)
    for each in (*rules, *(rule for rule, _ in failed)):
        verdict = RuleVerdict(rule=each.rule.name, kind=each.rule.kind, error=offer.errors.get(each.rule.name, ""))
        if each.rule.name in offer.values:
            verdict.value = expressions.write(offer.values[each.rule.name])
        candidate.verdicts.append(verdict)


def numbers(quote: Quote, now: datetime) -> dict[str, float]:
    """The numbers that expressions see beside the quote; the largest int stands for what is not told."""
    return {
        "price": minor_units(quote.price) if quote.HasField("price") else UNTOLD,
        "pickup_minutes": _minutes(quote.pickup_window.end_time, now) if _has_end(quote, "pickup_window") else UNTOLD,
        "dropoff_minutes": _minutes(quote.dropoff_window.end_time, now)
        if _has_end(quote, "dropoff_window")
        else UNTOLD,
        "distance_km": quote.distance_meters / 1000,
    }


def _has_end(quote: Quote, window: str) -> bool:
    return bool(getattr(quote, window).HasField("end_time"))


def _minutes(end: Timestamp, now: datetime) -> int:
    return int((times.to_datetime(end) - now).total_seconds() // 60)


def _put_out(offer: _Offer, rules: Sequence[CompiledRule]) -> bool:
    for each in rules:
        name, value = each.rule.name, offer.values.get(each.rule.name)
        if each.rule.kind == EXCLUDE and value is True:
            explanation = f'Rule "{name}" puts it out.'
        elif each.rule.kind == REQUIRE and value is False:
            explanation = f'It is not what rule "{name}" requires.'
        else:
            continue
        candidate = offer.candidate
        candidate.fate, candidate.decided_by = shipment_pb2.CANDIDATE_FATE_EXCLUDED, name
        candidate.explanation = explanation
        return True
    return False


def _order(fitting: list[_Offer], rules: Sequence[CompiledRule]) -> None:
    """Gives everybody a rank, and all but the first the reason for which the one before is better."""
    place = 0
    previous: _Offer | None = None
    for group, reason in _sorted(fitting, rules, None):
        for number, offer in enumerate(sorted(group, key=lambda each: _tie(each.candidate))):
            place += 1
            offer.candidate.rank, offer.candidate.fate = place, shipment_pb2.CANDIDATE_FATE_OUTRANKED
            if previous is not None:
                _explain(offer, previous, reason if number == 0 else None)
            previous = offer


def _sorted(
    group: list[_Offer], rules: Sequence[CompiledRule], reason: CompiledRule | None
) -> list[tuple[list[_Offer], CompiledRule | None]]:
    """Groups of those whom all rules leave equal, in order, each with the rule that puts the group before it first."""
    for position, each in enumerate(rules):
        name = each.rule.name
        if any(name not in offer.values for offer in group):
            continue
        groups: dict[Value, list[_Offer]] = {}
        for offer in group:
            groups.setdefault(_sort_value(each, offer), []).append(offer)
        if len(groups) < 2:
            continue
        ordered = [groups[value] for value in sorted(groups)]
        found = _sorted(ordered[0], rules[position + 1 :], reason)
        for other in ordered[1:]:
            found += _sorted(other, rules[position + 1 :], each)
        return found
    return [(group, reason)]


def _sort_value(rule: CompiledRule, offer: _Offer) -> Value:
    value = offer.values[rule.rule.name]
    return not value if rule.rule.kind == PREFER else value


def _tie(candidate: Candidate) -> tuple[Any, ...]:
    """What is equal after all rules goes by price, drop-off and ref; what follows keeps two offers of one apart."""
    quote = candidate.quote
    return (
        *_price(quote),
        _dropoff(quote),
        candidate.carrier_ref,
        quote.service_level.id,
        quote.id,
        quote.SerializeToString(deterministic=True),
    )


def _price(quote: Quote) -> tuple[int, str]:
    return (minor_units(quote.price), quote.price.currency_code) if quote.HasField("price") else (UNTOLD, "")


def _dropoff(quote: Quote) -> tuple[int, int]:
    end = quote.dropoff_window.end_time
    return (end.seconds, end.nanos) if _has_end(quote, "dropoff_window") else _LATEST


def _explain(offer: _Offer, better: _Offer, rule: CompiledRule | None) -> None:
    candidate, theirs = offer.candidate, better.name_beside(offer)
    if rule is None:
        candidate.explanation = _tied(candidate.quote, better.candidate.quote, theirs)
        return
    name = rule.rule.name
    candidate.decided_by = name
    if rule.rule.kind == PREFER:
        candidate.explanation = f'Rule "{name}" prefers {theirs}.'
        return
    here, there = (expressions.write(each.values[name]) for each in (offer, better))
    candidate.explanation = f'Rule "{name}" puts {theirs} before it: {there} against {here}.'


def _tied(quote: Quote, better: Quote, name: str) -> str:
    comparable = quote.HasField("price") and quote.price.currency_code == better.price.currency_code
    if _price(quote) != _price(better):
        return f"{name} is cheaper." if comparable else f"The rules leave it equal to {name}."
    if _dropoff(quote) != _dropoff(better):
        return f"{name} delivers earlier at the same price."
    return f"It is as good as {name}, which comes first by its ref."


def _crown(fitting: Sequence[_Offer]) -> None:
    """Says of the first why it is."""
    if not fitting:
        return
    first, *others = fitting
    if not others:
        first.candidate.explanation = "It is the only one that fits."
        return
    second = others[0].candidate
    why = f'by rule "{second.decided_by}"' if second.decided_by else "by price, drop-off and ref"
    first.candidate.explanation = f"It comes first, {why}."


def _tell_failures(offer: _Offer) -> None:
    told = [f'Rule "{name}" decided nothing: {reason.splitlines()[0]}.' for name, reason in offer.errors.items()]
    offer.candidate.explanation = " ".join([offer.candidate.explanation, *told])[:_LONGEST]


_LONGEST = 2_000
