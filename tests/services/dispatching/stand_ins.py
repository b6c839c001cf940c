"""A carrier that speaks `CarrierService` on a real socket, keeps a ledger, and misbehaves as it is told."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import grpc
from crossdock.v1 import carrier_pb2, delivery_pb2
from crossdock.v1 import carrier_service_pb2 as pb
from crossdock.v1.carrier_pb2 import Booking, Carrier, Refusal
from crossdock.v1.carrier_service_pb2_grpc import (
    CarrierServiceServicer,
    CarrierServiceStub,
    add_CarrierServiceServicer_to_server,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services import times
from services.carriers.replies import Certainty, Reply

NO = frozenset(
    (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    )
)
LIVE = (carrier_pb2.BOOKING_STATE_PENDING, carrier_pb2.BOOKING_STATE_LIVE)


@dataclass
class StandIn(CarrierServiceServicer):
    """One carrier. ``script`` holds what it does at its next calls of a method, as words; "well" when it is empty."""

    ref: str
    now: Callable[[], datetime]
    price: int = 10
    levels: Sequence[str] = ("standard",)
    script: dict[str, deque[str]] = field(default_factory=dict)
    ledger: dict[str, Booking] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)
    """The order number of every booking."""
    mood: Callable[[str], str] = lambda _: "well"
    """What it does at a call of a method for which its script says nothing."""
    made: Callable[[str], None] = lambda _: None
    """Called with the order number whenever a booking was made."""
    quote_seconds: float = 3600
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while a call that is told to "wait" waits for the ``gate``."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    carrier: Carrier = field(default_factory=Carrier)

    def does(self, method: str, *words: str) -> "StandIn":
        """Writes the script of a method on."""
        self.script.setdefault(method, deque()).extend(words)
        return self

    @property
    def live(self) -> list[str]:
        """The references of the bookings that it carries out."""
        return [reference for reference, booking in self.ledger.items() if booking.state in LIVE]

    async def start(self) -> grpc.aio.Server:
        """Serves on a port of its own."""
        server = grpc.aio.server()
        add_CarrierServiceServicer_to_server(self, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        self.carrier.MergeFrom(Carrier(ref=self.ref, name=self.ref.upper(), address=f"127.0.0.1:{port}"))
        self.carrier.plaintext = True
        self.carrier.booking_timeout.FromTimedelta(timedelta(seconds=2))
        self.carrier.quote_timeout.FromTimedelta(timedelta(seconds=60))
        self.carrier.poll_interval.FromTimedelta(timedelta(seconds=60))
        return server

    def _next(self, method: str, request: Any) -> str:
        self.asked.append((method, request))
        script = self.script.get(method)
        return script.popleft() if script else self.mood(method)

    async def _misbehave(self, word: str, context: Any) -> None:
        """What breaks, before or after the work was done."""
        if word == "hang":
            await asyncio.Event().wait()
        if word == "wait":
            self.waiting.set()
            await self.gate.wait()
        if word == "unavailable":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        if word == "refuse":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "what is this?")

    async def DescribeCarrier(self, request: pb.DescribeCarrierRequest, context: Any) -> pb.DescribeCarrierResponse:
        return pb.DescribeCarrierResponse(name=self.carrier.name)

    async def Quote(self, request: pb.QuoteRequest, context: Any) -> pb.QuoteResponse:
        word = self._next("Quote", request)
        await self._misbehave(word, context)
        response = pb.QuoteResponse()
        if word == "decline":
            response.refusals.add(code="out_of_area", message="too far")
            return response
        for number, level in enumerate(self.levels):
            quote = response.quotes.add(id=f"q-{len(self.asked)}-{level}")
            quote.service_level.id = level
            quote.price.currency_code, quote.price.units = "USD", self.price + number
            times.set_timestamp(quote.expire_time, self.now() + timedelta(seconds=self.quote_seconds))
        return response

    async def Book(self, request: pb.BookRequest, context: Any) -> pb.BookResponse:
        word = self._next("Book", request)
        known = self.ledger.get(request.reference)
        if known is None and word in ("unavailable", "hang", "refuse"):
            await self._misbehave(word, context)
        if known is None and (self.now() >= times.to_datetime(request.book_before) and word != "late all the same"):
            return pb.BookResponse(declined=Refusal(code="too_late"))
        if known is None and word == "decline":
            return pb.BookResponse(declined=Refusal(code="no_driver", message="nobody is free"))
        if known is None and word == "fail":
            return pb.BookResponse(failed=Refusal(message="E-99"))
        if word == "dearer":
            self.price += 5
        if known is None and request.max_price.units < self.price:
            return pb.BookResponse(declined=Refusal(code="price_changed"))
        booking = known or self.make(request.reference, request.order_number)
        match word.removeprefix("booked, then "):
            case "empty":
                return pb.BookResponse()
            case rest if word.startswith("booked, then "):
                await self._misbehave(rest, context)
        return pb.BookResponse(booking=booking)

    def make(self, reference: str, order: str = "") -> Booking:
        """Writes a booking into the ledger."""
        booking = Booking(reference=reference, id=f"{self.ref}-{len(self.ledger) + 1}", tracking_number="T-1")
        self.orders[reference] = order
        booking.state = carrier_pb2.BOOKING_STATE_LIVE
        booking.price.currency_code, booking.price.units = "USD", self.price
        booking.references.add(scope="test.order", value=booking.id, exclusive=True)
        booking.report.status = delivery_pb2.DELIVERY_STATUS_DISPATCHED
        booking.report.status_raw = "new"
        self.ledger[reference] = booking
        self.made(order)
        return booking

    def move(self, reference: str, word: str) -> None:
        """Carries a booking further, without telling anybody."""
        booking = self.ledger[reference]
        booking.report.status = delivery_pb2.DeliveryStatus.Value(f"DELIVERY_STATUS_{word}")
        booking.report.status_raw = word.lower()
        times.set_timestamp(booking.report.event_time, self.now())
        if word == "CANCELLED":
            booking.state = carrier_pb2.BOOKING_STATE_CANCELLED
        elif word in ("DELIVERED", "RETURNED", "FAILED"):
            booking.state = carrier_pb2.BOOKING_STATE_CLOSED

    async def GetBooking(self, request: pb.GetBookingRequest, context: Any) -> pb.GetBookingResponse:
        word = self._next("GetBooking", request)
        await self._misbehave(word, context)
        if word == "empty":
            return pb.GetBookingResponse()
        known = self.ledger.get(request.reference)
        if known is not None:
            return pb.GetBookingResponse(booking=known)
        return pb.GetBookingResponse(absent=pb.BookingAbsence(time=times.to_timestamp(self.now())))

    async def CancelBooking(self, request: pb.CancelBookingRequest, context: Any) -> pb.CancelBookingResponse:
        word = self._next("CancelBooking", request)
        await self._misbehave(word, context)
        known = self.ledger.get(request.reference)
        if known is None:
            return pb.CancelBookingResponse(absent=pb.BookingAbsence(time=times.to_timestamp(self.now())))
        if word == "pending":
            return pb.CancelBookingResponse(pending=known)
        if word == "not allowed":
            return pb.CancelBookingResponse(refused=Refusal(code="not_allowed"))
        if word == "picked up first":
            self.move(request.reference, "PICKED_UP")
        gone = known.report.status >= delivery_pb2.DELIVERY_STATUS_PICKED_UP
        if (word == "keep" or gone) and known.state != carrier_pb2.BOOKING_STATE_CANCELLED:
            return pb.CancelBookingResponse(refused=Refusal(code="already_picked_up", message="it is on its way"))
        self.move(request.reference, "CANCELLED")
        if word.startswith("cancelled, then "):
            await self._misbehave(word.removeprefix("cancelled, then "), context)
        response = pb.CancelBookingResponse()
        response.cancelled.fee.currency_code, response.cancelled.fee.units = "USD", 2
        return response

    async def AmendBooking(self, request: pb.AmendBookingRequest, context: Any) -> pb.AmendBookingResponse:
        word = self._next("AmendBooking", request)
        await self._misbehave(word, context)
        if word == "keep":
            return pb.AmendBookingResponse(refused=Refusal(code="too_late", message="it is packed"))
        if word == "empty":
            return pb.AmendBookingResponse()
        return pb.AmendBookingResponse(booking=self.ledger[request.reference])


class Wires:
    """Calls stand-ins over their sockets."""

    def __init__(self, carriers: Sequence[StandIn]) -> None:
        self._carriers = {each.ref: each for each in carriers}
        self._stubs = {
            each.ref: CarrierServiceStub(grpc.aio.insecure_channel(each.carrier.address)) for each in carriers
        }

    async def find(self, _: AsyncConnection, __: UUID, refs: Sequence[str]) -> list[Carrier]:
        return [self._carriers[ref].carrier for ref in refs if ref in self._carriers]

    async def call(self, _: UUID, carrier: Carrier, method: str, request: Any, limit: timedelta) -> Reply:
        try:
            call = getattr(self._stubs[carrier.ref], method)
            return Reply(Certainty.YES, await call(request, timeout=max(limit.total_seconds(), 0.001)))
        except grpc.aio.AioRpcError as error:
            certainty = Certainty.NO if error.code() in NO else Certainty.UNCERTAIN
            return Reply(certainty, None, error.details() or error.code().name)
