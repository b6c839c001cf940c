"""CarrierDirectoryService: the carriers by which a tenant may be served."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from crossdock.v1 import carrier_directory_service_pb2 as contract
from crossdock.v1.carrier_directory_service_pb2_grpc import CarrierDirectoryServiceServicer
from crossdock.v1.carrier_pb2 import Carrier
from crossdock.v1.carrier_service_pb2 import DescribeCarrierRequest
from crossdock.v1.warning_pb2 import Warning as Notice
from grpc.aio import ServicerContext

from services import callers
from services.carriers import directory, rules
from services.carriers.replies import Certainty
from services.hub import Hub
from services.idempotency import once

_CREATE = "/crossdock.v1.CarrierDirectoryService/CreateCarrier"
_UPDATE = "/crossdock.v1.CarrierDirectoryService/UpdateCarrier"
DESCRIBE_TIME = timedelta(seconds=3)
"""How long a carrier may take to say who it is."""
Context = ServicerContext[Any, Any]


class CarrierDirectoryServicer(CarrierDirectoryServiceServicer):
    """Serves carriers from the database."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def CreateCarrier(
        self, request: contract.CreateCarrierRequest, context: Context
    ) -> contract.CreateCarrierResponse:
        """Asks the carrier who it is, outside of any transaction, and stores it whatever it says."""
        caller = callers.current()
        carrier = directory.wanted(self._hub, request.carrier)
        warnings = await self._describe(caller.tenant, carrier)
        async with self._hub.transaction(commit=not request.validate_only) as connection:

            async def create() -> contract.CreateCarrierResponse:
                response = await directory.create(connection, self._hub, caller, carrier)
                response.warnings.extend(warnings)
                return response

            return await once(connection, caller, _CREATE, request, create)

    async def GetCarrier(self, request: contract.GetCarrierRequest, context: Context) -> contract.GetCarrierResponse:
        async with self._hub.transaction() as connection:
            return await directory.get(connection, self._hub, callers.current(), request.carrier_ref)

    async def ListCarriers(
        self, request: contract.ListCarriersRequest, context: Context
    ) -> contract.ListCarriersResponse:
        async with self._hub.transaction() as connection:
            return await directory.read_list(connection, self._hub, callers.current(), request)

    async def UpdateCarrier(
        self, request: contract.UpdateCarrierRequest, context: Context
    ) -> contract.UpdateCarrierResponse:
        caller = callers.current()
        async with self._hub.transaction(commit=not request.validate_only) as connection:
            return await once(
                connection,
                caller,
                _UPDATE,
                request,
                lambda: directory.update(connection, self._hub, caller, request),
            )

    async def DeleteCarrier(
        self, request: contract.DeleteCarrierRequest, context: Context
    ) -> contract.DeleteCarrierResponse:
        async with self._hub.transaction() as connection:
            return await directory.delete(connection, self._hub, callers.current(), request)

    async def _describe(self, tenant_id: UUID, carrier: Carrier) -> list[Notice]:
        """Fills what is not set with what the carrier says of itself."""
        question = DescribeCarrierRequest()
        reply = await self._hub.carriers.call(tenant_id, carrier, "DescribeCarrier", question, DESCRIBE_TIME)
        if reply.certainty is not Certainty.YES:
            told = f"the carrier did not say who it is, and is registered all the same. {reply.explanation}"
            return [Notice(code="carrier_silent", message=told)]
        if not rules.fill(carrier, reply.response):
            told = "what the carrier says of itself breaks rules of the contract, and is left out"
            return [Notice(code="carrier_unreadable", message=told)]
        return []
