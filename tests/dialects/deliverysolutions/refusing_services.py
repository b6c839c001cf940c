"""Services that answer with one shipment, or refuse with one reason, and a client of the routes in front of them."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
from crossdock.v1 import access_service_pb2, location_service_pb2
from crossdock.v1 import shipment_service_pb2 as contract
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from gateway.dialects.deliverysolutions.addresses import Addresses
from gateway.dialects.deliverysolutions.routes import application
from gateway.services_client import ServicesClient
from services.errors import CODES, TRANSIENT

SERVED = [
    contract.DESCRIPTOR.services_by_name["ShipmentService"],
    access_service_pb2.DESCRIPTOR.services_by_name["AccessService"],
    location_service_pb2.DESCRIPTOR.services_by_name["LocationService"],
]


@dataclass
class Refusing:
    """Services that answer with one shipment, or refuse everything but reading it with one reason."""

    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[tuple[str, str], ...] = ()
    bare: grpc.StatusCode | None = None
    requests: list[Message] = field(default_factory=list)
    external_ids: list[str] = field(default_factory=list)
    """Of the shipments that were read."""

    async def GetCaller(self, request: Message, context: Any) -> Message:
        if self.reason == "TOKEN_INVALID":
            await self._refuse(context)
        answer = access_service_pb2.GetCallerResponse()
        answer.tenant.external_id = "dummyaccount1"
        return answer

    async def GetLocation(self, request: Message, context: Any) -> Message:
        answer = location_service_pb2.GetLocationResponse()
        answer.location.time_zone = "America/Chicago"
        return answer

    async def ListLocations(self, request: Message, context: Any) -> Message:
        answer = location_service_pb2.ListLocationsResponse()
        answer.locations.add(currency_code="USD")
        return answer

    async def GetShipmentByExternalId(
        self, request: contract.GetShipmentByExternalIdRequest, context: Any
    ) -> contract.GetShipmentByExternalIdResponse:
        self.external_ids.append(request.external_id)
        if self.reason in ("NOT_FOUND", "INTERNAL") or self.bare:
            await self._refuse(context)
        answer = contract.GetShipmentByExternalIdResponse()
        answer.shipment.id, answer.shipment.location_id = "shp_1", "loc_1"
        return answer

    async def CreateShipment(self, request: Message, context: Any) -> Message:
        return await self._answer(request, context, contract.CreateShipmentResponse())

    async def UpdateShipment(self, request: Message, context: Any) -> Message:
        return await self._answer(request, context, contract.UpdateShipmentResponse())

    async def CancelShipment(self, request: Message, context: Any) -> Message:
        return await self._answer(request, context, contract.CancelShipmentResponse())

    async def RetryShipment(self, request: Message, context: Any) -> Message:
        return await self._answer(request, context, contract.RetryShipmentResponse())

    async def ListShipments(self, request: Message, context: Any) -> Message:
        return await self._answer(request, context, contract.ListShipmentsResponse())

    async def ListShipmentHistory(self, request: Message, context: Any) -> Message:
        return await self._answer(request, context, contract.ListShipmentHistoryResponse())

    async def _answer(self, request: Message, context: Any, response: Message) -> Message:
        self.requests.append(request)
        if self.reason or self.bare:
            await self._refuse(context)
        if "warnings" in response.DESCRIPTOR.fields_by_name:
            response.warnings.add(code="LABEL_MISSING", message="no label")  # type: ignore[attr-defined]
        return response

    async def _refuse(self, context: Any) -> None:
        if self.bare:
            await context.abort(self.bare, "10.0.0.1: secret")
        info = ErrorInfo(reason=self.reason, domain="crossdock", metadata=self.metadata)
        details: list[Message] = [info]
        if self.violations:
            bad = BadRequest()
            for path, description in self.violations:
                bad.field_violations.add(field=path, description=description)
            details.append(bad)
        if self.reason in TRANSIENT:
            retry = RetryInfo()
            retry.retry_delay.FromMilliseconds(int(TRANSIENT[self.reason] * 1000))
            details.append(retry)
        packed = []
        for detail in details:
            packed.append(Packed())
            packed[-1].Pack(detail)
        status = Status(code=CODES[self.reason].value[0], message="in words", details=packed)
        await context.abort_with_status(rpc_status.to_status(status))


@contextlib.asynccontextmanager
async def client_before(refusing: Refusing) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the dialect's routes, in front of services that refuse."""
    server = grpc.aio.server()
    for service in SERVED:
        handlers = {
            method.name: grpc.unary_unary_rpc_method_handler(
                getattr(refusing, method.name),
                GetMessageClass(method.input_type).FromString,
                GetMessageClass(method.output_type).SerializeToString,
            )
            for method in service.methods
            if hasattr(refusing, method.name)
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        transport = httpx.ASGITransport(Addresses(application(ServicesClient(channel))), raise_app_exceptions=False)
        headers = {"x-api-key": "key", "tenantid": "dummyaccount1"}
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
            yield http
    await server.stop(0)
