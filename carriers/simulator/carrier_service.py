"""`CarrierService` for every carrier of the fleet, told apart by the `authorization` of a call; decides nothing."""

import asyncio
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

import grpc
import protovalidate
from crossdock.v1 import carrier_service_pb2 as contract
from crossdock.v1.carrier_service_pb2_grpc import CarrierServiceServicer
from google.protobuf.message import Message

from carriers.simulator.bookings import LEAD, Counter
from carriers.simulator.fleet import FLEET, Carrier
from carriers.simulator.ledger import Ledger
from carriers.simulator.misbehaviours import in_force
from carriers.simulator.posting import Poster
from carriers.simulator.rides import Rides

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
FOREVER_SECONDS = 3600.0


def authorization_of(carrier: str, key: str) -> str:
    """What calls to a carrier bring: "Bearer swift", or "Bearer swift.<key>" where the deployment has one."""
    return f"Bearer {carrier}.{key}" if key else f"Bearer {carrier}"


class CarrierServicer(CarrierServiceServicer):
    """All carriers on one address. `pace` is how fast bookings are driven by themselves; 0: they stand still."""

    def __init__(
        self,
        ledger: Ledger,
        rides: Rides,
        poster: Poster,
        *,
        seed: int,
        key: str,
        pace: float,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._rides = rides
        self._poster = poster
        self._pace = pace
        self._now = now
        self._counters = {authorization_of(name, key): Counter(each, seed, ledger) for name, each in FLEET.items()}

    async def DescribeCarrier(
        self,
        request: contract.DescribeCarrierRequest,
        context: Context,
    ) -> contract.DescribeCarrierResponse:
        """Who it is."""
        carrier: Carrier = (await self._counter(context, request)).carrier
        return contract.DescribeCarrierResponse(
            name=carrier.display_name,
            dialect=carrier.dialect,
            capabilities=carrier.capabilities,
            service_levels=[each.message for each in carrier.levels],
            silent_statuses=carrier.silent_statuses,
        )

    async def Quote(self, request: contract.QuoteRequest, context: Context) -> contract.QuoteResponse:
        """Prices and times."""
        return (await self._counter(context, request)).quote(request, self._now())

    async def Book(self, request: contract.BookRequest, context: Context) -> contract.BookResponse:
        """Books, or misbehaves around it."""
        counter = await self._counter(context, request)
        wrong = in_force(self._ledger.settings(counter.carrier.name))
        if wrong.hang_before_booking:
            await asyncio.sleep(FOREVER_SECONDS)
        answer, is_new = counter.book(request, self._now())
        if is_new and self._pace:
            made = self._ledger.find(counter.carrier.name, request.reference)
            assert made is not None
            self._rides.start(made, wrong.scenario, self._pace, after=LEAD)
        if is_new and wrong.hang_after_booking:
            await asyncio.sleep(FOREVER_SECONDS)
        if is_new and wrong.fail_after_booking:
            await context.abort(grpc.StatusCode.INTERNAL, "something broke")
        return answer

    async def GetBooking(
        self,
        request: contract.GetBookingRequest,
        context: Context,
    ) -> contract.GetBookingResponse:
        """Found or absent."""
        return (await self._counter(context, request)).look_up(request.reference, self._now())

    async def AmendBooking(
        self,
        request: contract.AmendBookingRequest,
        context: Context,
    ) -> contract.AmendBookingResponse:
        """Changes it, or says why not."""
        return (await self._counter(context, request)).amend(request, self._now())

    async def CancelBooking(
        self,
        request: contract.CancelBookingRequest,
        context: Context,
    ) -> contract.CancelBookingResponse:
        """Calls it off, or says why not."""
        counter = await self._counter(context, request)
        called = counter.cancel(request.reference, request.reason, self._now())
        if called.booking is not None and called.webhook is not None:
            self._poster.post_later(called.webhook, called.booking)
        return called.answer

    async def _counter(self, context: Context, request: Message) -> Counter:
        """The counter of the carrier that is called, once the request is in order and the carrier finds the time."""
        told = dict(context.invocation_metadata() or ()).get("authorization", "")
        counter = next((each for value, each in self._counters.items() if _same(value, told)), None)
        if counter is None:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no carrier goes by this authorization")
        try:
            protovalidate.validate(request)
        except protovalidate.ValidationError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        wrong = in_force(self._ledger.settings(counter.carrier.name))
        if seconds := wrong.delay.ToTimedelta().total_seconds():
            await asyncio.sleep(seconds)
        return counter


def _same(wanted: str, told: str | bytes) -> bool:
    return hmac.compare_digest(wanted.encode(), told if isinstance(told, bytes) else told.encode())
