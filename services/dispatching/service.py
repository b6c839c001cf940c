"""What the servicer of shipments asks of the dispatch: an `Engine` whose parts stand in modules of their own."""

from datetime import timedelta

from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.shipment_pb2 import Shipment
from crossdock.v1.warning_pb2 import Warning as Notice

from services.callers import Caller
from services.dispatching import amendments, dry_runs, engine, wishes
from services.hub import Hub
from services.shipments.journal import Key


class Dispatcher:
    """Makes shipments go; see ``services.shipments.engine.Engine``."""

    async def dispatch(self, hub: Hub, shipment: Key, deadline: timedelta) -> Shipment:
        """Goes on with a stored shipment until it rests or for ``deadline``."""
        return await engine.dispatch(hub, shipment, deadline)

    async def amend(self, hub: Hub, shipment: Key, wanted: Shipment, request_id: str) -> list[Notice]:
        """Asks the carrier of a booked shipment to carry it as ``wanted`` says."""
        return await amendments.amend(hub, shipment, wanted, request_id)

    async def cancel(self, hub: Hub, caller: Caller, request: pb.CancelShipmentRequest) -> pb.CancelShipmentResponse:
        """Serves CancelShipment."""
        return await wishes.cancel(hub, caller, request)

    async def retry(self, hub: Hub, caller: Caller, request: pb.RetryShipmentRequest) -> pb.RetryShipmentResponse:
        """Serves RetryShipment, but for the waiting."""
        return await wishes.retry(hub, caller, request)

    async def quote(self, hub: Hub, caller: Caller, request: pb.QuoteShipmentRequest) -> pb.QuoteShipmentResponse:
        """Serves QuoteShipment."""
        return await dry_runs.quote(hub, caller, request)

    async def create_return(self, hub: Hub, caller: Caller, request: pb.CreateReturnRequest) -> pb.CreateReturnResponse:
        """Serves CreateReturn."""
        return await wishes.bring_back(hub, caller, request)
