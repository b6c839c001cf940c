"""`SimulatorService`: people and tests drive bookings, set misbehaviour and read the books; books nothing itself."""

import hmac
from typing import Any, TypeAlias

import grpc
import protovalidate
from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.simulator.v1 import simulator_service_pb2 as contract
from crossdock.simulator.v1.simulator_service_pb2_grpc import SimulatorServiceServicer
from google.protobuf.message import Message

from carriers.simulator.carrier_service import authorization_of
from carriers.simulator.fleet import FLEET, Carrier
from carriers.simulator.ledger import Ledger
from carriers.simulator.rides import NotDrivable, Rides

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
DEFAULT_PAGE = 100


class SimulatorServicer(SimulatorServiceServicer):
    """Callers bring the key as "Bearer <key>", where there is one."""

    def __init__(self, ledger: Ledger, rides: Rides, key: str) -> None:
        self._ledger = ledger
        self._rides = rides
        self._key = key

    async def ListCarriers(
        self,
        request: contract.ListCarriersRequest,
        context: Context,
    ) -> contract.ListCarriersResponse:
        """Everybody."""
        await self._admit(context, request)
        return contract.ListCarriersResponse(carriers=[self._shown(each) for each in FLEET.values()])

    async def ConfigureCarrier(
        self,
        request: contract.ConfigureCarrierRequest,
        context: Context,
    ) -> contract.ConfigureCarrierResponse:
        """Sets where webhooks go."""
        await self._admit(context, request)
        carrier = await _carrier(context, request.carrier)
        settings = self._ledger.settings(carrier.name)
        settings.endpoint.CopyFrom(request.endpoint)
        self._ledger.keep(settings)
        return contract.ConfigureCarrierResponse(carrier=self._shown(carrier))

    async def SetMisbehaviour(
        self,
        request: contract.SetMisbehaviourRequest,
        context: Context,
    ) -> contract.SetMisbehaviourResponse:
        """From now on."""
        await self._admit(context, request)
        target: books.SimulatedBooking | books.SimulatedCarrier
        if request.WhichOneof("target") == "booking":
            target = await self._booking(context, request.booking)
        else:
            target = self._ledger.settings((await _carrier(context, request.carrier)).name)
        if request.HasField("misbehaviour"):
            target.misbehaviour.CopyFrom(request.misbehaviour)
        else:
            target.ClearField("misbehaviour")
        if isinstance(target, books.SimulatedBooking):
            self._ledger.save(target)
        else:
            self._ledger.keep(target)
        return contract.SetMisbehaviourResponse()

    async def RunBooking(
        self,
        request: contract.RunBookingRequest,
        context: Context,
    ) -> contract.RunBookingResponse:
        """Drives it, in the background."""
        await self._admit(context, request)
        booking = await self._booking(context, request.booking)
        try:
            self._rides.start(booking, request.scenario, request.pace, request.until)
        except NotDrivable as refusal:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(refusal))
        return contract.RunBookingResponse(booking=booking)

    async def ListBookings(
        self,
        request: contract.ListBookingsRequest,
        context: Context,
    ) -> contract.ListBookingsResponse:
        """The youngest first."""
        await self._admit(context, request)
        size = request.page_size or DEFAULT_PAGE
        found = self._ledger.bookings(request.carrier, request.booking, int(request.page_token or 0), size)
        return contract.ListBookingsResponse(
            bookings=[booking for _, booking in found],
            next_page_token=str(found[-1][0]) if len(found) == size else "",
        )

    async def ListWebhooks(
        self,
        request: contract.ListWebhooksRequest,
        context: Context,
    ) -> contract.ListWebhooksResponse:
        """In their order."""
        await self._admit(context, request)
        booking = await self._booking(context, request.booking)
        found = self._ledger.webhooks(booking.carrier, booking.booking.reference, request.after_number)
        return contract.ListWebhooksResponse(webhooks=found)

    def _shown(self, carrier: Carrier) -> books.SimulatedCarrier:
        shown = self._ledger.settings(carrier.name)
        shown.name, shown.display_name, shown.dialect = carrier.name, carrier.display_name, carrier.dialect
        shown.authorization = authorization_of(carrier.name, self._key)
        shown.booking_count = self._ledger.count(carrier.name)
        shown.endpoint.ClearField("secret")
        return shown

    async def _booking(self, context: Context, name: str) -> books.SimulatedBooking:
        found = self._ledger.named(name)
        if found is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no simulated carrier has a booking {name!r}")
        return found

    async def _admit(self, context: Context, request: Message) -> None:
        told = dict(context.invocation_metadata() or ()).get("authorization", "")
        wanted = f"Bearer {self._key}"
        if self._key and not hmac.compare_digest(wanted.encode(), told if isinstance(told, bytes) else told.encode()):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the simulator's key is missing or wrong")
        try:
            protovalidate.validate(request)
        except protovalidate.ValidationError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))


async def _carrier(context: Context, name: str) -> Carrier:
    found = FLEET.get(name)
    if found is None:
        await context.abort(grpc.StatusCode.NOT_FOUND, f"{name!r} is none of {', '.join(FLEET)}")
    return found
