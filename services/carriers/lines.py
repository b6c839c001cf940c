"""How the carriers of a process are found and called: rows, records, circuits and calls together; decides nothing."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from crossdock.v1.carrier_pb2 import Carrier
from sqlalchemy.ext.asyncio import AsyncConnection

from services.carriers import rows
from services.carriers.channels import Channels
from services.carriers.circuits import Circuits
from services.carriers.clients import CarrierClients
from services.carriers.records import Records
from services.carriers.replies import Certainty, Reply
from services.carriers.targets import Allowed
from services.sealing import Sealer

log = structlog.get_logger()

WRITE_EVERY_SECONDS = 2.0


class CarrierLines:
    """One per process. See ``services.dispatching.calls.Lines``."""

    def __init__(
        self, sealer: Sealer, now: Callable[[], datetime], allowed: Allowed, authority: bytes | None = None
    ) -> None:
        self.allowed = allowed
        self._sealer = sealer
        self._now = now
        self._records = Records()
        self._clients = CarrierClients(Channels(allowed, authority), Circuits())

    async def find(self, connection: AsyncConnection, tenant_id: UUID, refs: Sequence[str]) -> list[Carrier]:
        """The carriers with these codes, in their order, with their authorization; unknown ones are left out."""
        if not refs:
            return []
        found = await rows.find_all(connection, tenant_id, refs)
        carriers = [found[ref].carrier for ref in dict.fromkeys(refs) if ref in found]
        await self.tell(connection, tenant_id, carriers)
        for carrier in carriers:
            carrier.authorization = rows.open_authorization(self._sealer, found[carrier.ref])
        return carriers

    async def tell(self, connection: AsyncConnection, tenant_id: UUID, carriers: Iterable[Carrier]) -> None:
        """Writes into carriers what is told and not stored: their circuits and records."""
        records = await self._records.of_tenant(connection, tenant_id, self._now())
        for carrier in carriers:
            carrier.circuit_state = self._clients.circuit_state((tenant_id, carrier.ref))
            carrier.record.CopyFrom(records[carrier.ref]) if carrier.ref in records else carrier.record.SetInParent()

    async def call(self, tenant_id: UUID, carrier: Carrier, method: str, request: Any, limit: timedelta) -> Reply:
        """Calls a method of a carrier's ``CarrierService``; raises nothing that the carrier could cause.

        ``carrier`` is one that was found, or is about to be stored; ``limit`` is how long it may take.
        """
        reply = await self._clients.call((tenant_id, carrier.ref), carrier, method, request, limit)
        if method == "Quote" and reply.certainty is not Certainty.NOT_ASKED:
            given = reply.certainty is Certainty.YES
            self._records.count_quote(tenant_id, carrier.ref, self._now().date(), given=given)
        return reply

    async def keep_writing(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncConnection]]) -> None:
        """Stores, forever, what was counted."""
        while True:
            await asyncio.sleep(WRITE_EVERY_SECONDS)
            async with transaction() as connection:
                await self._records.write(connection)

    async def close(self) -> None:
        """Ends all connections to carriers."""
        await self._clients.close()
