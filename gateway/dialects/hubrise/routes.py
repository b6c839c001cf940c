"""HubRise's REST routes: each reads a document, calls the services and writes one; knows no mapping and no rule."""

import re
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.delivery_service_pb2 import (
    CreateDeliveryRequest,
    GetDeliveryByOrderRequest,
    UpdateDeliveryRequest,
)
from fastapi import APIRouter, FastAPI, Request
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount

from gateway.dialects.callers import Callers
from gateway.dialects.hubrise import errors, order_routes, read, write
from gateway.dialects.hubrise.calls import ACall, ADocument, Call, until_undisturbed
from gateway.dialects.hubrise.conventions import Conventions
from gateway.services_client import ServicesClient

PREFIX = "/hubrise/v1"
_LONG = "/locations/{location_id}/orders/{order_id}/delivery"
_SHORT = "/location/orders/{order_id}/delivery"

router = APIRouter(tags=["Deliveries"])


def mount(services: ServicesClient) -> Mount:
    """All of the dialect, ready to stand among the gateway's routes."""
    mounted = Mount(PREFIX, Conventions(application(services)))
    # Starlette's own pattern stops at a line break, and the gateway would answer in words that are not HubRise's.
    mounted.path_regex = re.compile(mounted.path_regex.pattern, re.DOTALL)
    return mounted


def application(services: ServicesClient) -> FastAPI:
    """The routes with their error bodies."""
    app = FastAPI(
        title="HubRise deliveries, served by Crossdock",
        description="The documented HubRise API for deliveries, and as much of its orders as a delivery needs.",
        version="1",
        openapi_url=None,  # its description is part of the gateway's: see `openapi.py`
        redirect_slashes=False,
        exception_handlers={kind: _handler(render) for kind, render in errors.RENDERERS.items()},
    )
    app.state.services = services
    app.state.callers = Callers(services)
    app.include_router(router)
    app.include_router(order_routes.router)
    return app


@router.post(_LONG)
@router.post(_SHORT)
async def create_delivery(call: ACall, document: ADocument, order_id: str) -> Response:
    """Attach a delivery to an order that is to be delivered and has no live one."""
    wanted = read.new_delivery(document, order_id, call.location_id)
    response = await call(call.services.deliveries.CreateDelivery, CreateDeliveryRequest(delivery=wanted))
    return JSONResponse(write.delivery(response.delivery, call.zone))


@router.get(_LONG)
@router.get(_SHORT)
async def retrieve_delivery(call: ACall, order_id: str) -> Response:
    """The live delivery of an order, or its last one."""
    return JSONResponse(write.delivery(await _delivery_of(call, order_id), call.zone))


@router.patch(_LONG)
@router.patch(_SHORT)
async def update_delivery(call: ACall, document: ADocument, order_id: str) -> Response:
    """Change the members that are given; null erases."""

    async def attempt() -> Delivery:
        present = await _delivery_of(call, order_id)
        change = read.change(document, present)
        return await _update(call, change) if change.paths else present

    if (moved := read.position(document, order_id, call.location_id)) is not None:
        with _told_alike():
            delivery = await _update(call, moved)
    else:
        delivery = await until_undisturbed(attempt)
    return JSONResponse(write.delivery(delivery, call.zone))


async def _delivery_of(call: Call, order_id: str) -> Delivery:
    request = GetDeliveryByOrderRequest(order_id=order_id)
    with _told_alike():
        delivery = (await call(call.services.deliveries.GetDeliveryByOrder, request)).delivery
    if delivery.location_id != call.location_id:
        raise _no_delivery()
    return delivery


async def _update(call: Call, change: read.Change) -> Delivery:
    request = UpdateDeliveryRequest(delivery=change.delivery, update_mask=FieldMask(paths=change.paths))
    return (await call(call.services.deliveries.UpdateDelivery, request)).delivery


@contextmanager
def _told_alike() -> Iterator[None]:
    """The absence of a delivery is told alike, whether the order has none, is elsewhere, or is not at all."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise
        raise _no_delivery() from None


def _no_delivery() -> errors.Refused:
    return errors.Refused(errors.NOT_FOUND, "the order has no delivery")


def _handler(render: Callable[[Any], Response]) -> Callable[[Request, Any], Coroutine[Any, Any, Response]]:
    async def answer(_: Request, error: Any) -> Response:
        return render(error)

    return answer
