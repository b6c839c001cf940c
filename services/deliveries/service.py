"""The DeliveryService: one RPC, one transaction; decides nothing that the lifecycle decides."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import grpc
import sqlalchemy as sa
from crossdock.v1 import delivery_service_pb2 as pb
from crossdock.v1 import delivery_service_pb2_grpc
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_CANCELLED, DELIVERY_STATUS_FAILED, Delivery
from crossdock.v1.event_pb2 import Event
from crossdock.v1.reference_pb2 import ExternalReference
from crossdock.v1.report_pb2 import DeliveryReport
from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import callers, ids, times
from services.access.liveness import while_live
from services.callers import Caller
from services.db.tables import deliveries, delivery_references, events
from services.deliveries import creation, explanations, of_orders, proofs, reports, requests, watching
from services.deliveries.commands import CommandRefused, check_asks_the_carrier, check_cancel
from services.deliveries.pings import Pings
from services.deliveries.rows import Stored
from services.errors import Problem, etag_mismatch, not_found
from services.hub import Hub
from services.idempotency import once
from services.paging import read_page
from services.webhooks.parking import Parking

Context = grpc.aio.ServicerContext[Any, Any]
Response = TypeVar("Response", bound=Message)
_SERVICE = "/crossdock.v1.DeliveryService"
CancelBooked = Callable[[Hub, Caller, Delivery, pb.CancelDeliveryRequest], Awaitable[pb.CancelDeliveryResponse | None]]
"""Asks the carrier that may have a delivery by a booking of ours to call it off; None when there is none."""
EndBooking = Callable[[Hub, AsyncConnection, Stored], Awaitable[None]]
"""Has the booking of a held delivery ended whose status was just stated to be CANCELLED or FAILED."""
_NEVER_UNDER_WAY = frozenset((DELIVERY_STATUS_CANCELLED, DELIVERY_STATUS_FAILED))


class DeliveryServicer(delivery_service_pb2_grpc.DeliveryServiceServicer):
    """Deliveries of the caller's tenant; what the caller may not see is NOT_FOUND."""

    def __init__(self, hub: Hub, cancel_booked: CancelBooked, end_booking: EndBooking) -> None:
        self._hub = hub
        self._cancel_booked = cancel_booked
        self._end_booking = end_booking
        self._pings = Pings(hub)

    async def CreateDelivery(self, request: pb.CreateDeliveryRequest, context: Context) -> pb.CreateDeliveryResponse:
        """Makes a delivery known and applies what was parked for it."""
        caller = callers.current()

        async with self._hub.transaction(commit=not request.validate_only) as connection:

            async def produce() -> pb.CreateDeliveryResponse:
                stored = await creation.create(self._hub, connection, caller, request.delivery)
                return pb.CreateDeliveryResponse(delivery=stored.delivery)

            response = await once(connection, caller, f"{_SERVICE}/CreateDelivery", request, produce)
        if request.validate_only:
            response.delivery.ClearField("id")  # there is no such delivery
        self._hub.events_appended()
        return response

    async def GetDelivery(self, request: pb.GetDeliveryRequest, context: Context) -> pb.GetDeliveryResponse:
        """Reads one delivery; concurrent calls share one statement."""
        caller = callers.current()
        key = (caller.tenant, ids.read("delivery", request.delivery_id))
        stored = await self._hub.deliveries.submit(key)
        return pb.GetDeliveryResponse(delivery=visible(caller, stored, request.delivery_id).delivery)

    async def GetDeliveryByOrder(
        self, request: pb.GetDeliveryByOrderRequest, context: Context
    ) -> pb.GetDeliveryByOrderResponse:
        """Reads the live delivery of an order, or its last one; concurrent calls share one statement."""
        delivery = await self._of_order(callers.current(), request.order_id)
        return pb.GetDeliveryByOrderResponse(delivery=delivery)

    async def _of_order(self, caller: Caller, order_id: str, location_id: str = "") -> Delivery:
        delivery = await self._hub.deliveries_of_orders.submit(of_orders.wanted(caller, order_id, location_id))
        if delivery is None:
            raise not_found("delivery", f"of order {order_id}")
        return delivery

    async def GetDeliveryByReference(
        self, request: pb.GetDeliveryByReferenceRequest, context: Context
    ) -> pb.GetDeliveryByReferenceResponse:
        """Reads the youngest delivery that bears a reference."""
        caller = callers.current()
        names = delivery_references.c
        query = (
            sa.select(deliveries.c.document)
            .join(
                delivery_references,
                sa.and_(names.tenant_id == deliveries.c.tenant_id, names.delivery_id == deliveries.c.delivery_id),
            )
            .where(
                names.tenant_id == caller.tenant,
                names.scope == request.reference.scope,
                names.value == request.reference.value,
                _reach(caller),
            )
            .order_by(deliveries.c.delivery_id.desc())
        )
        wanted = f"{request.reference.scope}:{request.reference.value}"
        return pb.GetDeliveryByReferenceResponse(delivery=await self._first(query, wanted))

    async def _first(self, query: sa.Select[Any], wanted: str) -> Delivery:
        async with self._hub.engine.connect() as connection:
            document = await connection.scalar(query.limit(1))
        if document is None:
            raise not_found("delivery", wanted)
        return Delivery.FromString(document)

    async def ListDeliveries(self, request: pb.ListDeliveriesRequest, context: Context) -> pb.ListDeliveriesResponse:
        """Lists deliveries, the youngest first."""
        caller = callers.current()
        query = sa.select(deliveries.c.delivery_id, deliveries.c.document).where(
            deliveries.c.tenant_id == caller.tenant, _reach(caller), *_filters(request)
        )
        async with self._hub.engine.connect() as connection:
            page = await read_page(connection, query, [deliveries.c.delivery_id], request)
        return pb.ListDeliveriesResponse(
            deliveries=[Delivery.FromString(row.document) for row in page.rows],
            next_page_token=page.next_token,
            previous_page_token=page.previous_token,
        )

    async def UpdateDelivery(self, request: pb.UpdateDeliveryRequest, context: Context) -> pb.UpdateDeliveryResponse:
        """Changes the named members; a status that does not fit is refused. Simultaneous pings share a transaction."""
        caller, named = callers.current(), request.delivery
        told = requests.update(request, caller.actor, self._hub.now())
        if told.ping and not (named.etag or request.request_id or request.validate_only):
            return pb.UpdateDeliveryResponse(delivery=await self._pings.tell(caller, named, told))

        def report(stored: Stored, _: Caller) -> DeliveryReport:
            check_asks_the_carrier(stored.delivery, told)
            return told

        delivery_id = named.id or (await self._of_order(caller, named.order_id, named.location_id)).id
        target = _Target(delivery_id, named.etag, not request.validate_only)
        return await self._command("UpdateDelivery", request, target, report, pb.UpdateDeliveryResponse)

    async def CancelDelivery(self, request: pb.CancelDeliveryRequest, context: Context) -> pb.CancelDeliveryResponse:
        """Calls a delivery off; a carrier that the hub booked is asked, and its answer is the truth."""
        named = (await self._visible_key(request.delivery_id)).delivery
        if named.shipment_id:
            answer = await self._cancel_booked(self._hub, callers.current(), named, request)
            if answer is not None:
                return answer

        def report(stored: Stored, caller: Caller) -> DeliveryReport:
            check_cancel(stored.delivery)
            return requests.cancel(request.reason, caller.actor, self._hub.now())

        target = _Target(request.delivery_id, request.etag)
        return await self._command("CancelDelivery", request, target, report, pb.CancelDeliveryResponse)

    async def OverrideDeliveryStatus(
        self, request: pb.OverrideDeliveryStatusRequest, context: Context
    ) -> pb.OverrideDeliveryStatusResponse:
        """Sets the status on somebody's responsibility."""

        def report(_: Stored, caller: Caller) -> DeliveryReport:
            return requests.override(request, caller.actor, self._hub.now())

        target = _Target(request.delivery_id, request.etag)
        return await self._command("OverrideDeliveryStatus", request, target, report, pb.OverrideDeliveryStatusResponse)

    async def _command(
        self,
        method: str,
        request: Any,
        target: "_Target",
        make_report: Callable[[Stored, Caller], DeliveryReport],
        response_type: type[Response],
    ) -> Response:
        """Lets a command take effect on one delivery, once per request id; raises when it does not fit."""
        caller = callers.current()
        key = (caller.tenant, ids.read("delivery", target.delivery_id))

        async with self._hub.transaction(commit=target.commit) as connection:
            references = target.references(request)
            batch = reports.Batch(connection, self._hub, Parking(self._hub))
            stored = visible(caller, await batch.hold(key, references), target.delivery_id)

            async def produce() -> Response:
                if target.etag and target.etag != stored.delivery.etag:
                    raise etag_mismatch("delivery", target.delivery_id)
                batch.require_free(references, key)
                try:
                    await batch.command(stored, make_report(stored, caller))
                except CommandRefused as refusal:
                    raise Problem(refusal.reason, str(refusal), refusal.metadata) from None
                if stored.delivery.shipment_id and stored.delivery.status in _NEVER_UNDER_WAY:
                    await self._end_booking(self._hub, connection, stored)
                return response_type(delivery=stored.delivery)

            response = await once(connection, caller, f"{_SERVICE}/{method}", request, produce)
        self._hub.events_appended()
        return response

    async def ListDeliveryEvents(
        self, request: pb.ListDeliveryEventsRequest, context: Context
    ) -> pb.ListDeliveryEventsResponse:
        """Lists what happened to a delivery, the oldest first."""
        key = (await self._visible_key(request.delivery_id)).key
        query = sa.select(events.c.number, events.c.document).where(
            events.c.tenant_id == key[0], events.c.delivery_id == key[1]
        )
        if request.exclude_synthetic:
            query = query.where(events.c.input_key.is_not(None))
        async with self._hub.engine.connect() as connection:
            page = await read_page(connection, query, [events.c.number], request, descending=False, default=100)
        return pb.ListDeliveryEventsResponse(
            events=[Event.FromString(row.document) for row in page.rows],
            next_page_token=page.next_token,
            previous_page_token=page.previous_token,
        )

    async def ExplainDelivery(self, request: pb.ExplainDeliveryRequest, context: Context) -> pb.ExplainDeliveryResponse:
        """Says how a delivery came to its present state."""
        stored = await self._visible_key(request.delivery_id)
        query = (
            sa.select(events.c.document)
            .where(events.c.tenant_id == stored.tenant_id, events.c.delivery_id == stored.delivery_id)
            .order_by(events.c.number.desc())
            .limit(explanations.MAX_STEPS)
        )
        async with self._hub.engine.connect() as connection:
            documents = (await connection.scalars(query)).all()
        return explanations.explain(stored.delivery, [Event.FromString(each) for each in reversed(documents)])

    async def WatchDelivery(
        self, request: pb.WatchDeliveryRequest, context: Context
    ) -> AsyncIterator[pb.WatchDeliveryResponse]:
        """Streams the present state, then each event with the state after it."""
        stored = await self._visible_key(request.delivery_id)
        stream = watching.watch(self._hub, stored, request)
        async for response in while_live(self._hub, callers.current(), stream):
            yield response

    async def GetDeliveryProof(
        self, request: pb.GetDeliveryProofRequest, context: Context
    ) -> pb.GetDeliveryProofResponse:
        """Answers the picture of a proof."""
        return await proofs.show(self._hub, await self._visible_key(request.delivery_id), request.number)

    async def ResolveDeliveryProof(
        self, request: pb.ResolveDeliveryProofRequest, context: Context
    ) -> pb.ResolveDeliveryProofResponse:
        """Says where a proof is kept, credentials included."""
        return await proofs.resolve(self._hub, await self._visible_key(request.delivery_id), request.number)

    async def StoreDeliveryProof(
        self, request: pb.StoreDeliveryProofRequest, context: Context
    ) -> pb.StoreDeliveryProofResponse:
        """Stores what was fetched."""
        await proofs.keep(self._hub, await self._visible_key(request.delivery_id), request)
        return pb.StoreDeliveryProofResponse()

    async def _visible_key(self, delivery_id: str) -> Stored:
        caller = callers.current()
        found = await self._hub.deliveries.submit((caller.tenant, ids.read("delivery", delivery_id)))
        return visible(caller, found, delivery_id)


