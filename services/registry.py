"""What this process serves and does in the background: a new servicer or worker is one line here."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from crossdock.v1.access_service_pb2_grpc import add_AccessServiceServicer_to_server
from crossdock.v1.carrier_directory_service_pb2_grpc import add_CarrierDirectoryServiceServicer_to_server
from crossdock.v1.delivery_service_pb2_grpc import add_DeliveryServiceServicer_to_server
from crossdock.v1.event_service_pb2_grpc import add_EventServiceServicer_to_server
from crossdock.v1.location_service_pb2_grpc import add_LocationServiceServicer_to_server
from crossdock.v1.order_service_pb2_grpc import add_OrderServiceServicer_to_server
from crossdock.v1.shipment_service_pb2_grpc import add_ShipmentServiceServicer_to_server
from crossdock.v1.subscription_service_pb2_grpc import add_SubscriptionServiceServicer_to_server
from crossdock.v1.webhook_service_pb2_grpc import add_WebhookServiceServicer_to_server

from services.access.service import AccessServicer
from services.carriers.service import CarrierDirectoryServicer
from services.deliveries.service import DeliveryServicer
from services.dispatching.rules import check
from services.dispatching.service import Dispatcher
from services.dispatching.wishes import cancel_delivery, end_booking
from services.dispatching.working import keep_dispatching, keep_looking_after
from services.events.service import EventServicer
from services.hub import Hub
from services.locations.service import LocationServicer
from services.maintenance import keep_expiring, keep_maintaining
from services.orders.service import OrderServicer
from services.shipments.service import ShipmentServicer
from services.subscriptions.service import SubscriptionServicer
from services.webhooks.service import WebhookServicer


class Registration(NamedTuple):
    """A service of the contract, how generated code adds its servicer to a server, and how one is made."""

    name: str
    add: Callable[[Any, Any], None]
    make: Callable[[Hub], Any]


SERVICERS: tuple[Registration, ...] = (
    Registration("crossdock.v1.AccessService", add_AccessServiceServicer_to_server, AccessServicer),
    Registration(
        "crossdock.v1.CarrierDirectoryService", add_CarrierDirectoryServiceServicer_to_server, CarrierDirectoryServicer
    ),
    Registration(
        "crossdock.v1.DeliveryService",
        add_DeliveryServiceServicer_to_server,
        lambda hub: DeliveryServicer(hub, cancel_delivery, end_booking),
    ),
    Registration("crossdock.v1.EventService", add_EventServiceServicer_to_server, EventServicer),
    Registration("crossdock.v1.LocationService", add_LocationServiceServicer_to_server, LocationServicer),
    Registration("crossdock.v1.OrderService", add_OrderServiceServicer_to_server, OrderServicer),
    Registration(
        "crossdock.v1.ShipmentService",
        add_ShipmentServiceServicer_to_server,
        lambda hub: ShipmentServicer(hub, Dispatcher(), check),
    ),
    Registration("crossdock.v1.SubscriptionService", add_SubscriptionServiceServicer_to_server, SubscriptionServicer),
    Registration("crossdock.v1.WebhookService", add_WebhookServiceServicer_to_server, WebhookServicer),
)
"""What is not here answers UNIMPLEMENTED and is not advertised."""

WORKERS: tuple[tuple[str, Callable[[Hub], Awaitable[None]]], ...] = (
    ("event log", lambda hub: hub.tailer.run()),
    ("subscriptions", lambda hub: hub.board.run()),
    ("counted quotes", lambda hub: hub.carriers.keep_writing(hub.transaction)),
    ("maintenance", keep_maintaining),
    ("parked messages", keep_expiring),
    ("dispatches", keep_dispatching),
    ("bookings", keep_looking_after),
)
"""Run as long as the process does; they must be able to run in any number of processes at once."""
