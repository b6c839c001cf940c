"""What the servicer of shipments asks of whoever dispatches them; knows no carrier, no quote and no booking."""

from datetime import timedelta
from typing import Protocol

from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.shipment_pb2 import Shipment
from crossdock.v1.warning_pb2 import Warning as Notice

from services.callers import Caller
from services.hub import Hub
from services.shipments.journal import Key


class Engine(Protocol):
    """Makes shipments go. Each function is transactions of its own; none is called within one."""

    async def dispatch(self, hub: Hub, shipment: Key, deadline: timedelta) -> Shipment:
        """Goes on with a stored shipment until it rests or for ``deadline``, and answers with it as it stands.

        That nobody takes it raises nothing. Safe to call at any time, by anybody: a shipment that rests is left as it
        is, and one that another process works on is waited for.
        """

    async def amend(self, hub: Hub, shipment: Key, wanted: Shipment, request_id: str) -> list[Notice]:
        """Asks the carrier of a booked shipment to carry it as ``wanted`` says, and stores nothing of the shipment.

        Raises AMENDMENT_REFUSED, DISPATCH_UNDER_WAY, UNAVAILABLE. The warnings say what the carrier cannot do.
        """

    async def cancel(self, hub: Hub, caller: Caller, request: pb.CancelShipmentRequest) -> pb.CancelShipmentResponse:
        """Serves CancelShipment."""

    async def retry(self, hub: Hub, caller: Caller, request: pb.RetryShipmentRequest) -> pb.RetryShipmentResponse:
        """Serves RetryShipment, but for the waiting: stores the wish and is followed by `dispatch`."""

    async def quote(self, hub: Hub, caller: Caller, request: pb.QuoteShipmentRequest) -> pb.QuoteShipmentResponse:
        """Serves QuoteShipment; the shipment is completed and checked as one that is created."""

    async def create_return(self, hub: Hub, caller: Caller, request: pb.CreateReturnRequest) -> pb.CreateReturnResponse:
        """Serves CreateReturn."""
