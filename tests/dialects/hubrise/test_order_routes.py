"""The dialect's orders over HTTP, with real services behind."""

import json
from pathlib import Path

import pytest
from crossdock.v1 import access_pb2

from tests.dialects.hubrise.conftest import Shop, client_with
from tests.dialects.hubrise.hubrise_answers import error_of, only

pytestmark = pytest.mark.asyncio(loop_scope="module")
HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ["least", "documented", "guest"])
async def test_an_order_is_posted_and_retrieved(shop: Shop, name: str) -> None:
    sent = json.loads((HERE / "new_orders" / f"{name}.json").read_text())
    expected = json.loads((HERE / "new_orders" / f"{name}.shown.json").read_text())

    posted = await shop.local.post("/location/orders", json=sent)
    document = posted.json()
    retrieved = await shop.account.get(f"/locations/{shop.location_id}/orders/{document['id']}")

    assert (posted.status_code, retrieved.status_code) == (200, 200)
    assert retrieved.json() == document
    assigned = {name: document[name] for name in ("id", "created_at", "created_by")}
    assert assigned["id"].startswith("ord_")
    assert assigned["created_at"].endswith(("+01:00", "+02:00"))
    assert document == expected | assigned | {"location_id": shop.location_id}


async def test_an_order_shows_its_delivery_without_the_position(shop: Shop) -> None:
    order = await shop.delivery(driver_latitude="48.85", driver_longitude="2.35", ref="1")
    delivery = await shop.get(order)

    shown = (await shop.local.get(f"/location/orders/{order}")).json()["delivery"]
    [listed] = (await shop.local.get("/location/orders")).json()

    del delivery["driver_latitude"], delivery["driver_longitude"]
    assert shown == delivery
    assert listed["delivery"] == delivery


async def test_a_token_that_may_not_read_deliveries_reads_its_orders(shop: Shop) -> None:
    order = await shop.delivery()
    scopes = [access_pb2.SCOPE_ORDERS_READ, access_pb2.SCOPE_LOCATIONS_READ]
    reader = await shop.world.token(access_pb2.ACCESS_LEVEL_LOCATION, scopes, location_id=shop.location_id)

    async with client_with(shop.url, reader) as client:
        answer = await client.get(f"/location/orders/{order}")

    assert (answer.status_code, answer.json()["delivery"]) == (200, None)


async def test_an_update_changes_what_is_given(shop: Shop) -> None:
    order = await shop.order(ref="1", customer={"first_name": "John"}, seller_notes="one", private_ref="A-17")
    before = (await shop.local.get(f"/location/orders/{order}")).json()
    change = {"status": "accepted", "seller_notes": None, "custom_fields": {"table": 4}, "private_ref": "A-18"}

    answer = await shop.local.patch(f"/location/orders/{order}", json=change)

    assert answer.status_code == 200
    assert answer.json() == before | change
    assert (await shop.local.get(f"/location/orders/{order}")).json() == before | change


async def test_nothing_to_change_is_no_error(shop: Shop) -> None:
    order = await shop.order()

    answer = await shop.local.patch(f"/location/orders/{order}", json={})

    assert answer.status_code == 200


async def test_a_private_ref_is_taken_once(shop: Shop) -> None:
    await shop.order(private_ref="6986")

    answer = await shop.local.post("/location/orders", json={"status": "new", "private_ref": "6986"})

    assert only(answer) == {"field": "private_ref", "message": "has already been taken"}


async def test_collections_are_not_updated(shop: Shop) -> None:
    order = await shop.order()

    answer = await shop.local.patch(f"/location/orders/{order}", json={"items": [{"id": "1", "deleted": True}]})

    assert only(answer)["field"] == "items"


async def test_another_locations_order_is_not_found(shop: Shop, other_shop: Shop, strangers_shop: Shop) -> None:
    theirs = await other_shop.order()
    tries = [
        (shop.local, f"/location/orders/{theirs}"),
        (shop.account, f"/locations/{shop.location_id}/orders/{theirs}"),
        (shop.local, f"/locations/{other_shop.location_id}/orders/{theirs}"),
        (strangers_shop.account, f"/locations/{other_shop.location_id}/orders/{theirs}"),
    ]

    for client, path in tries:
        assert error_of(await client.get(path)) == (404, "not_found")
        assert error_of(await client.patch(path, json={"status": "accepted"})) == (404, "not_found")
    for client in (shop.local, strangers_shop.local, strangers_shop.account):
        answer = await client.post(f"/locations/{other_shop.location_id}/orders", json={"status": "new"})
        assert error_of(answer) == (404, "not_found")
        assert error_of(await client.get(f"/locations/{other_shop.location_id}/orders")) == (404, "not_found")


async def test_the_short_address_is_for_location_tokens(shop: Shop) -> None:
    assert error_of(await shop.account.get("/location/orders")) == (403, "forbidden")
    assert error_of(await shop.account.post("/location/orders", json={"status": "new"})) == (403, "forbidden")


async def test_a_list_is_read_to_its_end_by_its_cursors(shop: Shop, other_shop: Shop) -> None:
    orders = [await shop.order() for _ in range(5)]
    await other_shop.order()
    found, query = [], {"count": "2"}

    for _ in range(3):
        answer = await shop.local.get("/location/orders", params=query)
        found += [order["id"] for order in answer.json()]
        query["cursor"] = answer.headers.get("X-Cursor-Next", "")

    assert found == orders[::-1]
    assert query["cursor"] == ""


async def test_a_list_is_filtered_as_documented(shop: Shop) -> None:
    first = await shop.order(private_ref="13456", status="accepted")
    second = await shop.order(ref="ve343")
    third = await shop.order(customer_id="ve343")
    created = {each["id"]: each for each in (await shop.local.get("/location/orders")).json()}
    by_account = (await shop.account.post(f"/locations/{shop.location_id}/orders", json={"status": "new"})).json()

    async def ids(query: str) -> list[str]:
        answer = await shop.local.get(f"/location/orders?{query}")
        assert answer.status_code == 200, answer.text
        return [order["id"] for order in answer.json()]

    assert await ids("private_ref=13456") == [first]
    assert await ids("status=accepted") == [first]
    assert await ids("status=accepted&private_ref=other") == []
    assert await ids("customer_id=ve343") == [third]
    assert await ids(f"created_by={created[first]['created_by']}") == [third, second, first]
    assert await ids(f"created_by={by_account['created_by']}") == [by_account["id"]]
    # As HubRise writes it: a plus that is not escaped.
    assert await ids("after=2020-07-01T00:00:00+02:00&before=2020-07-02T00:00:00+02:00") == []
    assert len(await ids("after=2020-07-01T00:00:00%2B02:00")) == 4
    assert len(await ids("after=2020-07-01T00:00:00Z&unknown=1")) == 4


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("count=0", "count"),
        ("count=101", "count"),
        ("count=many", "count"),
        ("status=shipped", "status"),
        ("after=2020-07-01T00:00:00", "after"),
        ("before=yesterday", "before"),
        ("cursor=cjkl44", "cursor"),
    ],
)
async def test_a_wrong_query_is_an_error_that_names_its_parameter(shop: Shop, query: str, field: str) -> None:
    assert only(await shop.local.get(f"/location/orders?{query}"))["field"] == field
