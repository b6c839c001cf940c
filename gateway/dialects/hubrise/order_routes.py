"""The REST routes of HubRise's orders, as much of them as a delivery needs; knows no mapping and no rule."""

import asyncio
import re
from collections.abc import Iterable

import grpc
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.delivery_service_pb2 import GetDeliveryRequest
from crossdock.v1.order_pb2 import Order
from crossdock.v1.order_service_pb2 import (
    CreateOrderRequest,
    GetOrderRequest,
    ListOrdersRequest,
    UpdateOrderRequest,
)
from fastapi import APIRouter, Request
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.responses import JSONResponse, Response

from gateway.dialects.hubrise import read_orders, wire, write_orders
from gateway.dialects.hubrise.calls import ACall, ADocument, Call, until_undisturbed
from gateway.dialects.hubrise.protos import timestamp
from gateway.dialects.hubrise.wire import Document, OrderFilters
from gateway.dialects.hubrise.words import ORDER_STATUSES

_LONG = "/locations/{location_id}/orders"
_SHORT = "/location/orders"
# HubRise's own example has a plus in the query as it is, where it stands for a space.
_LOST_PLUS = re.compile(r" (?=[0-9]{2}:?[0-9]{2}$)")

router = APIRouter(tags=["Orders"])


@router.post(_LONG)
@router.post(_SHORT)
async def create_order(call: ACall, document: ADocument) -> Response:
    """Make an order known."""
    wanted = read_orders.new_order(document, call.location_id)
    response = await call(call.services.orders.CreateOrder, CreateOrderRequest(order=wanted))
    return JSONResponse(write_orders.order(response.order, call.zone))


@router.get(_LONG)
@router.get(_SHORT)
async def list_orders(call: ACall, request: Request) -> Response:
    """The orders of a location, the youngest first."""
    filters = wire.parse(OrderFilters, _query(request))
    wanted = ListOrdersRequest(
        page_size=filters.count,
        page_token=filters.cursor or "",
        location_ids=[call.location_id],
        statuses=[ORDER_STATUSES[filters.status]] if filters.status else [],
        private_ref=filters.private_ref or "",
        reference_value=filters.customer_id or "",
    )
    if filters.after is not None:
        wanted.created_after.CopyFrom(timestamp(filters.after))
    if filters.before is not None:
        wanted.created_before.CopyFrom(timestamp(filters.before))
    page = await call(call.services.orders.ListOrders, wanted)
    orders = [order for order in page.orders if _fits(order, filters)]
    headers = {"X-Cursor-Next": page.next_page_token} if page.next_page_token else {}
    return JSONResponse(await _documents(call, orders), headers=headers)


@router.get(_LONG + "/{order_id}")
@router.get(_SHORT + "/{order_id}")
async def retrieve_order(call: ACall, order_id: str) -> Response:
    """One order, with its delivery."""
    return await _answer(call, await _order(call, order_id))


@router.patch(_LONG + "/{order_id}")
@router.patch(_SHORT + "/{order_id}")
async def update_order(call: ACall, document: ADocument, order_id: str) -> Response:
    """Change the members that are given; null erases."""

    async def attempt() -> Order:
        present = await _order(call, order_id)
        change = read_orders.change(document, present)
        if not change.paths:
            return present
        request = UpdateOrderRequest(order=change.order, update_mask=FieldMask(paths=change.paths))
        return (await call(call.services.orders.UpdateOrder, request)).order

    return await _answer(call, await until_undisturbed(attempt))


async def _order(call: Call, order_id: str) -> Order:
    order = (await call(call.services.orders.GetOrder, GetOrderRequest(order_id=order_id))).order
    call.require_here(order.location_id, "order", order_id)
    return order


async def _answer(call: Call, order: Order) -> Response:
    [document] = await _documents(call, [order])
    return JSONResponse(document)


async def _documents(call: Call, orders: Iterable[Order]) -> list[Document]:
    """The orders with their deliveries; the services gather the calls into one statement."""
    told = list(orders)
    deliveries = await asyncio.gather(*(_attached(call, order) for order in told))
    return [write_orders.order(order, call.zone, delivery) for order, delivery in zip(told, deliveries, strict=True)]


async def _attached(call: Call, order: Order) -> Delivery | None:
    """The delivery, where there is one; a token that may not read deliveries still reads its orders."""
    if not order.delivery_id:
        return None
    try:
        request = GetDeliveryRequest(delivery_id=order.delivery_id)
        return (await call(call.services.deliveries.GetDelivery, request)).delivery
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.PERMISSION_DENIED:
            raise
        return None


def _query(request: Request) -> Document:
    query: Document = dict(request.query_params)
    for name in ("after", "before"):
        if name in query:
            query[name] = _LOST_PLUS.sub("+", query[name])
    return query


def _fits(order: Order, filters: OrderFilters) -> bool:
    """The filters that our services do not have; a page may come out short, and its cursor leads on."""
    customer = write_orders.reference(order, read_orders.CUSTOMER_SCOPE)
    return filters.created_by in (None, order.created_by) and filters.customer_id in (None, customer)
