"""Writes what happened as the message of Delivery Solutions' order webhook: the shipment as it stood after it.

A delivery without a shipment is told as if it had one: to these subscribers everything is a shipping order. Their
documents say no more of the message than that it tells of an order; it has the form of the API's own answer.
"""

from typing import Final, Literal

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import event_pb2
from crossdock.v1 import shipment_pb2 as shipments
from crossdock.v1.consignment_pb2 import Stop
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.shipment_pb2 import Shipment
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription
from crossdock.v1.window_pb2 import WINDOW_KIND_ESTIMATED, TimeWindow
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.dialects.deliverysolutions.write import shipment
from gateway.dialects.outbound import Document

_BEFORE_BOOKING: Final = {
    pb.DELIVERY_STATUS_CREATED: shipments.SHIPMENT_PHASE_RECEIVED,
    pb.DELIVERY_STATUS_DISPATCHING: shipments.SHIPMENT_PHASE_QUOTED,
    pb.DELIVERY_STATUS_BOOKING_UNKNOWN: shipments.SHIPMENT_PHASE_BOOKING,
    pb.DELIVERY_STATUS_FAILED: shipments.SHIPMENT_PHASE_UNBOOKED,
}


def message(told: OutboundEvent, subscription: Subscription) -> Document | None:
    """The shipment after the event; None for what is about no shipment."""
    event = told.event
    if event.kind == event_pb2.EVENT_KIND_SUBSCRIPTION_CHANGED:
        return None
    made = Shipment()
    if told.HasField("shipment"):
        made.CopyFrom(told.shipment)
    else:
        _fill(made, told.delivery)
        made.external_id = made.external_id or told.order.private_ref
        made.location_external_id = told.location.external_id
        made.currency_code = _currency(made) or told.location.currency_code
    if event.shipment_phase:
        made.phase = event.shipment_phase
    if event.delivery_id and event.status:
        # As it was then: the shipment may have gone on since.
        made.status = event.status
        made.phase = _BEFORE_BOOKING.get(event.status, shipments.SHIPMENT_PHASE_BOOKED)
        if event.status != told.delivery.status:
            made.substatus = ""
    return shipment(made, subscription.tenant_external_id)


def _fill(made: Shipment, delivery: Delivery) -> None:
    made.id, made.location_id, made.order_id = delivery.id, delivery.location_id, delivery.order_id
    made.external_id = next((each.value for each in delivery.references), "")
    made.consignment.CopyFrom(delivery.consignment)
    _expect(made.consignment.pickup, delivery.estimates, "pickup_time")
    _expect(made.consignment.dropoff, delivery.estimates, "dropoff_time")
    made.status, made.substatus = delivery.status, delivery.substatus
    made.tracking_number, made.vehicle.type = delivery.tracking_number, delivery.vehicle_type
    if delivery.courier.HasField("vehicle"):
        made.vehicle.CopyFrom(delivery.courier.vehicle)
    elif not delivery.vehicle_type:
        made.ClearField("vehicle")
    made.links.tracking_url, made.links.label_url = delivery.links.tracking_url, delivery.links.label_url
    if delivery.carrier:
        made.carrier.ref, made.carrier.name = delivery.carrier_ref, delivery.carrier
    if delivery.HasField("fee"):
        made.amount.CopyFrom(delivery.fee)
    for status, time in (
        (pb.DELIVERY_STATUS_PICKED_UP, made.actual_pickup_time),
        (pb.DELIVERY_STATUS_DELIVERED, made.actual_dropoff_time),
    ):
        _reached(delivery, status, time)
    made.create_time.CopyFrom(delivery.create_time)
    made.update_time.CopyFrom(delivery.update_time)


def _expect(stop: Stop, estimates: pb.Estimates, name: Literal["pickup_time", "dropoff_time"]) -> None:
    """Puts an estimate where shipments have it: among the windows of the stop, until when it is expected."""
    if estimates.HasField(name):
        others = [window for window in stop.windows if window.kind != WINDOW_KIND_ESTIMATED]
        del stop.windows[:]
        stop.windows.extend([*others, TimeWindow(kind=WINDOW_KIND_ESTIMATED, end_time=getattr(estimates, name))])


def _currency(made: Shipment) -> str:
    """That of what the carrier charges, else of what the goods are worth."""
    return made.amount.currency_code or made.consignment.value.amount.currency_code


def _reached(delivery: Delivery, status: pb.DeliveryStatus.ValueType, time: Timestamp) -> None:
    """When it did, as far as anybody told and nobody had to infer it."""
    for each in delivery.milestones:
        if each.status == status and not each.synthetic:
            time.CopyFrom(each.time)
