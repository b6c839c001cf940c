import pytest
from crossdock.v1.contact_pb2 import Address
from crossdock.v1.order_pb2 import Order
from crossdock.v1.order_service_pb2 import CreateOrderRequest, ListOrdersRequest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.latlng_pb2 import LatLng
from google.type.money_pb2 import Money

from services.errors import Problem
from services.storable import require_storable


def with_extension(value: object) -> Order:
    order = Order()
    order.extensions["hubrise"]["a"] = value  # type: ignore[assignment]
    return order


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (Order(private_ref="a\0b"), "order.private_ref"),
        (Order(expected_time=Timestamp(seconds=2**40)), "order.expected_time"),
        (Order(total=Money(units=1, nanos=-1)), "order.total"),
        (Order(total=Money(nanos=10**9)), "order.total"),
        (Order(delivery_address=Address(position=LatLng(latitude=91))), "order.delivery_address.position"),
        (
            Order(delivery_address=Address(position=LatLng(longitude=float("nan")))),
            "order.delivery_address.position",
        ),
        (with_extension("\0"), 'order.extensions["hubrise"].fields["a"].string_value'),
        (with_extension(float("inf")), 'order.extensions["hubrise"].fields["a"].number_value'),
    ],
)
def test_what_could_not_be_kept_or_shown_is_named(order: Order, field: str) -> None:
    with pytest.raises(Problem) as caught:
        require_storable(CreateOrderRequest(order=order))

    assert caught.value.reason == "INVALID_REQUEST"
    assert [violation.field for violation in caught.value.violations] == [field]


@pytest.mark.parametrize(
    "request_",
    [
        CreateOrderRequest(),
        CreateOrderRequest(order=with_extension("é😀\n")),
        CreateOrderRequest(order=Order(total=Money(units=-4, nanos=-500_000_000))),
        ListOrdersRequest(created_after=Timestamp(seconds=-1), location_ids=["a", "b"]),
    ],
)
def test_everything_else_passes(request_: Message) -> None:
    require_storable(request_)


def test_every_value_is_told_at_once() -> None:
    with pytest.raises(Problem) as caught:
        require_storable(ListOrdersRequest(private_ref="\0", location_ids=["a", "\0"]))

    assert [violation.field for violation in caught.value.violations] == ["location_ids[1]", "private_ref"]
