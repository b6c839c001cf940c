"""The calls of a dispatch to carriers, each with its deadline, read down to what they mean; knows no channel."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from crossdock.v1.carrier_pb2 import Carrier, Refusal
from crossdock.v1.carrier_service_pb2 import (
    AmendBookingRequest,
    AmendBookingResponse,
    BookRequest,
    BookResponse,
    CancelBookingRequest,
    GetBookingRequest,
    GetBookingResponse,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.carriers import rows as carrier_rows
from services.carriers.replies import Certainty, Reply
from services.dispatching import answers, cancelled, polling
from services.dispatching.bookings import Answer
from services.dispatching.rows import Booking
from services.dispatching.steps import Said
from services.hub import Hub


class Lines(Protocol):
    """How carriers are found and called."""

    async def find(self, connection: AsyncConnection, tenant_id: UUID, refs: Sequence[str]) -> list[Carrier]:
        """The carriers with these codes, in their order, as they are to be called; unknown ones are left out."""

    async def call(self, tenant_id: UUID, carrier: Carrier, method: str, request: Any, limit: timedelta) -> Reply:
        """Calls a method of a carrier's `CarrierService`; raises nothing that the carrier could cause.

        ``limit`` is how long it may take.
        """


async def carriers(hub: Hub, connection: AsyncConnection, tenant_id: UUID, refs: Sequence[str]) -> list[Carrier]:
    """The carriers with these codes, in their order; unknown ones are left out."""
    lines: Lines | None = hub.lines
    return await lines.find(connection, tenant_id, list(refs)) if lines is not None else []


async def carrier(hub: Hub, connection: AsyncConnection, tenant_id: UUID, ref: str) -> Carrier:
    """One carrier; nothing but its code when it was removed since."""
    found = await carriers(hub, connection, tenant_id, [ref]) if ref else []
    return found[0] if found else Carrier(ref=ref, name=ref)


async def keep(hub: Hub, connection: AsyncConnection, tenant_id: UUID, ref: str) -> Carrier:
    """Likewise one that is about to be booked: nobody removes it before that is written down."""
    await carrier_rows.keep(connection, tenant_id, ref)
    return await carrier(hub, connection, tenant_id, ref)


async def book(hub: Hub, booking: Booking, request: BookRequest) -> Answer:
    """Books; the call ends when no booking may be made any more."""
    reply = await _call(hub, booking, "Book", request)
    match reply.certainty:
        case Certainty.NO:
            return Answer(Said.FAILED, refusal=Refusal(message=reply.explanation), explanation=reply.explanation)
        case Certainty.NOT_ASKED:
            return Answer(Said.NOT_ASKED, explanation=reply.explanation)
    response: BookResponse | None = reply.response
    said = answers.said_by_book(response)
    return Answer(said, _booking(response), answers.refusal_of(response), reply.explanation or "")


async def look_up(hub: Hub, booking: Booking, request: GetBookingRequest) -> tuple[GetBookingResponse | None, str]:
    """Looks a booking up; None, and why, when nothing certain came of it."""
    reply = await _call(hub, booking, "GetBooking", request)
    return reply.response, reply.explanation


async def cancel(hub: Hub, booking: Booking, request: CancelBookingRequest) -> "cancelled.Verdict":
    """Asks for a booking to be called off."""
    reply = await _call(hub, booking, "CancelBooking", request)
    return cancelled.read(reply.response, refused=reply.certainty is Certainty.NO, explanation=reply.explanation)


async def amend(hub: Hub, booking: Booking, request: AmendBookingRequest) -> AmendBookingResponse | Refusal | None:
    """Asks for a booking to be changed; None when nothing certain came of it."""
    reply = await _call(hub, booking, "AmendBooking", request)
    if reply.certainty is Certainty.NO:
        return Refusal(message=reply.explanation)
    response: AmendBookingResponse | None = reply.response
    return response


async def _call(hub: Hub, booking: Booking, method: str, request: Any) -> Reply:
    async with hub.engine.connect() as connection:
        known = await carrier(hub, connection, booking.tenant_id, booking.carrier_ref)
    lines: Lines = hub.lines
    limit = polling.booking_timeout(known)
    if method == "Book" and booking.book_before is not None:
        limit = booking.book_before - hub.now()
    return await lines.call(booking.tenant_id, known, method, request, limit)


def _booking(response: BookResponse | None) -> Any:
    return response.booking if response is not None and response.HasField("booking") else None
