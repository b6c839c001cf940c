"""What carriers are asked, written from a shipment and its candidate; pure, knows neither answers nor calls."""

from datetime import datetime

from crossdock.v1.carrier_pb2 import Carrier
from crossdock.v1.carrier_service_pb2 import AmendBookingRequest, BookRequest, QuoteRequest
from crossdock.v1.consignment_pb2 import Consignment
from crossdock.v1.delivery_pb2 import Delivery, DeliveryKind
from crossdock.v1.shipment_pb2 import Candidate, Shipment
from google.protobuf.message import Message

from services import times


def quote(
    shipment: Shipment, consignment: Consignment, kind: "DeliveryKind.ValueType", service_levels: list[str]
) -> QuoteRequest:
    """What a carrier is asked for a price of; all its levels of service when none is named."""
    return QuoteRequest(
        reference=shipment.id,
        kind=kind,
        consignment=consignment,
        service_level_ids=service_levels,
        currency_code=shipment.currency_code,
    )


def book(
    shipment: Shipment, delivery: Delivery, candidate: Candidate, carrier: Carrier, book_before: datetime
) -> BookRequest:
    """What a carrier is asked to book: never at more than it quoted."""
    request = BookRequest(
        reference=delivery.id,
        book_before=times.to_timestamp(book_before),
        quote_id=candidate.quote.id,
        service_level_id=candidate.quote.service_level.id,
        kind=delivery.kind,
        consignment=delivery.consignment,
        order_number=order_number(shipment),
        webhook_path=webhook_path(carrier),
        simulated=shipment.simulated,
    )
    if candidate.quote.HasField("price"):
        request.max_price.CopyFrom(candidate.quote.price)
    if shipment.HasField("order_attributes"):
        request.order_attributes.CopyFrom(shipment.order_attributes)
    return request


def amend(shipment: Shipment, delivery_id: str, request_id: str) -> AmendBookingRequest:
    """What a carrier is asked to make of a booking; ``request_id`` names the change."""
    request = AmendBookingRequest(
        reference=delivery_id,
        request_id=request_id,
        consignment=shipment.consignment,
        order_number=order_number(shipment),
    )
    if shipment.HasField("order_attributes"):
        request.order_attributes.CopyFrom(shipment.order_attributes)
    return request


def order_number(shipment: Shipment) -> str:
    """What people on both sides call it."""
    named = next((each.value for each in shipment.references if each.scope == "order"), "")
    return named or shipment.external_id or shipment.id


def webhook_path(carrier: Carrier) -> str:
    """Where the carrier posts its webhooks, below the hub's public address; empty when it sends none."""
    return f"/webhooks/{carrier.dialect}/{carrier.source_id}" if carrier.dialect and carrier.source_id else ""


def way_back(consignment: Consignment) -> Consignment:
    """The consignment of a return: from where the goods went to where they shall come back."""
    turned = Consignment()
    turned.CopyFrom(consignment)
    turned.pickup.CopyFrom(consignment.dropoff)
    turned.dropoff.CopyFrom(consignment.return_stop if consignment.HasField("return_stop") else consignment.pickup)
    turned.ClearField("return_stop")
    for stop in (turned.pickup, turned.dropoff):
        del stop.windows[:]  # they were asked for the way out
    _clear(turned, "required_proofs", "route", "schedule", "handoff", "label_print_time")
    return turned


def _clear(message: Message, *names: str) -> None:
    for name in names:
        message.ClearField(name)
