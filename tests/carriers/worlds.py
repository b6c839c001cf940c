"""A running simulator with stubs for each of its carriers, and the requests that tests make of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.simulator.v1 import simulator_service_pb2 as driving
from crossdock.simulator.v1.simulator_service_pb2_grpc import SimulatorServiceStub
from crossdock.v1 import carrier_service_pb2 as contract
from crossdock.v1.carrier_service_pb2_grpc import CarrierServiceStub
from crossdock.v1.consignment_pb2 import Consignment, Stop
from crossdock.v1.contact_pb2 import Address, Contact, Phone
from crossdock.v1.delivery_pb2 import DELIVERY_KIND_OUTBOUND, DeliveryStatus
from crossdock.v1.parcel_pb2 import WEIGHT_UNIT_KILOGRAM, Parcel, Weight
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.latlng_pb2 import LatLng
from google.type.postal_address_pb2 import PostalAddress
from pydantic import SecretStr

from carriers.simulator.config import Settings
from carriers.simulator.server import Server

PATIENCE_SECONDS = 60.0
KEY = "the simulator's key in tests"
AT_ONCE = 20_000.0
"""A pace at which half an hour takes a tenth of a second."""


def stop(name: str, latitude: float, longitude: float, **members: Any) -> Stop:
    """A place in Chicago."""
    postal = PostalAddress(region_code="US", locality="Chicago", postal_code="60602", address_lines=[f"1 {name} St"])
    address = Address(postal_address=postal, position=LatLng(latitude=latitude, longitude=longitude))
    contact = Contact(name=name, phone=Phone(raw="+1 312-555-0142", e164="+13125550142"))
    return Stop(name=name, address=address, contact=contact, **members)


def consignment(kilograms: float = 2, north: float = 0.02) -> Consignment:
    """A parcel from State Street to somewhere north of it: 0.01 is a good kilometre."""
    parcel = Parcel(weight=Weight(value=kilograms, unit=WEIGHT_UNIT_KILOGRAM))
    pickup = stop("State", 41.88376, -87.62792, external_id="7709")
    return Consignment(pickup=pickup, dropoff=stop("Lake", 41.88376 + north, -87.63), parcels=[parcel])


def in_seconds(seconds: float) -> Timestamp:
    """A moment from now."""
    stamp = Timestamp()
    stamp.FromDatetime(datetime.now(UTC) + timedelta(seconds=seconds))
    return stamp


class Told:
    """A carrier, as the hub calls it."""

    def __init__(self, channel: grpc.aio.Channel, authorization: str) -> None:
        self._stub = CarrierServiceStub(channel)
        self.metadata = (("authorization", authorization),)

    async def describe(self) -> contract.DescribeCarrierResponse:
        return await self._stub.DescribeCarrier(contract.DescribeCarrierRequest(), metadata=self.metadata)

    async def quote(self, **members: Any) -> contract.QuoteResponse:
        members.setdefault("consignment", consignment())
        members.setdefault("currency_code", "USD")
        request = contract.QuoteRequest(reference="shp_1", kind=DELIVERY_KIND_OUTBOUND)
        request.MergeFrom(contract.QuoteRequest(**members))
        return await self._stub.Quote(request, metadata=self.metadata)

    async def book(self, reference: str, seconds: float = PATIENCE_SECONDS, **members: Any) -> contract.BookResponse:
        members.setdefault("consignment", consignment())
        members.setdefault("book_before", in_seconds(30))
        request = contract.BookRequest(reference=reference, kind=DELIVERY_KIND_OUTBOUND, **members)
        return await self._stub.Book(request, metadata=self.metadata, timeout=seconds)

    async def get(self, reference: str) -> contract.GetBookingResponse:
        return await self._stub.GetBooking(contract.GetBookingRequest(reference=reference), metadata=self.metadata)

    async def amend(self, reference: str, **members: Any) -> contract.AmendBookingResponse:
        members.setdefault("request_id", "change 1")
        members.setdefault("consignment", consignment())
        request = contract.AmendBookingRequest(reference=reference, **members)
        return await self._stub.AmendBooking(request, metadata=self.metadata)

    async def cancel(self, reference: str) -> contract.CancelBookingResponse:
        request = contract.CancelBookingRequest(reference=reference)
        return await self._stub.CancelBooking(request, metadata=self.metadata)


class World:
    """A simulator and who drives it."""

    def __init__(self, channel: grpc.aio.Channel, key: str, address: str = "") -> None:
        self.channel = channel
        self.address = address
        self._stub = SimulatorServiceStub(channel)
        self._metadata: tuple[tuple[str, str], ...] = (("authorization", f"Bearer {key}"),)
        self.swift, self.evergreen, self.pronto = (
            Told(channel, f"Bearer {name}.{key}") for name in ("swift", "evergreen", "pronto")
        )

    def carrier(self, name: str) -> Told:
        carrier: Told = getattr(self, name)
        return carrier

    async def call(self, method: str, request: Any) -> Any:
        return await getattr(self._stub, method)(request, metadata=self._metadata)

    async def configure(self, carrier: str, url: str, secret: str = "") -> None:
        endpoint = books.Endpoint(url=url, secret=secret)
        await self.call("ConfigureCarrier", driving.ConfigureCarrierRequest(carrier=carrier, endpoint=endpoint))

    async def misbehave(self, carrier: str, **members: Any) -> None:
        wrong = books.Misbehaviour(**members)
        await self.call("SetMisbehaviour", driving.SetMisbehaviourRequest(carrier=carrier, misbehaviour=wrong))

    async def misbehave_one(self, booking: str, **members: Any) -> None:
        wrong = books.Misbehaviour(**members)
        await self.call("SetMisbehaviour", driving.SetMisbehaviourRequest(booking=booking, misbehaviour=wrong))

    def forget_key(self) -> None:
        self._metadata = ()

    async def run(
        self, booking: str, scenario: str = "UNSPECIFIED", pace: float = AT_ONCE, until: str = "UNSPECIFIED"
    ) -> books.SimulatedBooking:
        """Returns when it stands still and every webhook was posted or given up."""
        await self.set_out(booking, scenario, pace, until)
        return await self.stands_still(booking)

    async def set_out(
        self, booking: str, scenario: str = "UNSPECIFIED", pace: float = AT_ONCE, until: str = "UNSPECIFIED"
    ) -> None:
        """Returns at once."""
        await self.call(
            "RunBooking",
            driving.RunBookingRequest(
                booking=booking,
                scenario=books.Scenario.Value(f"SCENARIO_{scenario}"),
                pace=pace,
                until=DeliveryStatus.Value(f"DELIVERY_STATUS_{until}"),
            ),
        )

    async def stands_still(self, booking: str) -> books.SimulatedBooking:
        async def look() -> books.SimulatedBooking | None:
            found = await self.booking(booking)
            pending = [each for each in await self.webhooks(booking) if each.outcome == books.WEBHOOK_OUTCOME_PENDING]
            return None if found.journey.running or pending else found

        found: books.SimulatedBooking = await eventually(look)
        return found

    async def booking(self, name: str) -> books.SimulatedBooking:
        found: list[books.SimulatedBooking]
        found = (await self.call("ListBookings", driving.ListBookingsRequest(booking=name))).bookings
        return found[0]

    async def carriers(self) -> list[books.SimulatedCarrier]:
        return list((await self.call("ListCarriers", driving.ListCarriersRequest())).carriers)

    async def bookings(self, carrier: str = "") -> list[books.SimulatedBooking]:
        return list((await self.call("ListBookings", driving.ListBookingsRequest(carrier=carrier))).bookings)

    async def named(self, name: str) -> list[books.SimulatedBooking]:
        return list((await self.call("ListBookings", driving.ListBookingsRequest(booking=name))).bookings)

    async def pages(self, size: int) -> list[books.SimulatedBooking]:
        found: list[books.SimulatedBooking] = []
        token = "0"
        while token:
            page = await self.call("ListBookings", driving.ListBookingsRequest(page_size=size, page_token=token))
            found += page.bookings
            token = page.next_page_token
        return found

    async def webhooks(self, booking: str) -> list[books.SentWebhook]:
        return list((await self.call("ListWebhooks", driving.ListWebhooksRequest(booking=booking))).webhooks)


async def eventually(look: Callable[[], Any]) -> Any:
    """What `look` finds as soon as it is true; the test fails when it never is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := await look()):
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)
    return found


@asynccontextmanager
async def running_simulator(**members: Any) -> AsyncIterator[World]:
    """A simulator of the test's own, in this process."""
    settings = Settings(grpc="127.0.0.1:0", key=SecretStr(KEY), **members)
    server = await Server.start(settings)
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield World(channel, KEY, server.address)
    finally:
        await server.stop(0)
