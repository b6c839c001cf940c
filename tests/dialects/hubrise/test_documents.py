import json
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.order_pb2 import Order
from google.protobuf.json_format import Parse
from google.protobuf.message import Message

from gateway import strict_json
from gateway.dialects.hubrise import read, read_orders, write, write_orders

Kind = TypeVar("Kind", bound=Message)
HERE = Path(__file__).parent
PARIS = ZoneInfo("Europe/Paris")


def names(folder: str) -> list[str]:
    return sorted(
        path.name.removesuffix(".json") for path in (HERE / folder).glob("*.json") if path.name.count(".") == 1
    )


def document(folder: str, name: str) -> Any:
    return strict_json.loads((HERE / folder / f"{name}.json").read_bytes())


def message(folder: str, name: str, empty: Kind) -> Kind:
    return Parse((HERE / folder / f"{name}.json").read_text(), empty)


@pytest.mark.parametrize("name", names("new_deliveries"))
def test_a_delivery_that_is_posted_becomes_ours(name: str) -> None:
    expected = message("new_deliveries", f"{name}.delivery", Delivery())

    assert read.new_delivery(document("new_deliveries", name), "5dpm9", "3r4s3-1") == expected


@pytest.mark.parametrize("name", names("deliveries"))
def test_our_delivery_is_shown_with_every_documented_member_in_the_documented_order(name: str) -> None:
    delivery = message("deliveries", f"{name}.delivery", Delivery())
    expected = document("deliveries", name)

    shown = write.delivery(delivery, PARIS)

    assert shown == expected
    assert list(shown) == list(expected)


@pytest.mark.parametrize("name", names("new_orders"))
def test_an_order_that_is_posted_becomes_ours_and_is_shown_whole(name: str) -> None:
    expected = message("new_orders", f"{name}.order", Order())
    expected_document = document("new_orders", f"{name}.shown")

    order = read_orders.new_order(document("new_orders", name), "3r4s3-1")
    shown = write_orders.order(order, PARIS)

    assert order == expected
    assert shown == expected_document
    assert list(shown) == list(expected_document)


@pytest.mark.parametrize("name", names("new_orders"))
def test_what_was_shown_of_an_order_can_be_posted_again(name: str) -> None:
    order = read_orders.new_order(document("new_orders", name), "3r4s3-1")
    shown = write_orders.order(order, PARIS)
    if order.references and (shown["customer"] or {}).get("id"):
        shown["customer_id"] = shown.pop("customer")["id"]

    again = read_orders.new_order(json.loads(json.dumps(shown), parse_float=str), "3r4s3-1")

    assert write_orders.order(again, PARIS) == write_orders.order(order, PARIS)
