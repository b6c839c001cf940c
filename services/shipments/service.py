"""The ShipmentService: finds, stores and answers; who carries a shipment is decided by the engine that it is given."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.shipment_pb2 import DispatchRules, Shipment, ShipmentHistoryEntry
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceServicer
from crossdock.v1.warning_pb2 import Warning as Notice
from grpc.aio import ServicerContext
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import callers, ids
from services.callers import Caller
from services.db.dispatch_tables import shipment_history
from services.hub import Hub
from services.idempotency import once
from services.interceptors.calls import seconds_left
from services.paging import read_page
from services.shipments import (
    creation,
    explanations,
    journal,
    links,
    locating,
    outcomes,
    queries,
    releasing,
    rows,
    rule_rows,
)
from services.shipments.engine import Engine
from services.shipments.rows import Stored
from services.shipments.updating import CarrierMustAgree, update

Context = ServicerContext[Any, Any]
Check = Callable[[DispatchRules], Sequence[Notice]]
"""Holds rules against what rules must be: raises INVALID_REQUEST and DUPLICATE_NAME, returns warnings."""

_SERVICE = "/crossdock.v1.ShipmentService"
DISPATCH_TIME = timedelta(seconds=25)
"""How long a synchronous dispatch may take when the rules do not say."""
ANSWER_TIME = timedelta(seconds=1)
"""What is left of a caller's deadline for the answer."""


