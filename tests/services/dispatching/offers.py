"""Offers to be ranked, and the rules to rank them by."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from crossdock.v1.carrier_pb2 import Carrier, CarrierRecord
from crossdock.v1.shipment_pb2 import Candidate, DispatchRule, DispatchRuleKind, DispatchRules, Shipment

from services import times
from services.dispatching import ranking, rules

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENT = times.to_timestamp(NOW)


def offer(ref: str, price: int = 1000, minutes: int = 60, level: str = "standard", meters: int = 5000) -> Candidate:
    """An offer at a price in cents; what is 0 is not told."""
    candidate = Candidate(carrier_ref=ref, carrier=ref.upper())
    quote = candidate.quote
    quote.id, quote.service_level.id, quote.distance_meters = f"q-{ref}-{level}", level, meters
    if price:
        quote.price.currency_code, quote.price.units, quote.price.nanos = "USD", price // 100, price % 100 * 10_000_000
    if minutes:
        times.set_timestamp(quote.dropoff_window.end_time, NOW + timedelta(minutes=minutes))
    return candidate


def rule(told: str, *, condition: str = "", disabled: bool = False) -> DispatchRule:
    """A rule as ``KIND name: expression``."""
    head, _, expression = told.partition(": ")
    word, _, name = head.partition(" ")
    kind = DispatchRuleKind.Value(f"DISPATCH_RULE_KIND_{word}")
    return DispatchRule(name=name, kind=kind, expression=expression, condition=condition, disabled=disabled)


def ranked(
    offers: Sequence[Candidate],
    given: Sequence[str | DispatchRule] = (),
    shipment: Shipment | None = None,
    records: Mapping[str, CarrierRecord] | None = None,
) -> list[Candidate]:
    """Copies of the offers, ranked by rules."""
    copies = [Candidate.FromString(each.SerializeToString()) for each in offers]
    told = [each if isinstance(each, DispatchRule) else rule(each) for each in given]
    refs = {each.carrier_ref for each in offers}
    carriers = {ref: Carrier(ref=ref, record=(records or {}).get(ref, CarrierRecord())) for ref in refs}
    compiled = rules.compile_rules(DispatchRules(rules=told))
    return ranking.rank(compiled, shipment or Shipment(), copies, carriers, MOMENT)


def order(candidates: Sequence[Candidate]) -> list[str]:
    """The refs of those that fit, the best first."""
    return [each.carrier_ref for each in candidates if each.rank]
