"""Who is asked, who is booked, at what price, and what is stored of it."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from crossdock.v1.error_reason_pb2 import ErrorReason
from crossdock.v1.shipment_pb2 import ProposedCarrier, Shipment
from crossdock.v1.shipment_service_pb2 import QuoteShipmentRequest, RetryShipmentRequest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services import times
from services.db.dispatch_tables import shipments
from services.dispatching import dry_runs, wishes
from services.errors import Problem
from tests.services.dispatching.offers import rule
from tests.services.dispatching.stages import Theatre, until, word


async def test_carriers_that_do_not_quote_are_no_candidates_and_hold_nobody_up(theatre: Theatre) -> None:
    theatre["a"].does("Quote", "decline")
    theatre["b"].does("Quote", "hang")
    await theatre.rule(quote_deadline=duration(2))

    key, shipment = await theatre.dispatched()

    assert shipment.carrier.ref == "sim-c"
    assert await theatre.fates(key) == {"sim-a": "QUOTE_DECLINED", "sim-b": "QUOTE_FAILED", "sim-c": "BOOKED"}
    [decision] = await theatre.decisions(key)
    assert [each.carrier_ref for each in decision.candidates if each.HasField("quote")] == ["sim-c"]


async def test_a_disabled_carrier_is_not_asked_and_others_may_be_proposed(theatre: Theatre) -> None:
    theatre["a"].carrier.disabled = True

    key, shipment = await theatre.dispatched(proposed_carriers=[ProposedCarrier(name="SIM-C")])

    assert shipment.carrier.ref == "sim-c"
    assert await theatre.fates(key) == {"sim-a": "NOT_ASKED", "sim-b": "NOT_PROPOSED", "sim-c": "BOOKED"}
    assert not theatre["b"].asked


async def test_only_the_proposed_levels_of_service_are_booked(theatre: Theatre) -> None:
    theatre["b"].levels = ("slow", "fast")

    _, shipment = await theatre.dispatched(
        proposed_carriers=[ProposedCarrier(name="sim-b", service_level_ids=["fast"])]
    )

    assert shipment.carrier.service_level.id == "fast"
    assert shipment.carrier.ref == "sim-b"


async def test_nobody_who_quotes_leaves_it_unquoted(theatre: Theatre) -> None:
    for ref in "abc":
        theatre[ref].does("Quote", "decline")

    key, shipment = await theatre.dispatched()

    assert await theatre.phase(key) == "UNQUOTED"
    assert shipment.failure == ErrorReason.ERROR_REASON_NO_PROVIDER_MATCHED
    assert word(shipment) == "FAILED"


async def test_a_price_that_rose_since_the_quote_is_not_paid(theatre: Theatre) -> None:
    theatre["a"].does("Book", "dearer")

    key, shipment = await theatre.dispatched()

    assert shipment.carrier.ref == "sim-b"
    assert theatre["a"].asked[-1][1].max_price.units == 10
    assert (await theatre.decisions(key))[-1].candidates[0].refusal.code == "price_changed"


async def test_an_expired_quote_is_asked_for_again_before_it_is_booked(theatre: Theatre) -> None:
    theatre["a"].does("Book", "booked, then unavailable")
    theatre["b"].quote_seconds = 3
    key = await theatre.store()
    await theatre.dispatch(key, timedelta(0))
    await until(partial(theatre.has_come_to, key, "BOOKING_UNKNOWN"))
    theatre["a"].move((await theatre.shipment(key)).delivery_id, "CANCELLED")
    theatre.later(seconds=4)

    await theatre.work(seconds=8, step=4)

    shipment = await theatre.shipment(key)
    assert shipment.carrier.ref == "sim-b"
    quotes = [method for method, _ in theatre["b"].asked]
    assert quotes == ["Quote", "Quote", "Book"]
    assert len(theatre.live) == 1


async def test_no_more_candidates_are_tried_than_the_rules_say(theatre: Theatre) -> None:
    await theatre.rule(max_bookings=1)
    theatre["a"].does("Book", "fail")

    key, shipment = await theatre.dispatched()

    assert await theatre.phase(key) == "UNBOOKED"
    assert shipment.failure == ErrorReason.ERROR_REASON_UNMAPPED_ERROR
    assert not theatre["b"].ledger


async def test_a_failed_dispatch_is_tried_again_by_itself_as_often_as_the_rules_say(theatre: Theatre) -> None:
    await theatre.rule(max_retries=1, retry_delay=duration(30))
    for ref in "abc":
        theatre[ref].does("Book", "decline", "decline")

    key, shipment = await theatre.dispatched()
    assert await theatre.phase(key) == "RETRY_PENDING"
    assert shipment.HasField("retry_time")

    await theatre.work(seconds=40, step=10)
    assert await theatre.phase(key) == "UNBOOKED"
    assert [each.retries for each in await theatre.decisions(key)] == [0, 1]

    answer = await wishes.retry(theatre.hub, theatre.caller, RetryShipmentRequest(shipment_id=shipment.id))
    assert answer.shipment.failure == ErrorReason.ERROR_REASON_UNSPECIFIED
    assert word(await theatre.dispatch(key)) == "DISPATCHED"
    assert [each.retries for each in await theatre.decisions(key)] == [0, 1, 0]


async def test_only_what_nobody_took_can_be_dispatched_again(theatre: Theatre) -> None:
    _, shipment = await theatre.dispatched()

    with pytest.raises(Problem) as refused:
        await wishes.retry(theatre.hub, theatre.caller, RetryShipmentRequest(shipment_id=shipment.id))

    assert refused.value.reason == "RETRY_NOT_POSSIBLE"
    assert refused.value.metadata["status"] == "DELIVERY_STATUS_DISPATCHED"


async def test_held_and_scheduled_shipments_wait_for_their_time(theatre: Theatre) -> None:
    held = await theatre.store(hold=True)
    scheduled = await theatre.store(release_time=moment(theatre, 20))

    await theatre.work(seconds=15, step=5)
    assert await theatre.phase(held) == "HELD"
    assert await theatre.phase(scheduled) == "SCHEDULED"

    await theatre.work(seconds=15, step=5)
    assert await theatre.phase(held) == "HELD"
    assert await theatre.phase(scheduled) == "BOOKED"


async def test_a_dry_run_shows_everybody_and_stores_nothing(theatre: Theatre) -> None:
    theatre["b"].does("Quote", "decline")
    wanted = Shipment(location_id=theatre.location_id)
    wanted.consignment.dropoff.address.postal_address.region_code = "US"

    told = await dry_runs.quote(theatre.hub, theatre.caller, QuoteShipmentRequest(shipment=wanted))

    fates = {each.carrier_ref: each.fate for each in told.decision.candidates}
    assert told.decision.carrier_ref == "sim-a"
    assert fates == {"sim-a": 2, "sim-c": 1, "sim-b": 7}
    assert not theatre.live
    async with theatre.hub.engine.connect() as connection:
        mine = sa.select(sa.func.count()).where(shipments.c.tenant_id == theatre.tenant_id)
        assert await connection.scalar(mine) == 0


async def test_the_tenants_rules_choose_and_every_choice_says_why(theatre: Theatre) -> None:
    await theatre.rule(rules=[rule("EXCLUDE no a: carrier.ref == 'sim-a'"), rule("SORT dear: -price")])

    key, shipment = await theatre.dispatched()

    assert shipment.carrier.ref == "sim-c"
    assert await theatre.fates(key) == {"sim-c": "BOOKED", "sim-b": "OUTRANKED", "sim-a": "EXCLUDED"}
    chosen, second, out = (await theatre.decisions(key))[-1].candidates
    assert (chosen.decided_by, second.decided_by, out.decided_by) == ("", "dear", "no a")
    assert second.explanation == 'Rule "dear" puts SIM-C before it: -3000 against -2000.'


async def test_a_dry_run_tries_other_rules_and_refuses_wrong_ones(theatre: Theatre) -> None:
    wanted = Shipment(location_id=theatre.location_id)
    wanted.consignment.dropoff.address.postal_address.region_code = "US"
    request = QuoteShipmentRequest(shipment=wanted)

    request.rules.rules.append(rule("SORT dear: -price"))
    told = await dry_runs.quote(theatre.hub, theatre.caller, request)
    assert told.decision.carrier_ref == "sim-c"

    request.rules.rules.append(rule("SORT wrong: carrier.ref"))
    with pytest.raises(Problem) as refused:
        await dry_runs.quote(theatre.hub, theatre.caller, request)
    assert [each.field for each in refused.value.violations] == ["rules.rules[1].expression"]


async def test_callers_at_the_same_time_book_once(theatre: Theatre) -> None:
    key = await theatre.store()

    answers = await asyncio.gather(*(theatre.dispatch(key) for _ in range(8)))

    assert {each.delivery_id for each in answers} == set(theatre.live)
    assert len(theatre.live) == 1


def duration(seconds: float) -> Duration:
    """A span of time as the contract has it."""
    made = Duration()
    made.FromTimedelta(timedelta(seconds=seconds))
    return made


def moment(theatre: Theatre, seconds: float) -> Timestamp:
    """A moment of the theatre's clock, some seconds from now."""
    return times.to_timestamp(theatre.now() + timedelta(seconds=seconds))