@dataclass(frozen=True)
class _Target:
    """The delivery that a command is about."""

    delivery_id: str
    etag: str
    commit: bool = True

    def references(self, request: Any) -> list[ExternalReference]:
        """The names that the command gives to the delivery."""
        delivery = getattr(request, "delivery", None)
        return list(delivery.references) if delivery is not None else []


def visible(caller: Caller, stored: Stored | None, delivery_id: str) -> Stored:
    """The delivery, if it exists and lies within the caller's reach."""
    if stored is None:
        raise not_found("delivery", delivery_id)
    location = stored.delivery.location_id
    caller.require_location(typeid.decode("loc", location) if location else None, "delivery", delivery_id)
    return stored


def _reach(caller: Caller) -> sa.ColumnElement[bool]:
    """The deliveries of the one location of a LOCATION token, or all."""
    return sa.true() if caller.location_id is None else deliveries.c.location_id == caller.location_id


def _filters(request: pb.ListDeliveriesRequest) -> Iterator[sa.ColumnElement[bool]]:
    columns = deliveries.c
    if request.statuses:
        yield columns.status.in_(list(request.statuses))
    if request.location_ids:
        yield columns.location_id.in_(_known("loc", request.location_ids))
    if request.order_id:
        yield columns.order_id.in_(_known("ord", [request.order_id]))
    if request.shipment_id:
        yield columns.shipment_id.in_(_known("shp", [request.shipment_id]))
    if request.carrier_ref:
        yield columns.carrier_ref == request.carrier_ref
    if request.needs_attention:
        yield columns.needs_attention
    if (after := times.given_datetime(request, "created_after")) is not None:
        yield columns.create_time >= after
    if (before := times.given_datetime(request, "created_before")) is not None:
        yield columns.create_time < before


def _known(prefix: str, identifiers: Iterable[str]) -> list[UUID]:
    """The UUIDs of the ids that are ids; the others match nothing."""
    found = []
    for identifier in identifiers:
        with contextlib.suppress(typeid.InvalidId):
            found.append(typeid.decode(prefix, identifier))
    return found
