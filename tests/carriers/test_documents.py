"""Every document that a simulated carrier can write is as its vendor documents it, by the reading of the hub."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.v1 import carrier_service_pb2 as contract
from crossdock.v1.delivery_pb2 import DELIVERY_KIND_OUTBOUND
from crossdock.v1.webhook_pb2 import WebhookSource

from carriers.simulator.bookings import Counter
from carriers.simulator.documents import DIALECTS
from carriers.simulator.facts import fact_of
from carriers.simulator.fleet import FLEET
from carriers.simulator.journeys import plan
from carriers.simulator.ledger import Ledger
from carriers.simulator.offers import Desk
from carriers.simulator.times import stamp
from gateway.dialects.registry import INBOUND
from gateway.strict_json import loads
from tests.carriers.worlds import consignment

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SCENARIOS = [each for each in books.Scenario.values() if each]
MEMBERS = {
    "skipcart": {
        "partner_order_id", "skipcart_order_id", "skipcart_delivery_id", "event_time_utc", "event_status",
        "order_status", "schedule_failed_reason", "driver", "location", "estimated_arrival", "tracking_url",
        "delivery_details", "parking_slot", "reason_code", "agg_order_id",
    },
    "ordatic": {"eventType", "storeId", "data"},
}  # fmt: skip
"""Of those that are the same in every document."""


def told(carrier: str, scenario: "books.Scenario.ValueType", seed: int = 1) -> Iterator[tuple[str, dict[str, Any]]]:
    """The documents of a whole journey, without posting any."""
    counter = Counter(FLEET[carrier], seed, Ledger())
    request = contract.BookRequest(
        reference=f"dlv_{scenario}",
        book_before=stamp(NOON),
        kind=DELIVERY_KIND_OUTBOUND,
        consignment=consignment(),
        order_number="A-1001",
    )
    answer, _ = counter.book(request, NOON)
    booking = books.SimulatedBooking(carrier=carrier, request=request, booking=answer.booking)
    booking.journey.scenario, booking.journey.pace = scenario, 60.0
    booking.journey.start_time.CopyFrom(stamp(NOON))
    for step in plan(booking, Desk(FLEET[carrier], seed)):
        fact = fact_of(FLEET[carrier], seed, booking, step, timedelta())
        if written := DIALECTS[FLEET[carrier].dialect].write(fact):
            yield written


@pytest.mark.parametrize("scenario", SCENARIOS, ids=books.Scenario.Name)
@pytest.mark.parametrize("carrier", sorted(FLEET))
def test_every_document_is_read_without_an_issue(carrier: str, scenario: "books.Scenario.ValueType") -> None:
    dialect = FLEET[carrier].dialect
    source = WebhookSource(id="src_1", default_currency_code="USD", default_region_code="US")

    for word, document in told(carrier, scenario):
        reading = INBOUND[dialect].read(loads(json.dumps(document).encode()), source, "")

        assert [str(each) for each in reading.report.issues] == [], word
        assert not reading.report.unmapped, word
        assert set(document) == MEMBERS.get(dialect, set(document))


@pytest.mark.parametrize("carrier", sorted(FLEET))
def test_the_same_seed_writes_the_same_documents(carrier: str) -> None:
    first, again, other = (list(told(carrier, books.SCENARIO_DELIVERED, seed)) for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_a_driver_far_from_the_store_is_not_told_of_by_skipcart() -> None:
    words = [word for word, _ in told("swift", books.SCENARIO_DELIVERED)]

    assert words[0] == "confirmed"
    assert list(dict.fromkeys(words)) == [
        "confirmed", "enroute_to_pickup", "geofence_at_pickup", "arrived_at_store",
        "out_for_delivery", "enroute_to_delivery", "delivered",
    ]  # fmt: skip


def test_the_telephone_number_of_the_driver_is_gone_with_the_delivery() -> None:
    documents = [document for _, document in told("swift", books.SCENARIO_RETURNED)]

    assert documents[0]["driver"]["phone"].startswith("XXX-")
    assert documents[-1]["event_status"] == "returned"
    assert documents[-1]["driver"]["phone"] is None


def test_the_driver_comes_nearer_all_the_time_and_arrives() -> None:
    way = [
        (document["order_status"], int(document["estimated_arrival"]["distance_meters"]))
        for word, document in told("swift", books.SCENARIO_DELIVERED)
    ]

    for leg in ("confirmed", "out_for_delivery"):
        distances = [meters for status, meters in way if status == leg]
        assert distances == sorted(distances, reverse=True)
        assert len(set(distances)) > 3
    assert way[-1] == ("delivered", 0)


def test_ordatics_riders_are_told_in_five_words() -> None:
    assert [word for word, _ in told("pronto", books.SCENARIO_DELIVERED)] == [
        "rider-created", "rider-picking", "rider-delivering", "rider-completed", "rider-proof-delivery",
    ]  # fmt: skip
