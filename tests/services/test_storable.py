import protovalidate
import pytest
from crossdock.v1.contact_pb2 import Address
from crossdock.v1.courier_pb2 import Courier, Position
from crossdock.v1.delivery_pb2 import Delivery, DeliveryLinks
from crossdock.v1.delivery_service_pb2 import UpdateDeliveryRequest
from crossdock.v1.order_pb2 import Order
from crossdock.v1.order_service_pb2 import CreateOrderRequest, ListOrdersRequest
from crossdock.v1.proof_pb2 import Proof
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
        (Order(total=Money(currency_code="EUR", units=1, nanos=-1)), "order.total"),
        (Order(total=Money(currency_code="EUR", nanos=10**9)), "order.total"),
        (Order(total=Money(units=1)), "order.total"),
        (Order(total=Money(currency_code="eur", units=1)), "order.total"),
        (Order(total=Money(currency_code="XYZ", units=1)), "order.total"),
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
        CreateOrderRequest(order=Order(total=Money(currency_code="EUR", units=-4, nanos=-500_000_000))),
        ListOrdersRequest(created_after=Timestamp(seconds=-1), location_ids=["a", "b"]),
    ],
)
def test_everything_else_passes(request_: Message) -> None:
    require_storable(request_)


def test_every_value_is_told_at_once() -> None:
    with pytest.raises(Problem) as caught:
        require_storable(ListOrdersRequest(private_ref="\0", location_ids=["a", "\0"]))

    assert [violation.field for violation in caught.value.violations] == ["location_ids[1]", "private_ref"]


def at(latitude: str, longitude: str) -> UpdateDeliveryRequest:
    return UpdateDeliveryRequest(delivery=Delivery(position=Position(latitude=latitude, longitude=longitude)))


@pytest.mark.parametrize(("latitude", "longitude"), [("91", "0"), ("-90.1", "0"), ("0", "180.1"), ("1", ""), ("", "1")])
def test_a_courier_is_on_earth_or_nowhere(latitude: str, longitude: str) -> None:
    with pytest.raises(Problem) as caught:
        require_storable(at(latitude, longitude))

    assert [violation.field for violation in caught.value.violations] == ["delivery.position"]


@pytest.mark.parametrize(("latitude", "longitude"), [("", ""), ("90.0", "-180"), ("-0", "0.000000000000000001")])
def test_every_place_on_earth_passes(latitude: str, longitude: str) -> None:
    require_storable(at(latitude, longitude))


@pytest.mark.parametrize(
    "told",
    [
        Delivery(links=DeliveryLinks(tracking_url="javascript:alert(1)")),
        Delivery(links=DeliveryLinks(label_url='https://a"onload=')),
        Delivery(courier=Courier(photo_url="data:image/png;base64,AA==")),
        Delivery(proofs=[Proof(url="ftp://a")]),
    ],
)
def test_an_address_that_is_no_web_page_breaks_a_rule_of_the_contract(told: Delivery) -> None:
    [violation] = protovalidate.collect_violations(UpdateDeliveryRequest(delivery=told))

    assert violation.proto.rule_id == "string.pattern"


def test_web_pages_keep_the_rules_of_the_contract() -> None:
    links = DeliveryLinks(tracking_url="HTTPS://a.example//?t=1", sender_tracking_url="")

    assert not protovalidate.collect_violations(UpdateDeliveryRequest(delivery=Delivery(links=links)))
