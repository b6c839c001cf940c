"""The dialect's deliveries over HTTP, with real services behind."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from crossdock.v1 import delivery_pb2, delivery_service_pb2

from tests.dialects.hubrise.conftest import Shop
from tests.dialects.hubrise.hubrise_answers import error_of, only

EXAMPLE = {
    "carrier": "UPS",
    "carrier_ref": "ups",
    "ref": "1Z12345E0291980793",
    "status": "pending",
    "fee": "4.50 EUR",
    "estimated_pickup_at": "2023-01-01T12:00:00+01:00",
    "estimated_dropoff_at": "2023-01-01T12:30:00+01:00",
    "tracking_url": "https://www.ups.com/track?tracknum=1Z12345E0291980793",
    "driver_name": "John",
    "driver_phone": "+33612345678",
    "driver_phone_access_code": "1234",
    "driver_latitude": "48.856614",
    "driver_longitude": "2.3522219",
}
POSITION = {"driver_latitude": "48.856702", "driver_longitude": "2.35222"}
pytestmark = pytest.mark.asyncio(loop_scope="module")
UNSET = dict.fromkeys(("assigned_at", "pickup_at", "delivered_at", "cancelled_at"))
ORDER_WITHOUT_DELIVERY = "ord_01h455vb4pex5vsknk084sn02q"


def is_now(text: str) -> bool:
    return abs(datetime.now(UTC) - datetime.fromisoformat(text)) < timedelta(seconds=30)


async def test_the_documented_example_is_posted_and_retrieved(shop: Shop) -> None:
    order = await shop.order()

    posted = await shop.local.post(f"/location/orders/{order}/delivery", json=EXAMPLE)
    retrieved = await shop.local.get(f"/location/orders/{order}/delivery")

    assert (posted.status_code, retrieved.status_code) == (200, 200)
    assert posted.headers["content-type"] == "application/json"
    document = posted.json()
    assert document == retrieved.json()
    assert document.pop("id").startswith("dlv_")
    assert document == EXAMPLE | UNSET | {"order_id": order, "location_id": shop.location_id}


async def test_the_long_address_serves_account_and_location_tokens(shop: Shop) -> None:
    order = await shop.order()
    path = f"/locations/{shop.location_id}/orders/{order}/delivery"

    posted = await shop.account.post(path, json=EXAMPLE)
    patched = await shop.local.patch(path, json={"ref": "2"})
    retrieved = await shop.account.get(path)

    assert [posted.status_code, patched.status_code, retrieved.status_code] == [200] * 3
    assert retrieved.json()["ref"] == "2"


async def test_the_documented_position_update(shop: Shop) -> None:
    order = await shop.delivery(**EXAMPLE)

    answer = await shop.patch(order, **POSITION)

    assert answer.status_code == 200
    assert answer.json() == await shop.get(order)
    assert (answer.json()["driver_latitude"], answer.json()["driver_longitude"]) == ("48.856702", "2.35222")
    assert answer.json()["driver_name"] == "John"


async def test_a_second_post_is_refused(shop: Shop) -> None:
    order = await shop.delivery()

    again = await shop.local.post(f"/location/orders/{order}/delivery", json=EXAMPLE)

    assert only(again) == {"field": "base", "message": "the order has a delivery already"}


async def test_of_posts_at_once_one_succeeds(shop: Shop) -> None:
    order = await shop.order()

    answers = await asyncio.gather(
        *(shop.local.post(f"/location/orders/{order}/delivery", json=EXAMPLE) for _ in range(8))
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 7


@pytest.mark.parametrize("service_type", ["collection", "eat_in", None])
async def test_only_orders_to_be_delivered_take_a_delivery(shop: Shop, service_type: str | None) -> None:
    order = await shop.order(service_type=service_type)

    answer = await shop.local.post(f"/location/orders/{order}/delivery", json=EXAMPLE)

    assert only(answer) == {"field": "base", "message": "the order's service_type is not delivery"}


async def test_the_fields_that_follow_the_status_follow_it(shop: Shop) -> None:
    order = await shop.delivery()
    followed = {"pickup_enroute": "assigned_at", "dropoff_enroute": "pickup_at", "delivered": "delivered_at"}
    words = ["pickup_enroute", "pickup_approaching", "pickup_waiting", "dropoff_enroute"]
    words += ["dropoff_approaching", "dropoff_waiting", "delivered"]
    expected: set[str] = set()

    for word in words:
        document = (await shop.patch(order, status=word)).json()
        if word in followed:
            expected.add(followed[word])
        assert document["status"] == word
        assert {name for name in UNSET if document[name]} == expected

    assert is_now((await shop.get(order))["delivered_at"])


async def test_after_pending_and_delivered_only_delivered_at_is_set(shop: Shop) -> None:
    order = await shop.delivery()

    document = (await shop.patch(order, status="delivered")).json()

    assert [name for name in UNSET if document[name]] == ["delivered_at"]
    assert document == await shop.get(order)


async def test_a_cancellation_has_its_time(shop: Shop) -> None:
    order = await shop.delivery()

    document = (await shop.patch(order, status="cancelled")).json()

    assert document["status"] == "cancelled"
    assert is_now(document["cancelled_at"])


async def test_times_can_be_set_with_the_status_and_afterwards(shop: Shop) -> None:
    order = await shop.delivery()

    at_once = await shop.patch(
        order, status="delivered", delivered_at="2023-07-01T10:00:00Z", pickup_at="2023-07-01T09:30:00Z"
    )
    afterwards = await shop.patch(order, assigned_at="2023-07-01T04:00:00-05:00", delivered_at="2023-07-01T10:01:00Z")

    assert at_once.json()["delivered_at"] == "2023-07-01T12:00:00+02:00"
    document = afterwards.json()
    assert document["assigned_at"] == "2023-07-01T11:00:00+02:00"
    assert document["pickup_at"] == "2023-07-01T11:30:00+02:00"
    assert document["delivered_at"] == "2023-07-01T12:01:00+02:00"
    assert document["status"] == "delivered"


async def test_times_and_statuses_can_be_told_at_creation(shop: Shop) -> None:
    order = await shop.delivery(status="dropoff_enroute", assigned_at="2023-01-01T11:00:00Z")

    document = await shop.get(order)

    assert document["status"] == "dropoff_enroute"
    assert document["assigned_at"] == "2023-01-01T12:00:00+01:00"
    assert is_now(document["pickup_at"])


async def test_times_are_told_by_the_clocks_of_the_location(other_shop: Shop) -> None:
    order = await other_shop.delivery(estimated_pickup_at="2023-01-01T12:00:00+01:00")

    assert (await other_shop.get(order))["estimated_pickup_at"] == "2023-01-01T05:00:00-06:00"


@pytest.mark.parametrize("field", ["carrier", "carrier_ref", "fee"])
async def test_what_was_agreed_cannot_be_updated(shop: Shop, field: str) -> None:
    order = await shop.delivery(**EXAMPLE)

    changed = await shop.patch(order, **{field: "9.99 EUR", "ref": "new"})
    same = await shop.patch(order, **{field: EXAMPLE[field]})
    erased = await shop.patch(order, **{field: None})

    assert only(changed) == {"field": field, "message": "cannot be updated"}
    assert only(erased) == {"field": field, "message": "cannot be updated"}
    assert same.status_code == 200
    assert (await shop.get(order))["ref"] == EXAMPLE["ref"]


async def test_null_erases_and_absence_leaves(shop: Shop) -> None:
    order = await shop.delivery(**EXAMPLE)
    erased = [name for name in EXAMPLE if name not in ("carrier", "carrier_ref", "fee", "status", "driver_phone")]

    answer = await shop.patch(order, **dict.fromkeys(erased))

    assert answer.status_code == 200
    assert [name for name in EXAMPLE if answer.json()[name] is None] == erased
    assert answer.json()["driver_phone"] == "+33612345678"


async def test_null_erases_a_member_without_field_of_its_own(shop: Shop) -> None:
    order = await shop.delivery(**EXAMPLE)
    await shop.patch(order, foo="1", bar=2)

    answer = await shop.patch(order, foo=None)

    assert answer.status_code == 200
    assert "foo" not in answer.json()
    assert answer.json()["bar"] == 2


async def test_half_a_position_is_an_error_that_names_a_coordinate(shop: Shop) -> None:
    order = await shop.delivery()

    answer = await shop.patch(order, driver_longitude="2.35222")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["driver_latitude"]


async def test_what_was_retrieved_can_be_sent_back_at_any_moment(shop: Shop) -> None:
    order = await shop.delivery(**EXAMPLE)

    for word in (None, "pickup_enroute", "dropoff_waiting", "delivered"):
        if word:
            await shop.patch(order, status=word)
        shown = await shop.get(order)
        assert (await shop.patch(order, **shown)).json() == shown


async def test_a_pending_delivery_keeps_its_driver_when_pending_is_sent_again(shop: Shop) -> None:
    order = await shop.delivery(**EXAMPLE)
    identifier = (await shop.get(order))["id"]
    assigned = delivery_pb2.Delivery(id=identifier, status=delivery_pb2.DELIVERY_STATUS_DRIVER_ASSIGNED)
    await shop.world.deliveries.UpdateDelivery(
        delivery_service_pb2.UpdateDeliveryRequest(delivery=assigned), metadata=shop.world.account
    )

    answer = await shop.patch(order, status="pending", ref="2")

    assert (answer.json()["status"], answer.json()["driver_name"]) == ("pending", "John")
    assert (await shop.world.get(identifier)).status == delivery_pb2.DELIVERY_STATUS_DRIVER_ASSIGNED


async def test_a_status_that_cannot_be_reached_is_refused_in_the_documents_words(shop: Shop) -> None:
    order = await shop.delivery(status="delivered")

    back = await shop.patch(order, status="dropoff_enroute")
    cancelled = await shop.patch(order, status="cancelled")

    assert only(back) == {"field": "status", "message": "cannot change from 'delivered' to 'dropoff_enroute'"}
    assert only(cancelled) == {"field": "status", "message": "the delivery cannot be cancelled any more"}


async def test_an_order_takes_another_delivery_once_the_first_is_over(shop: Shop) -> None:
    order = await shop.delivery(status="cancelled")

    answer = await shop.local.post(f"/location/orders/{order}/delivery", json=EXAMPLE)

    assert answer.status_code == 200
    assert (await shop.get(order))["id"] == answer.json()["id"]


async def test_wrong_fields_are_all_named_and_nothing_is_made(shop: Shop) -> None:
    order = await shop.order()

    answer = await shop.local.post(
        f"/location/orders/{order}/delivery",
        json={"status": "gone", "fee": "4.5 EUR", "assigned_at": "2023-01-01T12:00:00", "driver_latitude": "91"},
    )

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [
        "carrier",
        "status",
        "fee",
        "driver_latitude",
        "assigned_at",
    ]
    assert error_of(await shop.local.get(f"/location/orders/{order}/delivery")) == (404, "not_found")


async def test_of_updates_at_once_none_undoes_another(shop: Shop) -> None:
    order = await shop.delivery()
    # Number and code are one value of ours: who writes one of them must have read the other.
    members = {"ref": "1", "driver_phone": "+33612345678", "driver_phone_access_code": "1", "status": "pickup_enroute"}

    for _ in range(5):
        await shop.patch(order, driver_phone=None, driver_phone_access_code=None)
        answers = await asyncio.gather(*(shop.patch(order, **{name: value}) for name, value in members.items()))
        assert [answer.status_code for answer in answers] == [200] * len(members)
        document = await shop.get(order)
        assert {name: document[name] for name in members} == members


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
async def test_what_is_not_there_is_not_found(shop: Shop, method: str) -> None:
    order = await shop.order()
    missing = [ORDER_WITHOUT_DELIVERY, "5dpm9", "x" * 65, "%00", "%ff"]
    if method != "POST":
        missing.append(order)

    bodies = (EXAMPLE, POSITION) if method == "PATCH" else (EXAMPLE,)
    for identifier, body in product(missing, bodies):
        answer = await shop.local.request(method, f"/location/orders/{identifier}/delivery", json=body)
        assert error_of(answer) == (404, "not_found"), identifier
        if method != "POST" and identifier in (ORDER_WITHOUT_DELIVERY, order):
            assert answer.json()["message"] == "the order has no delivery"


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
async def test_another_locations_delivery_is_not_found(
    shop: Shop, other_shop: Shop, strangers_shop: Shop, method: str
) -> None:
    theirs = await other_shop.order() if method == "POST" else await other_shop.delivery()
    short = f"/location/orders/{theirs}/delivery"
    through_mine = f"/locations/{shop.location_id}/orders/{theirs}/delivery"
    at_theirs = f"/locations/{other_shop.location_id}/orders/{theirs}/delivery"
    tries = [(shop.local, short), (shop.local, through_mine), (shop.local, at_theirs), (shop.account, through_mine)]
    tries += [(strangers_shop.local, short), (strangers_shop.account, at_theirs)]

    bodies = (EXAMPLE,) if method == "POST" else ({"ref": "stolen"}, POSITION)
    for (client, path), body in product(tries, bodies):
        answer = await client.request(method, path, json=body)
        assert error_of(answer) == (404, "not_found"), path
