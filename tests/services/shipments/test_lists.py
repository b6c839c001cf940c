from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from crossdock.v1 import delivery_pb2, shipment_pb2
from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.access_pb2 import AccessLevel
from crossdock.v1.shipment_pb2 import DispatchDecision
from crossdock.v1.window_pb2 import WindowKind
from google.protobuf.timestamp_pb2 import Timestamp

from services import ids, times
from services.callers import Caller
from services.hub import Hub
from services.shipments import journal, queries
from tests.services.accounts import Account, refused
from tests.services.shipments.shops import Shop, book, report

NOW = datetime.now(UTC)


def ago(**span: float) -> Timestamp:
    return times.to_timestamp(NOW - timedelta(**span))


async def touch(hub: Hub, shipment_id: str, **moments: datetime) -> None:
    """Moves what the columns say of a shipment."""
    values = ", ".join(f"{name} = :{name}" for name in moments)
    query = sa.text(f"UPDATE shipments SET {values} WHERE shipment_id = :id")
    async with hub.transaction() as connection:
        await connection.execute(query, {"id": ids.read("shipment", shipment_id), **moments})


@pytest.fixture
async def three(shop: Shop, hub: Hub, account: Account) -> dict[str, str]:
    """Three shipments that differ in everything that is filtered by: a delivered one, an asked one, a plain one."""
    store = await shop.location("301")
    asked = shop.wanted().consignment
    requested = WindowKind.WINDOW_KIND_REQUESTED
    asked.pickup.windows.add(kind=requested, start_time=ago(hours=-1))
    asked.dropoff.windows.add(kind=requested, end_time=ago(hours=-3))
    made = {
        "delivered": await shop.create("delivered", group_id="G"),
        "asked": await shop.create("asked", consignment=asked, location_external_id=store.external_id),
        "plain": await shop.create("plain", group_id="g"),
    }
    delivery = await book(hub, shop.tenant, made["delivered"])
    await report(hub, shop.tenant, delivery.id, delivery_pb2.DELIVERY_STATUS_DELIVERED)
    await touch(hub, made["plain"].id, create_time=NOW - timedelta(days=40), update_time=NOW - timedelta(days=20))
    return {"store": store.id, **{name: each.id for name, each in made.items()}}


CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, ["asked", "delivered", "plain"]),
    "external ids": ({"external_ids": ["plain", "asked", "none"]}, ["asked", "plain"]),
    "a group, by its very letters": ({"group_id": "G"}, ["delivered"]),
    "a location by its external id": ({"location_external_ids": ["301", "none"]}, ["asked"]),
    "a location that is unknown": ({"location_external_ids": ["none"]}, []),
    "an id that is none": ({"location_ids": ["junk"]}, []),
    "a pickup from a moment on": ({"pickup_after": ago(hours=-1)}, ["asked"]),
    "a pickup from a later moment on": ({"pickup_after": ago(hours=-2)}, []),
    "a dropoff until a moment": ({"dropoff_before": ago(hours=-3)}, ["asked"]),
    "a dropoff until an earlier moment": ({"dropoff_before": ago(hours=-2)}, []),
    "both": ({"pickup_after": ago(hours=0), "dropoff_before": ago(hours=-4)}, ["asked"]),
    "creation from a moment on": ({"created_after": ago(days=1)}, ["asked", "delivered"]),
    "creation before a moment": ({"created_before": ago(days=1)}, ["plain"]),
    "a change from a moment on": ({"updated_after": ago(days=29.9)}, ["asked", "delivered", "plain"]),
    "a change within a span": ({"updated_after": ago(days=29), "updated_before": ago(days=1)}, ["plain"]),
    "a change before a moment": ({"updated_before": ago(days=1)}, ["plain"]),
    "a status": ({"statuses": [delivery_pb2.DELIVERY_STATUS_DELIVERED]}, ["delivered"]),
    "a phase": ({"phases": [shipment_pb2.SHIPMENT_PHASE_CLOSED]}, ["delivered"]),
    "a status or a phase": (
        {
            "statuses": [delivery_pb2.DELIVERY_STATUS_DELIVERED],
            "phases": [shipment_pb2.SHIPMENT_PHASE_HELD],
        },
        ["asked", "delivered", "plain"],
    ),
    "a carrier": ({"carrier_ref": "sim-a"}, ["delivered"]),
    "an order": ({"order_id": "ord_00000000000000000000000000"}, []),
    "attention": ({"needs_attention": True}, []),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_list_is_filtered_by(shop: Shop, three: dict[str, str], name: str) -> None:
    filters, expected = CASES[name]

    assert await shop.listed(**filters) == expected


async def test_a_list_of_a_location_by_its_id(shop: Shop, three: dict[str, str]) -> None:
    assert await shop.listed(location_ids=[three["store"]]) == ["asked"]