class ShipmentServicer(ShipmentServiceServicer):
    """Shipments of the caller's tenant; what the caller may not see is NOT_FOUND."""

    def __init__(self, hub: Hub, engine: Engine, check: Check) -> None:
        self._hub = hub
        self._engine = engine
        self._check = check

    async def CreateShipment(self, request: pb.CreateShipmentRequest, context: Context) -> pb.CreateShipmentResponse:
        """Stores a shipment and, unless it is to wait, has it dispatched."""
        caller = callers.current()
        async with self._hub.transaction(commit=not request.validate_only) as connection:
            response = await once(
                connection,
                caller,
                f"{_SERVICE}/CreateShipment",
                request,
                lambda: creation.create(self._hub, connection, caller, request),
            )
        if request.validate_only:
            response.shipment.ClearField("id")  # there is no such shipment
            response.shipment.ClearField("links")
            return response
        self._hub.events_appended()
        if request.asynchronous:
            return response
        dispatched = pb.CreateShipmentResponse(**await self._dispatched(caller, response.shipment.id, context))
        dispatched.warnings.extend(response.warnings)
        return dispatched

    async def GetShipment(self, request: pb.GetShipmentRequest, context: Context) -> pb.GetShipmentResponse:
        """Reads one shipment."""
        return pb.GetShipmentResponse(shipment=await self._read(callers.current(), request.shipment_id))

    async def GetShipmentByExternalId(
        self, request: pb.GetShipmentByExternalIdRequest, context: Context
    ) -> pb.GetShipmentByExternalIdResponse:
        """Reads the shipment that bears an identifier of its sender's."""
        async with self._hub.engine.connect() as connection:
            stored = await rows.find_by_external_id(connection, callers.current(), request.external_id)
            return pb.GetShipmentByExternalIdResponse(shipment=await _whole(connection, stored))

    async def ListShipments(self, request: pb.ListShipmentsRequest, context: Context) -> pb.ListShipmentsResponse:
        """Lists shipments, the youngest first."""
        caller = callers.current()
        async with self._hub.engine.connect() as connection:
            named = request.location_external_ids
            locations = await locating.known_ids(connection, caller.tenant, named) if named else None
            query = queries.select(request, caller, locations, self._hub.now())
            page = await read_page(connection, query, queries.ORDER, request)
        return pb.ListShipmentsResponse(
            shipments=[Shipment.FromString(row.document) for row in page.rows],
            next_page_token=page.next_token,
            previous_page_token=page.previous_token,
        )

    async def UpdateShipment(self, request: pb.UpdateShipmentRequest, context: Context) -> pb.UpdateShipmentResponse:
        """Changes the named members; asks the carrier first where it has to agree."""
        caller = callers.current()
        try:
            return await self._update(caller, request, None)
        except CarrierMustAgree as asked:
            wanted = asked.wanted
        if request.validate_only:
            return pb.UpdateShipmentResponse(shipment=wanted)
        key = (caller.tenant, ids.read("shipment", wanted.id))
        change = request.request_id or typeid.new_uuid7().hex
        warnings = await self._engine.amend(self._hub, key, wanted, change)
        return await self._update(caller, request, wanted, warnings)

    async def _update(
        self, caller: Caller, request: pb.UpdateShipmentRequest, agreed: Shipment | None, untold: Sequence[Notice] = ()
    ) -> pb.UpdateShipmentResponse:
        async with self._hub.transaction(commit=not request.validate_only) as connection:
            response = await once(
                connection,
                caller,
                f"{_SERVICE}/UpdateShipment",
                request,
                lambda: update(self._hub, connection, caller, request, agreed, untold),
            )
        self._hub.events_appended()
        return response

    async def CancelShipment(self, request: pb.CancelShipmentRequest, context: Context) -> pb.CancelShipmentResponse:
        """Calls a shipment off."""
        await self._visible(request.shipment_id)
        return await self._engine.cancel(self._hub, callers.current(), request)

    async def RetryShipment(self, request: pb.RetryShipmentRequest, context: Context) -> pb.RetryShipmentResponse:
        """Dispatches a shipment again that nobody has."""
        caller = callers.current()
        await self._visible(request.shipment_id)
        response = await self._engine.retry(self._hub, caller, request)
        if request.asynchronous:
            return response
        return pb.RetryShipmentResponse(**await self._dispatched(caller, request.shipment_id, context))

    async def ReleaseShipment(self, request: pb.ReleaseShipmentRequest, context: Context) -> pb.ReleaseShipmentResponse:
        """Dispatches a shipment that was held or scheduled."""
        caller = callers.current()
        async with self._hub.transaction() as connection:
            response = await once(
                connection,
                caller,
                f"{_SERVICE}/ReleaseShipment",
                request,
                lambda: releasing.release(self._hub, connection, caller, request),
            )
        self._hub.events_appended()
        if request.asynchronous:
            return response
        return pb.ReleaseShipmentResponse(**await self._dispatched(caller, request.shipment_id, context))

    async def QuoteShipment(self, request: pb.QuoteShipmentRequest, context: Context) -> pb.QuoteShipmentResponse:
        """Shows what a dispatch would do."""
        if request.shipment.id:
            await self._visible(request.shipment.id)
        return await self._engine.quote(self._hub, callers.current(), request)

    async def CreateReturn(self, request: pb.CreateReturnRequest, context: Context) -> pb.CreateReturnResponse:
        """Has goods brought back."""
        await self._visible(request.shipment_id)
        return await self._engine.create_return(self._hub, callers.current(), request)

    async def ExplainShipment(self, request: pb.ExplainShipmentRequest, context: Context) -> pb.ExplainShipmentResponse:
        """Says how a shipment came to its present state."""
        async with self._hub.engine.connect() as connection:
            stored = await rows.find(connection, callers.current(), request.shipment_id)
            decisions = await journal.decisions(connection, stored.key, explanations.MAX_DECISIONS)
        return explanations.explain(stored.shipment, decisions[::-1])

    async def ListShipmentHistory(
        self, request: pb.ListShipmentHistoryRequest, context: Context
    ) -> pb.ListShipmentHistoryResponse:
        """Lists what a shipment went through, the oldest first."""
        columns = shipment_history.c
        async with self._hub.engine.connect() as connection:
            stored = await rows.find(connection, callers.current(), request.shipment_id)
            query = sa.select(columns.number, columns.document).where(
                columns.tenant_id == stored.tenant_id, columns.shipment_id == stored.shipment_id
            )
            if request.exclude_synthetic:
                query = query.where(~columns.synthetic)
            page = await read_page(connection, query, [columns.number], request, descending=False, default=100)
        return pb.ListShipmentHistoryResponse(
            entries=[ShipmentHistoryEntry.FromString(row.document) for row in page.rows],
            next_page_token=page.next_token,
            previous_page_token=page.previous_token,
        )

    async def ResolveShipmentLink(
        self, request: pb.ResolveShipmentLinkRequest, context: Context
    ) -> pb.ResolveShipmentLinkResponse:
        """Finds what a link leads to, whosever it is."""
        async with self._hub.engine.connect() as connection:
            return await links.resolve(self._hub, connection, request)

    async def GetDispatchRules(
        self, request: pb.GetDispatchRulesRequest, context: Context
    ) -> pb.GetDispatchRulesResponse:
        """Reads the rules by which carriers are chosen."""
        async with self._hub.engine.connect() as connection:
            return pb.GetDispatchRulesResponse(rules=await rule_rows.read(connection, callers.current().tenant))

    async def UpdateDispatchRules(
        self, request: pb.UpdateDispatchRulesRequest, context: Context
    ) -> pb.UpdateDispatchRulesResponse:
        """Replaces the rules by which carriers are chosen."""
        caller = callers.current()
        async with self._hub.transaction(commit=not request.validate_only) as connection:

            async def produce() -> pb.UpdateDispatchRulesResponse:
                rules = DispatchRules()
                rules.CopyFrom(request.rules)
                warnings = self._check(rules)
                await rule_rows.replace(connection, caller.tenant, rules, self._hub.now())
                return pb.UpdateDispatchRulesResponse(rules=rules, warnings=warnings)

            return await once(connection, caller, f"{_SERVICE}/UpdateDispatchRules", request, produce)

    async def _dispatched(self, caller: Caller, shipment_id: str, context: Context) -> dict[str, Any]:
        """The members of an answer: the shipment after its dispatch, or as it stands when the time is up."""
        async with self._hub.engine.connect() as connection:
            stored = await rows.find(connection, caller, shipment_id)
            rules = await rule_rows.read(connection, caller.tenant)
        if stored.shipment.phase in outcomes.UNDER_WAY:
            await self._engine.dispatch(self._hub, stored.key, self._patience(rules, context))
        shipment = await self._read(caller, shipment_id)
        return {"shipment": shipment, "warnings": outcomes.warnings_of(shipment)}

    def _patience(self, rules: DispatchRules, context: Context) -> timedelta:
        """How long a caller waits for a dispatch: what the rules say, within its deadline and ours."""
        wanted = rules.dispatch_deadline.ToTimedelta() if rules.HasField("dispatch_deadline") else DISPATCH_TIME
        limits = [self._hub.settings.deadline_seconds, seconds_left(context)]
        return min(wanted, *(timedelta(seconds=each) - ANSWER_TIME for each in limits if each is not None))

    async def _visible(self, shipment_id: str) -> None:
        """Raises NOT_FOUND for what the caller may not see, before anybody is asked about it."""
        async with self._hub.engine.connect() as connection:
            await rows.find(connection, callers.current(), shipment_id)

    async def _read(self, caller: Caller, shipment_id: str) -> Shipment:
        async with self._hub.engine.connect() as connection:
            return await _whole(connection, await rows.find(connection, caller, shipment_id))


async def _whole(connection: AsyncConnection, stored: Stored) -> Shipment:
    """The shipment with its last decision."""
    for decision in await journal.decisions(connection, stored.key):
        stored.shipment.decision.CopyFrom(decision)
    return stored.shipment
