"""Asks carriers for quotes, all at once and within the rules' deadline, and has them ranked; stores nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1 import carrier_pb2, shipment_pb2
from crossdock.v1.carrier_pb2 import Carrier
from crossdock.v1.carrier_service_pb2 import QuoteResponse
from crossdock.v1.consignment_pb2 import Consignment
from crossdock.v1.delivery_pb2 import DELIVERY_KIND_OUTBOUND, DELIVERY_KIND_RETURN, DeliveryKind
from crossdock.v1.location_pb2 import Location
from crossdock.v1.shipment_pb2 import Candidate, DispatchDecision, DispatchRules, ProposedCarrier, Shipment
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids, times
from services.carriers.replies import Certainty
from services.db.tables import locations
from services.dispatching import calls, polling, ranking, requests, rules
from services.dispatching.stages import Stage
from services.hub import Hub

QUOTE_DEADLINE = timedelta(seconds=4)
MAX_COST_AT_ONCE = 500_000
"""Rules that may take more steps than these let other calls go on between any two of them."""


@dataclass
class Asked:
    """A carrier that may be asked, and for which levels of service; all when there are none."""

    carrier: Carrier
    service_levels: tuple[str, ...] = ()
    refused: "shipment_pb2.CandidateFate.ValueType" = shipment_pb2.CANDIDATE_FATE_UNSPECIFIED
    """Why it is not asked, where it is not."""
    explanation: str = ""


@dataclass
class Inquiry:
    """What carriers are asked about, read in one transaction."""

    shipment: Shipment
    version: int
    kind: "DeliveryKind.ValueType"
    consignment: Consignment
    rules: DispatchRules
    decision: DispatchDecision
    """The decision to be filled: a new one, or one whose quotes expired."""
    carriers: list[Asked]


async def begin(held: Stage, rules: DispatchRules, former: DispatchDecision) -> Inquiry:
    """Whom a dispatch of a held shipment asks, about what."""
    shipment = Shipment()
    shipment.CopyFrom(held.shipment.shipment)
    return Inquiry(
        shipment=shipment,
        version=held.shipment.version,
        kind=DELIVERY_KIND_OUTBOUND,
        consignment=shipment.consignment,
        rules=rules,
        decision=number(held, rules, former),
        carriers=await assigned(held.hub, held.connection, held.shipment.tenant_id, shipment, DELIVERY_KIND_OUTBOUND),
    )


def number(held: Stage, rules: DispatchRules, former: DispatchDecision) -> DispatchDecision:
    """The decision that is about to be made: the former one again when its quotes expired, else the next."""
    if held.shipment.shipment.phase == shipment_pb2.SHIPMENT_PHASE_QUOTED:
        return former
    decision = DispatchDecision(number=former.number + 1, start_time=held.now, rules_etag=rules.etag)
    if held.shipment.shipment.phase == shipment_pb2.SHIPMENT_PHASE_RETRY_PENDING:
        decision.retries = former.retries + 1
    elif former.number and not former.failure:
        # Its carrier gave it up: whoever had a chance before has had it.
        decision.retries = former.retries
        decision.candidates.extend(former.candidates)
    return decision


async def assigned(
    hub: Hub, connection: AsyncConnection, tenant: UUID, shipment: Shipment, kind: "DeliveryKind.ValueType"
) -> list[Asked]:
    """The carriers of the shipment's location, and which of them are asked."""
    query = sa.select(locations.c.document).where(
        locations.c.tenant_id == tenant, locations.c.location_id == ids.read("location", shipment.location_id)
    )
    location = Location.FromString(await connection.scalar(query) or b"")
    found = await calls.carriers(hub, connection, tenant, location.carrier_refs)
    return [consider(carrier, shipment.proposed_carriers, kind) for carrier in found]