def test_every_filter_has_a_case() -> None:
    told = {name for filters, _ in CASES.values() for name in filters}

    assert told | {"page_size", "page_token"} == set(pb.ListShipmentsRequest.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize(
    "filters",
    [{"updated_after": ago(days=31)}, {"updated_after": ago(days=60), "updated_before": ago(days=29)}],
)
async def test_changes_are_listed_for_thirty_days_at_most(shop: Shop, filters: dict[str, Any]) -> None:
    with refused("TIME_RANGE_TOO_LONG") as refusal:
        await shop.listed(**filters)

    assert refusal.metadata == {"field": "updated_after", "limit": "30 days"}


async def test_lists_leave_out_decisions_and_single_shipments_do_not(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create("A-1")
    key = (shop.tenant, ids.read("shipment", made.id))
    async with hub.transaction() as connection:
        await journal.decide(connection, [(key, DispatchDecision(number=1)), (key, DispatchDecision(number=2))])
    listed = await shop.stub.ListShipments(pb.ListShipmentsRequest(), metadata=account.metadata)
    told = await shop.stub.ExplainShipment(pb.ExplainShipmentRequest(shipment_id=made.id), metadata=account.metadata)

    assert not listed.shipments[0].HasField("decision")
    assert (await shop.get(made.id)).decision.number == 2
    assert [each.number for each in told.decisions] == [1, 2]
    assert told.summary.startswith("CREATED since ")
    assert "held until it is released" in told.summary


async def test_pages_lead_forth_and_back_and_stay_stable_while_shipments_come_and_change(shop: Shop) -> None:
    made = [await shop.create(f"{number}") for number in range(7)]
    names = [each.external_id for each in reversed(made)]

    async def page(token: str) -> pb.ListShipmentsResponse:
        request = pb.ListShipmentsRequest(
            page_size=3, page_token=token, statuses=[delivery_pb2.DELIVERY_STATUS_CREATED]
        )
        return await shop.stub.ListShipments(request, metadata=shop.account.metadata)

    first = await page("")
    await shop.create("late")
    await shop.update(made[0].id, "group_id", group_id="changed")
    second = await page(first.next_page_token)
    await shop.create("later")
    third = await page(second.next_page_token)
    back = await page(third.previous_page_token)
    start = await page(back.previous_page_token)
    newer = await page(start.previous_page_token)

    seen = [each.external_id for answer in (first, second, third) for each in answer.shipments]
    assert seen == names
    assert (first.previous_page_token, third.next_page_token) == ("", "")
    assert [each.external_id for each in back.shipments] == [each.external_id for each in second.shipments]
    assert [each.external_id for each in start.shipments] == names[:3]
    assert [each.external_id for each in newer.shipments] == ["later", "late"]
    assert newer.previous_page_token == ""


async def test_a_token_of_other_filters_is_refused(shop: Shop) -> None:
    for number in range(3):
        await shop.create(f"{number}")
    request = pb.ListShipmentsRequest(page_size=1)
    token = (await shop.stub.ListShipments(request, metadata=shop.account.metadata)).next_page_token

    with refused("INVALID_PAGE_TOKEN"):
        await shop.listed(page_size=1, page_token=token, group_id="G")


async def test_the_history_has_pages_both_ways(shop: Shop, hub: Hub, account: Account) -> None:
    made = await shop.create()
    delivery = await book(hub, shop.tenant, made)
    await report(hub, shop.tenant, delivery.id, delivery_pb2.DELIVERY_STATUS_DELIVERED)

    async def page(token: str = "", **members: Any) -> pb.ListShipmentHistoryResponse:
        request = pb.ListShipmentHistoryRequest(shipment_id=made.id, page_size=4, page_token=token, **members)
        return await shop.stub.ListShipmentHistory(request, metadata=account.metadata)

    first = await page()
    second = await page(first.next_page_token)
    again = await page(second.previous_page_token)
    reported = await page(exclude_synthetic=True)

    assert [len(first.entries), len(second.entries)] == [4, 2]
    assert list(again.entries) == list(first.entries)
    assert [each.status for each in reported.entries] == [
        delivery_pb2.DELIVERY_STATUS_CREATED,
        delivery_pb2.DELIVERY_STATUS_DISPATCHED,
        delivery_pb2.DELIVERY_STATUS_DELIVERED,
    ]


_MANY = sa.text("""
INSERT INTO shipments (tenant_id, shipment_id, location_id, carrier_ref, status, phase, needs_attention, document,
                       version, steps, create_time, update_time)
SELECT tenant_id, gen_random_uuid(), location_id, 'sim-a', 20, 10, false, '\\x00', 1, 1, moment, moment
FROM locations, generate_series(1, 20000) n, LATERAL (SELECT now() - n * interval '10 seconds' AS moment) m
""")


@pytest.mark.parametrize(
    "name",
    ["nothing", "creation from a moment on", "a location by its external id", "a status", "a phase", "a carrier"],
)
async def test_a_page_out_of_many_reads_no_more_than_the_page(hub: Hub, shop: Shop, name: str) -> None:
    """The plan is looked at, and not the time: it must lead through an index that is already in order."""
    await shop.location("301")
    async with hub.transaction() as connection:
        await connection.execute(_MANY)
    async with hub.engine.connect() as connection:
        await connection.execute(sa.text("ANALYZE shipments"))
        filters, _ = CASES[name]
        location = ids.read("location", shop.account.location_id)
        caller = Caller(shop.tenant, AccessLevel.ACCESS_LEVEL_ACCOUNT)
        locations = [location] if "location_external_ids" in filters else None
        query = queries.select(pb.ListShipmentsRequest(**filters), caller, locations, NOW)
        ordered = query.order_by(*(column.desc() for column in queries.ORDER)).limit(1001)
        text = str(ordered.compile(connection.engine.sync_engine, compile_kwargs={"literal_binds": True}))
        plan = "\n".join((await connection.scalars(sa.text(f"EXPLAIN {text}".replace(":", "\\:")))).all())

    assert "Index Scan Backward" in plan, plan
    assert "Seq Scan" not in plan, plan
    assert " Sort " not in plan, plan
