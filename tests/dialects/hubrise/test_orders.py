from typing import Any
from zoneinfo import ZoneInfo

import pytest
from crossdock.v1.order_pb2 import FULFILMENT_STATUS_ACCEPTED, FULFILMENT_STATUS_NEW, Order
from google.protobuf.struct_pb2 import Struct

from gateway.dialects.hubrise import read_orders, write_orders
from gateway.dialects.hubrise.wire import Invalid
from services.masks import copy_path

PARIS = ZoneInfo("Europe/Paris")
ITEM = {"product_name": "Coke", "price": "1.00 EUR", "quantity": "1"}


def made(**document: Any) -> Order:
    order = read_orders.new_order({"status": "new"} | document, "loc_1")
    order.id, order.etag = "ord_1", "3"
    return order


def patched(order: Order, document: dict[str, Any]) -> dict[str, Any]:
    """The order as it is shown after a change, as our services apply it."""
    change = read_orders.change(document, order)
    after = Order()
    after.CopyFrom(order)
    for path in change.paths:
        copy_path(change.order, after, path)
    return write_orders.order(after, PARIS)


def errors_of(**document: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        made(**document)
    return dict(caught.value.errors)


def test_carriers_find_an_order_by_its_ref() -> None:
    [reference] = made(ref="17654321").references

    assert (reference.scope, reference.value, reference.exclusive) == ("order", "17654321", False)


def test_only_what_is_given_changes() -> None:
    order = made(
        ref="1",
        items=[ITEM],
        customer={"first_name": "John"},
        custom_fields={"a": {"b": 1}},
        expected_time="2021-06-24T11:30:00Z",
    )
    before = write_orders.order(order, PARIS)

    change = read_orders.change({"status": "accepted"}, order)

    assert change.paths == ["status"]
    assert (change.order.id, change.order.etag, change.order.status) == ("ord_1", "3", FULFILMENT_STATUS_ACCEPTED)
    assert patched(order, {"status": "accepted"}) == before | {"status": "accepted"}


def test_what_we_only_keep_can_be_changed_and_erased() -> None:
    order = made(items=[ITEM | {"sku_name": "Small"}], seller_notes="one", collection_code="42")

    document = patched(order, {"seller_notes": "two", "collection_code": None, "custom_fields": {"x": 1}})

    assert (document["seller_notes"], document["collection_code"], document["custom_fields"]) == ("two", None, {"x": 1})
    assert document["items"][0]["sku_name"] == "Small"


def test_a_customer_changes_member_by_member() -> None:
    order = made(
        customer={"first_name": "John", "last_name": "Doe", "city": "Paris", "gender": "male", "phone": "+33612345678"}
    )

    document = patched(
        order, {"customer": {"last_name": "Smith", "gender": None, "latitude": "48.8", "longitude": "2.3"}}
    )

    customer = document["customer"]
    assert (customer["first_name"], customer["last_name"], customer["city"]) == ("John", "Smith", "Paris")
    assert (customer["phone"], customer["latitude"], customer["longitude"]) == ("+33612345678", "48.8", "2.3")
    assert "gender" not in customer
    assert patched(order, {"customer": None})["customer"] is None


def test_a_new_ref_leaves_the_names_that_others_gave() -> None:
    order = made(ref="old")
    order.references.add(scope="skipcart.order", value="SK1")

    change = read_orders.change({"ref": "new"}, order)

    assert {(each.scope, each.value) for each in change.order.references} == {
        ("order", "new"),
        ("skipcart.order", "SK1"),
    }


def test_what_was_shown_may_be_sent_back_but_for_collections() -> None:
    order = made(ref="1", total="2.00 EUR", customer={"first_name": "John"}, custom_fields={"a": 1})
    shown = write_orders.order(order, PARIS)

    document = patched(order, {name: value for name, value in shown.items() if name not in read_orders.COLLECTIONS})

    assert document == shown


@pytest.mark.parametrize("collection", read_orders.COLLECTIONS)
def test_collections_are_told_once(collection: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_orders.change({collection: []}, made())

    assert caught.value.errors == ((collection, "is told at creation and cannot be updated"),)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"status": "shipped"}, "status"),
        ({"status": None}, "status"),
        ({"service_type": "takeaway"}, "service_type"),
        ({"expected_time": "2021-06-24T11:30:00"}, "expected_time"),
        ({"items": {}}, "items"),
        ({"items": [ITEM, ITEM | {"price": "1 EUR"}]}, "items[1].price"),
        ({"items": [{"product_name": "Coke", "price": "1.00 EUR"}]}, "items[0].quantity"),
        ({"items": [ITEM | {"quantity": "-1"}]}, "items[0].quantity"),
        ({"items": [ITEM | {"options": [{"price": "x"}]}]}, "items[0].options[0].price"),
        ({"charges": [{"price": "free"}]}, "charges[0].price"),
        ({"customer": {"latitude": "91", "longitude": "0"}}, "customer.latitude"),
        ({"customer": {"country": "France"}}, "customer.country"),
        ({"customer": {}, "customer_id": "ve343"}, "customer"),
        ({"private_ref": "x" * 256}, "private_ref"),
        ({"custom_fields": {"big": 2**60 + 1}}, "custom_fields"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_its_field(document: dict[str, Any], field: str) -> None:
    assert list(errors_of(**document)) == [field]


def test_the_total_is_calculated_unless_it_is_told() -> None:
    parts: dict[str, Any] = {
        "items": [ITEM | {"quantity": "2", "options": [{"price": "0.50 EUR", "quantity": 2}]}],
        "charges": [{"price": "1.50 EUR"}, {"price": "9.00 EUR", "deleted": True}],
        "discounts": [{"price_off": "0.25 EUR"}],
    }

    assert write_orders.order(made(**parts), PARIS)["total"] == "5.25 EUR"
    assert write_orders.order(made(**parts, total="5.00 EUR"), PARIS)["total"] == "5.00 EUR"


@pytest.mark.parametrize(
    "items",
    [
        [ITEM, ITEM | {"price": "1.00 USD"}],
        [ITEM | {"quantity": "0.333"}],
    ],
)
def test_a_total_that_cannot_be_told_exactly_is_not_told(items: list[dict[str, str]]) -> None:
    assert write_orders.order(made(items=items), PARIS)["total"] is None


def test_an_order_that_others_made_is_shown_whatever_they_kept() -> None:
    kept = Struct()
    kept.update({"items": 7, "customer": {"first_name": 1, "latitude": "north"}, "confirmed_time": {"at": "noon"}})
    order = Order(status=FULFILMENT_STATUS_NEW, extensions={"hubrise": kept})
    order.items.add(title="Coke", quantity=2)
    order.customer.name = "Jane Doe"
    order.delivery_address.position.latitude = 1e-7

    document = write_orders.order(order, PARIS)

    assert document["items"][0]["quantity"] == "2.0"
    assert (document["customer"]["first_name"], document["customer"]["last_name"]) == ("Jane Doe", None)
    assert document["customer"]["latitude"] == "0.0000001"