def consider(carrier: Carrier, proposed: Sequence[ProposedCarrier], kind: "DeliveryKind.ValueType") -> Asked:
    """Whether a carrier is asked, as far as that can be told without asking it."""
    if carrier.disabled:
        return Asked(carrier, (), shipment_pb2.CANDIDATE_FATE_NOT_ASKED, "It is disabled.")
    if kind == DELIVERY_KIND_RETURN:
        able = not carrier.capabilities or carrier_pb2.CARRIER_CAPABILITY_RETURN in carrier.capabilities
        return (
            Asked(carrier)
            if able
            else Asked(carrier, (), shipment_pb2.CANDIDATE_FATE_NOT_ASKED, "It does not fetch goods back.")
        )
    if not proposed:
        return Asked(carrier)
    names = {carrier.ref, carrier.name, carrier.display_name}
    wanted = [each for each in proposed if each.name in names]
    if not wanted:
        return Asked(carrier, (), shipment_pb2.CANDIDATE_FATE_NOT_PROPOSED, "The sender proposes others.")
    if all(each.service_level_ids for each in wanted):
        return Asked(carrier, tuple(level for each in wanted for level in each.service_level_ids))
    return Asked(carrier)


async def ask(hub: Hub, tenant_id: UUID, inquiry: Inquiry) -> list[Candidate]:
    """Asks all at once; the candidates, ranked by the rules, with the fate of each."""
    deadline = (
        polling.told(inquiry.rules.quote_deadline) if inquiry.rules.HasField("quote_deadline") else QUOTE_DEADLINE
    )
    gathered = await asyncio.gather(*(_ask(hub, tenant_id, inquiry, each, deadline) for each in inquiry.carriers))
    candidates = [candidate for offers in gathered for candidate in offers]
    compiled = rules.compile_rules(inquiry.rules)
    carriers = {each.carrier.ref: each.carrier for each in inquiry.carriers}
    now = times.to_timestamp(hub.now())
    if compiled.cost * len(candidates) < MAX_COST_AT_ONCE:
        return ranking.rank(compiled, inquiry.shipment, candidates, carriers, now)
    return await asyncio.to_thread(ranking.rank, compiled, inquiry.shipment, candidates, carriers, now)


async def _ask(hub: Hub, tenant_id: UUID, inquiry: Inquiry, asked: Asked, deadline: timedelta) -> list[Candidate]:
    carrier = asked.carrier
    if asked.refused:
        return [_out(carrier, asked.refused, asked.explanation)]
    request = requests.quote(inquiry.shipment, inquiry.consignment, inquiry.kind, list(asked.service_levels))
    limit = min(deadline, polling.quote_timeout(carrier))
    lines: calls.Lines = hub.lines
    reply = await lines.call(tenant_id, carrier, "Quote", request, limit)
    if reply.response is None:
        asked_it = reply.certainty is not Certainty.NOT_ASKED
        fate = shipment_pb2.CANDIDATE_FATE_QUOTE_FAILED if asked_it else shipment_pb2.CANDIDATE_FATE_NOT_ASKED
        candidate = _out(carrier, fate, reply.explanation)
        candidate.transient = reply.certainty is not Certainty.NO
        return [candidate]
    return _read(carrier, reply.response, asked.service_levels, times.to_timestamp(hub.now()))


def _read(carrier: Carrier, response: QuoteResponse, wanted: Sequence[str], now: Timestamp) -> list[Candidate]:
    """A candidate for each offer and each refusal; one that is silent on both made none."""
    made = []
    for quote in response.quotes:
        if wanted and quote.service_level.id not in wanted:
            continue
        candidate = Candidate(carrier_ref=carrier.ref, carrier=carrier.name, quote=quote)
        candidate.quote.quote_time.CopyFrom(now)
        made.append(candidate)
    for refusal in response.refusals:
        candidate = _out(carrier, shipment_pb2.CANDIDATE_FATE_QUOTE_DECLINED, refusal.message or refusal.code)
        candidate.refusal.CopyFrom(refusal)
        if refusal.service_level_id:
            candidate.quote.service_level.id = refusal.service_level_id
        made.append(candidate)
    return made or [_out(carrier, shipment_pb2.CANDIDATE_FATE_QUOTE_DECLINED, "It offers nothing.")]


def _out(carrier: Carrier, fate: "shipment_pb2.CandidateFate.ValueType", explanation: str) -> Candidate:
    return Candidate(carrier_ref=carrier.ref, carrier=carrier.name, fate=fate, explanation=explanation)
