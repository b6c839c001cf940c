"""What subscribers in Delivery Solutions' words are told of shipments, and of deliveries that have none."""

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import event_pb2
from crossdock.v1 import shipment_pb2 as shipments
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription
from crossdock.v1.window_pb2 import WINDOW_KIND_ESTIMATED

from gateway.dialects.deliverysolutions import read
from gateway.dialects.deliverysolutions.statuses import BY_PHASE, BY_STATUS
from gateway.dialects.deliverysolutions.write_events import message
from tests.dialects.deliverysolutions.test_documents import document

SUBSCRIPTION = Subscription(id="sub_1", tenant_id="ten_1", tenant_external_id="demo", dialect="deliverysolutions")


def of_delivery(status: pb.DeliveryStatus.ValueType) -> OutboundEvent:
    told = OutboundEvent()
    told.event.delivery_id, told.event.status = "dlv_1", status
    told.event.kind = event_pb2.EVENT_KIND_STATUS_CHANGED
    delivery = told.delivery
    delivery.id, delivery.status, delivery.carrier, delivery.carrier_ref = "dlv_1", status, "UPS", "ups"
    delivery.references.add(scope="partner", value="7709-001")
    delivery.tracking_number = "1Z"
    delivery.fee.currency_code, delivery.fee.units = "USD", 9
    milestone = delivery.milestones.add(status=pb.DELIVERY_STATUS_PICKED_UP)
    milestone.time.FromJsonString("2026-05-01T10:00:00Z")
    return told


def test_every_status_of_a_delivery_is_told_as_a_shipping_order() -> None:
    for status in pb.DeliveryStatus.values():
        if not status:
            continue

        told = message(of_delivery(status), SUBSCRIPTION)

        assert told is not None
        assert told["status"] in {BY_STATUS[status], *BY_PHASE.values()}
        assert (told["orderExternalId"], told["trackingId"], told["amount"]) == ("7709-001", "1Z", 9)
        assert told["provider"]["id"] == "ups"
        assert told["tenantId"] == "demo"  # as in the answers of the API
        assert told["actualPickupTime"] == "2026-05-01T10:00:00.000Z"


def test_an_amount_is_told_in_the_currency_beside_it_or_not_at_all() -> None:
    told = of_delivery(pb.DELIVERY_STATUS_DELIVERED)
    told.location.currency_code = "GBP"
    told.delivery.consignment.value.amount.currency_code, told.delivery.consignment.value.amount.units = "GBP", 5
    without_fee = OutboundEvent()
    without_fee.CopyFrom(told)
    without_fee.delivery.ClearField("fee")
    without_fee.location.currency_code = "EUR"

    both, value = message(told, SUBSCRIPTION), message(without_fee, SUBSCRIPTION)

    assert both is not None
    assert value is not None
    assert (both["amount"], both["orderValue"], both["currencyCode"]) == (9, None, "USD")
    assert (value["amount"], value["orderValue"], value["currencyCode"]) == (None, 5, "GBP")


def test_an_estimate_of_a_delivery_is_told_as_that_of_a_shipment() -> None:
    told = of_delivery(pb.DELIVERY_STATUS_PICKUP_EN_ROUTE)
    told.delivery.estimates.dropoff_time.FromJsonString("2026-05-01T10:00:00Z")
    told.delivery.consignment.dropoff.windows.add(kind=WINDOW_KIND_ESTIMATED)

    written = message(told, SUBSCRIPTION)

    assert written is not None
    assert written["estimatedDeliveryTime"] == {"startsAt": None, "endsAt": 1_777_629_600_000}
    assert written["estimatedPickupTime"] == {"startsAt": None, "endsAt": None}


def test_a_pickup_that_nobody_told_of_has_no_time() -> None:
    told = of_delivery(pb.DELIVERY_STATUS_DELIVERED)
    told.delivery.milestones[0].synthetic = True

    written = message(told, SUBSCRIPTION)

    assert written is not None
    assert written["actualPickupTime"] is None


def test_a_shipment_is_told_as_it_stood_then_and_not_as_it_stands_now() -> None:
    told = of_delivery(pb.DELIVERY_STATUS_PICKED_UP)
    told.shipment.CopyFrom(read.new_shipment(document("create"), "USD"))
    told.shipment.phase, told.shipment.status = shipments.SHIPMENT_PHASE_CLOSED, pb.DELIVERY_STATUS_DELIVERED
    told.delivery.status = pb.DELIVERY_STATUS_DELIVERED

    written = message(told, SUBSCRIPTION)

    assert written is not None
    assert (written["status"], written["orderExternalId"]) == ("PICKUP_COMPLETED", "7709-001")
    assert told.shipment.status == pb.DELIVERY_STATUS_DELIVERED


def test_what_the_hub_does_before_a_carrier_has_it_is_told_too() -> None:
    told = OutboundEvent()
    told.event.kind, told.event.shipment_id = event_pb2.EVENT_KIND_SHIPMENT_CHANGED, "shp_1"
    told.event.shipment_phase = shipments.SHIPMENT_PHASE_UNQUOTED
    told.shipment.id = "shp_1"

    written = message(told, SUBSCRIPTION)

    assert written is not None
    assert (written["id"], written["status"]) == ("shp_1", "ESTIMATES_FAILED")


def test_what_is_about_no_shipment_is_not_told() -> None:
    told = OutboundEvent()
    told.event.kind = event_pb2.EVENT_KIND_SUBSCRIPTION_CHANGED

    assert message(told, SUBSCRIPTION) is None
