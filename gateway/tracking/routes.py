"""Answers the links of shipments: finds what they lead to and has it shown; decides nothing about shipments.

Whoever guesses gets the same page for a link that never was, one that expired and one of another kind.
"""

import asyncio
import io
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

import grpc
import segno
import structlog
from crossdock.v1.shipment_pb2 import SHIPMENT_LINK_KIND_LABEL, SHIPMENT_LINK_KIND_TRACKING, ShipmentLinkKind
from crossdock.v1.shipment_service_pb2 import ResolveShipmentLinkRequest, ResolveShipmentLinkResponse
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.problems import RETRY_AFTER_SECONDS
from gateway.services_client import ServicesClient
from gateway.tracking import label_pages, pages
from gateway.tracking.labels import label_of
from gateway.tracking.views import booked_delivery, page_of

log = structlog.get_logger("crossdock.tracking")

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,64}")
_NONE_SUCH = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)


Show = Callable[[ResolveShipmentLinkResponse], Awaitable[Response]]
"""How what a link leads to is shown."""


class Unresolved(Exception):
    """It cannot be told now where the link leads."""


class Tracking:
    """The pages behind links. ``font`` is the one that labels are written in."""

    def __init__(self, services: ServicesClient, font: Path | None = None) -> None:
        self._services = services
        self._font = font
        # Drawing takes the processor for some 20 ms: one at a time leaves the others to webhooks.
        self._drawing = asyncio.Semaphore(1)

    def routes(self) -> list[BaseRoute]:
        """Where they are served: beneath these paths shipments are linked."""
        return [
            Route("/t/{token}", self._page),
            Route("/t/{token}/qr.svg", self._qr),
            Route("/labels/{token}.pdf", self._label),
        ]

    async def _page(self, request: Request) -> Response:
        return await self._answer(request, SHIPMENT_LINK_KIND_TRACKING, _show_page)

    async def _qr(self, request: Request) -> Response:
        return await self._answer(request, SHIPMENT_LINK_KIND_TRACKING, _show_qr)

    async def _label(self, request: Request) -> Response:
        return await self._answer(request, SHIPMENT_LINK_KIND_LABEL, self._show_label)

    async def _answer(self, request: Request, kind: "ShipmentLinkKind.ValueType", show: Show) -> Response:
        try:
            found = await self._resolve(request.path_params["token"], kind)
        except Unresolved:
            answer: Response = HTMLResponse(pages.notice(*pages.NOT_NOW), HTTPStatus.SERVICE_UNAVAILABLE)
            answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        else:
            if found is None:
                answer = HTMLResponse(pages.notice(*pages.NOWHERE), HTTPStatus.NOT_FOUND)
            else:
                answer = await show(found)
        answer.headers.update(pages.PRIVATE)
        return answer

    async def _resolve(self, token: str, kind: "ShipmentLinkKind.ValueType") -> ResolveShipmentLinkResponse | None:
        """What a link leads to; None when it leads nowhere. Raises Unresolved."""
        if not _TOKEN.fullmatch(token):
            return None
        wanted = ResolveShipmentLinkRequest(token=token, kind=kind)
        services = self._services
        try:
            return await services.shipments.ResolveShipmentLink(
                wanted, metadata=services.system, timeout=services.seconds
            )
        except grpc.aio.AioRpcError as error:
            if error.code() in _NONE_SUCH:
                return None
            log.warning("a link could not be resolved", code=error.code().name)
            raise Unresolved from None

    async def _show_label(self, found: ResolveShipmentLinkResponse) -> Response:
        delivery = booked_delivery(found)
        if delivery is not None and delivery.links.label_url:
            return RedirectResponse(delivery.links.label_url, HTTPStatus.FOUND)  # the carrier makes its own
        async with self._drawing:
            document = await asyncio.to_thread(label_pages.draw, label_of(found), self._font)
        name = {"Content-Disposition": f'inline; filename="{found.shipment.id}.pdf"'}
        return Response(document, headers=name, media_type="application/pdf")


async def _show_page(found: ResolveShipmentLinkResponse) -> Response:
    return HTMLResponse(pages.page(page_of(found)))


async def _show_qr(found: ResolveShipmentLinkResponse) -> Response:
    written = io.BytesIO()
    segno.make(found.shipment.links.tracking_url, error="m", micro=False).save(
        written, kind="svg", scale=8, light="#fff"
    )
    return Response(written.getvalue(), media_type="image/svg+xml")
