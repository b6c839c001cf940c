"""OrderService: what was bought, as far as its delivery needs it."""

from collections.abc import Sequence
from typing import Any

from crossdock.v1 import order_service_pb2 as contract
from crossdock.v1.order_pb2 import FulfilmentStatus, Order
from crossdock.v1.order_service_pb2_grpc import OrderServiceServicer
from google.protobuf.field_mask_pb2 import FieldMask
from grpc.aio import ServicerContext
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import callers, ids, times
from services.callers import Caller
from services.db.tables import orders
from services.db.violations import unique
from services.deliveries import names
from services.deliveries.names import Name
from services.deliveries.reports import Batch
from services.errors import invalid
from services.etags import etag_of, require_etag
from services.hub import Hub
from services.idempotency import once
from services.locations import rows as locations
from services.masks import apply_mask, require_unchanged
from services.orders import queries, rows
from services.orders.rows import names_of
from services.paging import read_page
from services.webhooks.parking import Parking

_CREATE = "/crossdock.v1.OrderService/CreateOrder"
_UPDATE = "/crossdock.v1.OrderService/UpdateOrder"
_PRIVATE_REF_KEY = "orders_tenant_id_private_ref_key"
Context = ServicerContext[Any, Any]

ASSIGNED = frozenset({"id", "delivery_id", "create_time", "update_time", "etag", "created_by"})
"""Members that only the hub writes."""


class OrderServicer(OrderServiceServicer):
    """Serves orders from the database."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def CreateOrder(self, request: contract.CreateOrderRequest, context: Context) -> contract.CreateOrderResponse:
        caller = callers.current()
        async with self._hub.transaction(commit=not request.validate_only) as connection:
            response = await once(
                connection, caller, _CREATE, request, lambda: self._create(connection, caller, request)
            )
        if request.validate_only:
            response.order.ClearField("id")  # there is no such order
        return response

    async def GetOrder(self, request: contract.GetOrderRequest, context: Context) -> contract.GetOrderResponse:
        async with self._hub.transaction() as connection:
            order = await rows.find(connection, callers.current(), request.order_id)
        return contract.GetOrderResponse(order=order)

    async def ListOrders(self, request: contract.ListOrdersRequest, context: Context) -> contract.ListOrdersResponse:
        caller = callers.current()
        query = queries.select(request, caller)
        async with self._hub.transaction() as connection:
            page = await read_page(connection, query, [orders.c.order_id], request)
            found = [Order.FromString(row.document) for row in page.rows]
            await rows.complete(connection, caller.tenant, found)
        return contract.ListOrdersResponse(
            orders=found, next_page_token=page.next_token, previous_page_token=page.previous_token
        )

    async def UpdateOrder(self, request: contract.UpdateOrderRequest, context: Context) -> contract.UpdateOrderResponse:
        caller = callers.current()
        async with self._hub.transaction() as connection:
            return await once(connection, caller, _UPDATE, request, lambda: self._update(connection, caller, request))

    async def _create(
        self, connection: AsyncConnection, caller: Caller, request: contract.CreateOrderRequest
    ) -> contract.CreateOrderResponse:
        order = Order(id=ids.write("order", typeid.new_uuid7()), etag=etag_of(1), created_by=caller.actor.id)
        apply_mask(request.order, order, FieldMask(), assigned=ASSIGNED)
        if not order.location_id and caller.location_id is not None:
            order.location_id = ids.write("location", caller.location_id)
        if not order.location_id:
            raise invalid("order.location_id", "is required", "required")
        if not order.status:
            order.status = FulfilmentStatus.FULFILMENT_STATUS_NEW
        await locations.require(connection, caller, order.location_id)
        times.set_timestamp(order.create_time, self._hub.now())
        order.update_time.CopyFrom(order.create_time)
        named = names_of(caller.tenant, order)
        await names.lock(connection, named)
        with unique(_PRIVATE_REF_KEY, "order", "private_ref", order.private_ref):
            await rows.insert(connection, caller.tenant, order)
        if await self._welcome(connection, named):
            order = await rows.find(connection, caller, order.id)
        return contract.CreateOrderResponse(order=order)

    async def _update(
        self, connection: AsyncConnection, caller: Caller, request: contract.UpdateOrderRequest
    ) -> contract.UpdateOrderResponse:
        named = names_of(caller.tenant, request.order)
        await names.lock(connection, named)  # before rows: see deliveries.names
        before = await rows.find(connection, caller, request.order.id, lock=True)
        version = int(before.etag)
        require_etag(request.order.etag, version, "order", before.id)
        after = Order()
        after.CopyFrom(before)
        apply_mask(request.order, after, request.update_mask, assigned=ASSIGNED)
        require_unchanged(before, after, ["location_id"], "order")
        if after == before:
            return contract.UpdateOrderResponse(order=before)
        if not after.status:
            raise invalid("order.status", "cannot be erased", "required")
        times.set_timestamp(after.update_time, self._hub.now())
        after.etag = etag_of(version + 1)
        with unique(_PRIVATE_REF_KEY, "order", "private_ref", after.private_ref):
            await rows.update(connection, caller.tenant, after)
        if await self._welcome(connection, named):
            after = await rows.find(connection, caller, after.id)
        return contract.UpdateOrderResponse(order=after)

    async def _welcome(self, connection: AsyncConnection, named: Sequence[Name]) -> bool:
        """Applies what was parked under an order's names; says whether there was anything."""
        return bool(named) and await Batch(connection, self._hub, Parking(self._hub)).welcome(named)
