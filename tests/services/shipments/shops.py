"""A tenant that sends: its stores, its shipments over the wire, and bookings as a dispatch makes them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.actor_pb2 import ACTOR_KIND_CARRIER, Actor
from crossdock.v1.delivery_pb2 import DELIVERY_KIND_OUTBOUND, Delivery, DeliveryKind, DeliveryStatus, StatusReason
from crossdock.v1.event_pb2 import Event, EventKind
from crossdock.v1.event_service_pb2 import ListEventsRequest
from crossdock.v1.event_service_pb2_grpc import EventServiceStub
from crossdock.v1.location_pb2 import Location
from crossdock.v1.location_service_pb2 import CreateLocationRequest
from crossdock.v1.location_service_pb2_grpc import LocationServiceStub
from crossdock.v1.reference_pb2 import ExternalReference
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.shipment_pb2 import Shipment, ShipmentHistoryEntry
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceStub

from runtime import typeid
from services import ids, times
from services.deliveries import lifecycle
from services.deliveries.matching import Incoming
from services.deliveries.reports import Batch
from services.deliveries.rows import Stored
from services.hub import Hub
from services.webhooks.parking import Parking
from tests.services.accounts import Account

CARRIER = Actor(kind=ACTOR_KIND_CARRIER, id="sim-a", display_name="Sim A")


@dataclass
class Shop:
    """Calls by an account's token unless told otherwise. Shipments are held, so that nobody dispatches them."""

    channel: grpc.aio.Channel
    account: Account

    @property
    def tenant(self) -> UUID:
        return ids.read("tenant", self.account.tenant_id)

    def __post_init__(self) -> None:
        self.stub = ShipmentServiceStub(self.channel)

    async def location(self, external_id: str, **members: Any) -> Location:
        location = Location(name=f"Store {external_id}", external_id=external_id, **members)
        location.time_zone, location.currency_code = "America/Chicago", "USD"
        request = CreateLocationRequest(location=location)
        stub = LocationServiceStub(self.channel)
        return (await stub.CreateLocation(request, metadata=self.account.metadata)).location

    def wanted(self, external_id: str = "", **members: Any) -> Shipment:
        """A shipment that can be stored."""
        if "location_external_id" not in members:
            members.setdefault("location_id", self.account.location_id)
        shipment = Shipment(external_id=external_id, **{"hold": True, **members})
        dropoff = shipment.consignment.dropoff
        if not dropoff.HasField("address"):
            dropoff.address.postal_address.address_lines.append("725 Albany Street")
            dropoff.address.postal_address.region_code = "US"
        return shipment

    async def create(self, external_id: str = "", **members: Any) -> Shipment:
        request = pb.CreateShipmentRequest(shipment=self.wanted(external_id, **members))
        return (await self.stub.CreateShipment(request, metadata=self.account.metadata)).shipment

    async def get(self, shipment_id: str) -> Shipment:
        request = pb.GetShipmentRequest(shipment_id=shipment_id)
        return (await self.stub.GetShipment(request, metadata=self.account.metadata)).shipment

    async def update(self, shipment_id: str, *paths: str, **members: Any) -> Shipment:
        request = pb.UpdateShipmentRequest(shipment=Shipment(id=shipment_id, **members))
        request.update_mask.paths.extend(paths)
        return (await self.stub.UpdateShipment(request, metadata=self.account.metadata)).shipment

    async def history(self, shipment_id: str) -> list[ShipmentHistoryEntry]:
        request = pb.ListShipmentHistoryRequest(shipment_id=shipment_id)
        return list((await self.stub.ListShipmentHistory(request, metadata=self.account.metadata)).entries)

    async def listed(self, **filters: Any) -> list[str]:
        """The external ids of a page."""
        request = pb.ListShipmentsRequest(**filters)
        answer = await self.stub.ListShipments(request, metadata=self.account.metadata)
        return [each.external_id for each in answer.shipments]

    async def events(self, shipment_id: str) -> list[Event]:
        """The events about the shipment itself, from the log."""
        request = ListEventsRequest(page_size=1000)
        request.filter.shipment_ids.append(shipment_id)
        request.filter.kinds.append(EventKind.EVENT_KIND_SHIPMENT_CHANGED)
        stub = EventServiceStub(self.channel)
        return list((await stub.ListEvents(request, metadata=self.account.metadata)).events)


async def book(
    hub: Hub,
    tenant: UUID,
    shipment: Shipment,
    status: "DeliveryStatus.ValueType" = DeliveryStatus.DELIVERY_STATUS_DISPATCHED,
    kind: "DeliveryKind.ValueType" = DELIVERY_KIND_OUTBOUND,
    **members: Any,
) -> Delivery:
    """A delivery that carries the shipment out, as a dispatch stores it."""
    identifier = typeid.new_uuid7()
    wanted = Delivery(
        id=ids.write("delivery", identifier),
        shipment_id=shipment.id,
        location_id=shipment.location_id,
        kind=kind,
        carrier="Sim A",
        carrier_ref="sim-a",
        attempt=1,
        **members,
    )
    async with hub.transaction() as connection:
        batch = Batch(connection, hub, Parking(hub))
        await batch.hold((tenant, identifier), ())
        stored_shipment = await batch.hold_shipment((tenant, ids.read("shipment", shipment.id)))
        assert stored_shipment is not None
        if kind == DeliveryKind.DELIVERY_KIND_RETURN:
            stored_shipment.shipment.return_request.delivery_id = wanted.id
        now = times.to_timestamp(hub.now())
        delivery, created = lifecycle.start(wanted, now=now, actor=CARRIER)
        first = DeliveryReport(status=status, event_time=now, actor=CARRIER)
        await batch.begin(Stored(tenant, identifier, delivery, new=True), created, first)
    return await _read(hub, tenant, delivery.id)


async def report(
    hub: Hub,
    tenant: UUID,
    delivery_id: str,
    status: "DeliveryStatus.ValueType" = DeliveryStatus.DELIVERY_STATUS_UNSPECIFIED,
    reason: StatusReason | None = None,
    actor: Actor = CARRIER,
    **patch: Any,
) -> Delivery:
    """What is heard of a delivery, as a carrier's webhook tells it."""
    told = DeliveryReport(status=status, event_time=times.to_timestamp(hub.now()), actor=actor)
    if reason is not None:
        told.reason.CopyFrom(reason)
    told.patch.CopyFrom(Delivery(**patch))
    async with hub.transaction() as connection:
        batch = Batch(connection, hub, Parking(hub))
        stored = await batch.hold((tenant, ids.read("delivery", delivery_id)), ())
        assert stored is not None
        await batch.tell(stored, Incoming(tenant, told, hub.now(), stored=stored))
    return await _read(hub, tenant, delivery_id)


async def _read(hub: Hub, tenant: UUID, delivery_id: str) -> Delivery:
    stored = await hub.deliveries.submit((tenant, ids.read("delivery", delivery_id)))
    assert stored is not None
    return stored.delivery


def reference(value: str) -> ExternalReference:
    """A name that is the sender's own."""
    return ExternalReference(scope="test", value=value)
