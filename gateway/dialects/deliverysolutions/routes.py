"""Delivery Solutions' routes: each reads a document, calls the services and writes one; knows no mapping, no rule."""

import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import grpc
from crossdock.v1.shipment_pb2 import Shipment, ShipmentHistoryEntry
from crossdock.v1.shipment_service_pb2 import (
    CancelShipmentRequest,
    CreateShipmentRequest,
    ListShipmentHistoryRequest,
    RetryShipmentRequest,
    UpdateShipmentRequest,
)
from crossdock.v1.warning_pb2 import Warning as Remark
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Mount

from gateway import failures
from gateway.dialects.callers import Callers
from gateway.dialects.deliverysolutions import errors, history, lists, read, write
from gateway.dialects.deliverysolutions.addresses import Addresses, AnId
from gateway.dialects.deliverysolutions.calls import ACall, ADocument, Call
from gateway.dialects.deliverysolutions.wire import Document
from gateway.services_client import ServicesClient

PREFIX = "/deliverysolutions/v2"
MAX_TRIES = 5
_HISTORY_PAGE = 1000
_ONE = "/shipments/{shipment_external_id:path}"
"""A path: see `addresses.py`. What goes on behind it comes first."""

router = APIRouter(tags=["Shipping Order"])


def mount(services: ServicesClient) -> BaseRoute:
    """All of the dialect, ready to stand among the gateway's routes."""
    mounted = Mount(PREFIX, Addresses(application(services)))
    # Starlette's own pattern stops at a line break, and the gateway would answer in words that are not theirs.
    mounted.path_regex = re.compile(mounted.path_regex.pattern, re.DOTALL)
    return mounted


def application(services: ServicesClient) -> FastAPI:
    """The routes with their error bodies."""
    app = FastAPI(
        title="Delivery Solutions' Shipping Order API, served by Crossdock",
        description="The documented API for shipments.",
        version="2",
        openapi_url=None,  # its description is part of the gateway's: see `openapi.py`
        redirect_slashes=False,
        exception_handlers={kind: _handler(reader) for kind, reader in errors.READERS.items()},
    )
    app.state.services = services
    app.state.callers = Callers(services)
    app.include_router(router)
    return app


@router.post("/shipments", name="create", status_code=201)
async def create_shipment(call: ACall, document: ADocument) -> Response:
    """Ship something: ask the location's providers, choose by the rules, book."""
    request = CreateShipmentRequest(shipment=read.new_shipment(document, await call.currency(document)))
    response = await call(call.services.shipments.CreateShipment, request)
    return JSONResponse(_told(response.shipment, call, response.warnings), 201)


@router.post("/shipments/list", name="list")
async def list_shipments(call: ACall, document: ADocument) -> Response:
    """Shipments by what is asked for; without any filter those of the last 24 hours."""
    request = lists.request(document, datetime.now(UTC))
    response = await call(call.services.shipments.ListShipments, request)
    return JSONResponse(lists.page(response, request, document, call.tenant))


@router.get(f"{_ONE}/status-history", name="history")
async def get_status_history(call: ACall, external_id: AnId) -> Response:
    """Every step of a shipment, with the clock of its location."""
    present = await call.shipment(external_id)
    zone = await call.zone(present.location_id)
    entries = [entry async for entry in _entries(call, present.id)]
    return JSONResponse(history.history(present, entries, zone, call.tenant))


@router.post(f"{_ONE}/retry", name="retry", status_code=201)
async def retry_shipment(call: ACall, external_id: AnId) -> Response:
    """Dispatch a shipment again that no provider took."""
    present = await call.shipment(external_id)
    response = await call(call.services.shipments.RetryShipment, RetryShipmentRequest(shipment_id=present.id))
    return JSONResponse(_told(response.shipment, call, response.warnings), 201)


@router.get(_ONE, name="get")
async def get_shipment(call: ACall, external_id: AnId) -> Response:
    """One shipment, by the id that its sender gave it."""
    return JSONResponse(_told(await call.shipment(external_id), call))


@router.delete(_ONE, name="cancel")
async def cancel_shipment(call: ACall, external_id: AnId) -> Response:
    """Call a shipment off, here and at its provider."""
    present = await call.shipment(external_id)
    response = await call(call.services.shipments.CancelShipment, CancelShipmentRequest(shipment_id=present.id))
    return JSONResponse(_told(response.shipment, call, response.warnings))


@router.put(_ONE, name="edit")
async def edit_shipment(call: ACall, document: ADocument, external_id: AnId) -> Response:
    """Change the members that are given; null erases. Packages are locked once a provider has it."""
    for tries_left in reversed(range(MAX_TRIES)):
        present = await call.shipment(external_id)
        change = read.change(document, present)
        if not change.paths:
            return JSONResponse(_told(present, call))
        request = UpdateShipmentRequest(shipment=change.shipment, update_mask=FieldMask(paths=change.paths))
        try:
            response = await call(call.services.shipments.UpdateShipment, request)
        except grpc.aio.AioRpcError as error:
            # Somebody else wrote in between: read, decide and write again.
            if not tries_left or failures.read(error).reason != "ETAG_MISMATCH":
                raise
            continue
        return JSONResponse(_told(response.shipment, call, response.warnings))
    raise AssertionError("the last try answers or raises")


async def _entries(call: Call, shipment_id: str) -> AsyncIterator[ShipmentHistoryEntry]:
    request = ListShipmentHistoryRequest(shipment_id=shipment_id, page_size=_HISTORY_PAGE)
    while True:
        page = await call(call.services.shipments.ListShipmentHistory, request)
        for entry in page.entries:
            yield entry
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def _told(shipment: Shipment, call: Call, warnings: Iterable[Remark] = ()) -> Document:
    """The document, with what the caller should know about a request that succeeded."""
    document = write.shipment(shipment, call.tenant)
    told = [{"type": each.code, "message": each.message} for each in warnings]
    return document | {"warnings": told} if told else document


def _handler(reader: Callable[[Any, str], errors.Refused]) -> Callable[[Request, Any], Coroutine[Any, Any, Response]]:
    async def answer(request: Request, error: Any) -> Response:
        operation = getattr(request.scope.get("route"), "name", "")
        rendered = errors.render(reader(error, operation), operation)
        if rendered.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # Starlette names the methods of the first route alone.
            rendered.headers["Allow"] = ", ".join(sorted(_methods(request)))
        return rendered

    return answer


def _methods(request: Request) -> set[str]:
    """What may be done with an address."""
    found = (route for route in router.routes if route.matches(request.scope)[0] is not Match.NONE)
    return {method for route in found if isinstance(route, APIRoute) for method in route.methods or ()}
