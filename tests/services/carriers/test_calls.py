"""Calls to carriers on real sockets: what came of them, and that nobody pays for another's silence."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest
from crossdock.v1 import carrier_service_pb2 as pb
from crossdock.v1.carrier_pb2 import Carrier, CircuitState
from grpc import StatusCode

from services.carriers.channels import IDLE_SECONDS, LONGEST_SECONDS, MAX_ANSWER_BYTES, Channels
from services.carriers.circuits import FAILURES, Circuits
from services.carriers.clients import CarrierClients
from services.carriers.replies import CLEAR_NO, Certainty, Reply
from services.carriers.targets import Allowed
from tests.services.carriers import certificates
from tests.services.carriers.speakers import Speaker

Make = Callable[..., Awaitable[Speaker]]
ALLOWED = Allowed.parse("localhost,127.0.0.0/8")
SOON, LONG = timedelta(seconds=0.2), timedelta(seconds=60)
LOOK_UP = pb.GetBookingRequest(reference="dlv_1")
BOOK = pb.BookRequest(reference="dlv_1")


class Clock:
    """A clock that stands still unless it is moved."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def channels(clock: Clock) -> AsyncIterator[Channels]:
    channels = Channels(ALLOWED, clock=clock)
    yield channels
    await channels.close()


@pytest.fixture
def clients(channels: Channels, clock: Clock) -> CarrierClients:
    return CarrierClients(channels, Circuits(clock))


async def call(clients: CarrierClients, carrier: Carrier, request: Any = LOOK_UP, limit: timedelta = LONG) -> Reply:
    method = type(request).__name__.removesuffix("Request")
    return await clients.call(carrier.ref, carrier, method, request, limit)


@pytest.mark.parametrize("code", [each for each in StatusCode if each is not StatusCode.OK])
async def test_every_code_is_a_clear_no_or_nothing_certain(
    clients: CarrierClients, carrier: Make, code: StatusCode
) -> None:
    speaker = await carrier()
    speaker.codes.append(code)

    reply = await call(clients, speaker.carrier, pb.DescribeCarrierRequest())

    assert reply.certainty is (Certainty.NO if code in CLEAR_NO else Certainty.UNCERTAIN)
    assert reply.response is None
    assert reply.explanation == f"{code.name}: it says so"


def test_the_contracts_codes_are_the_clear_ones() -> None:
    assert {each.name for each in CLEAR_NO} == {
        "INVALID_ARGUMENT",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "UNIMPLEMENTED",
        "FAILED_PRECONDITION",
        "RESOURCE_EXHAUSTED",
    }


async def test_an_answer_without_outcome_is_nothing_certain(clients: CarrierClients, carrier: Make) -> None:
    speaker = await carrier()
    speaker.does("GetBooking", "empty", "well")

    silent, told = await call(clients, speaker.carrier), await call(clients, speaker.carrier)

    assert silent.certainty is Certainty.UNCERTAIN
    assert told.certainty is Certainty.YES
    assert told.response.HasField("absent")


@pytest.mark.parametrize("told", ["NUL", "year", "money", "rule"])
async def test_an_answer_that_could_not_be_kept_is_nothing_certain(
    clients: CarrierClients, carrier: Make, told: str
) -> None:
    speaker = await carrier()
    booking = speaker.make("dlv_1")
    match told:
        case "NUL":
            booking.references.add(scope="x", value="a\0b")
        case "year":
            booking.dropoff_window.end_time.seconds = 1 << 60
        case "money":
            booking.price.currency_code = "euro"
        case "rule":
            booking.references.add(scope="")

    reply = await call(clients, speaker.carrier)

    assert reply.certainty is Certainty.UNCERTAIN
    assert reply.explanation.startswith("Its answer breaks the contract: booking.")


async def test_an_answer_that_is_too_large_is_no_refusal(clients: CarrierClients, carrier: Make) -> None:
    speaker = await carrier()
    speaker.description.name = "x" * (MAX_ANSWER_BYTES + 1)

    reply = await call(clients, speaker.carrier, pb.DescribeCarrierRequest())

    assert reply.certainty is Certainty.UNCERTAIN
    assert "RESOURCE_EXHAUSTED" in reply.explanation


async def test_nobody_there_is_nothing_certain_within_the_limit(clients: CarrierClients) -> None:
    nobody = Carrier(ref="x", address="127.0.0.1:9", plaintext=True)

    reply = await call(clients, nobody, BOOK)

    assert reply.certainty is Certainty.UNCERTAIN
    assert reply.explanation


async def test_a_carrier_that_hangs_costs_its_own_calls_alone(clients: CarrierClients, carrier: Make) -> None:
    dead, well = await carrier("dead"), await carrier("well")
    dead.mood = lambda _: "hang"

    hanging = [asyncio.create_task(call(clients, dead.carrier, limit=LONG)) for _ in range(FAILURES)]
    await until(lambda: len(dead.asked) == FAILURES)
    answered = await asyncio.gather(*(call(clients, well.carrier) for _ in range(50)))

    assert not any(each.done() for each in hanging)
    assert {each.certainty for each in answered} == {Certainty.YES}
    for each in hanging:
        each.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    assert clients.circuit_state("dead") == CircuitState.CIRCUIT_STATE_CLOSED


async def test_a_carrier_that_never_answers_in_time_is_not_called_for_a_while(
    clients: CarrierClients, carrier: Make, clock: Clock
) -> None:
    dead = await carrier("dead")
    dead.mood = lambda _: "hang"

    missed = await asyncio.gather(*(call(clients, dead.carrier, limit=SOON) for _ in range(FAILURES)))
    refused = await call(clients, dead.carrier)

    assert {each.certainty for each in missed} == {Certainty.UNCERTAIN}
    assert refused.certainty is Certainty.NOT_ASKED
    assert clients.circuit_state("dead") == CircuitState.CIRCUIT_STATE_OPEN
    assert len(dead.asked) <= FAILURES  # one whose time was over before it came was not

    clock.seconds += 10
    dead.mood = lambda _: "well"
    assert (await call(clients, dead.carrier)).certainty is Certainty.YES
    assert clients.circuit_state("dead") == CircuitState.CIRCUIT_STATE_CLOSED


async def test_a_caller_that_gives_up_leaves_nothing_behind(clients: CarrierClients, carrier: Make) -> None:
    speaker = await carrier()
    speaker.mood = lambda _: "hang"

    for number in range(1, 100):
        given_up = asyncio.create_task(call(clients, speaker.carrier))
        await until(lambda number=number: len(speaker.asked) == number)  # type: ignore[misc]
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up

    speaker.mood = lambda _: "well"
    assert (await call(clients, speaker.carrier)).certainty is Certainty.YES


async def test_a_disabled_carrier_is_asked_about_its_bookings_alone(clients: CarrierClients, carrier: Make) -> None:
    speaker = await carrier()
    speaker.carrier.disabled = True

    assert (await call(clients, speaker.carrier, BOOK)).certainty is Certainty.NOT_ASKED
    assert (await call(clients, speaker.carrier)).certainty is Certainty.YES
    assert [method for method, _ in speaker.asked] == ["GetBooking"]


@pytest.mark.parametrize(
    ("address", "plaintext", "told"),
    [
        ("", False, "not registered"),
        ("10.0.0.1:443", False, "not a public address"),
        ("8.8.8.8:443", True, "only TLS"),
        ("no.such.host.invalid:443", False, "leads nowhere"),
    ],
)
async def test_who_cannot_be_called_is_not(clients: CarrierClients, address: str, plaintext: bool, told: str) -> None:
    reply = await call(clients, Carrier(ref="x", address=address, plaintext=plaintext), limit=LONG)

    assert reply.certainty is Certainty.NOT_ASKED
    assert told in reply.explanation


async def test_no_time_left_is_no_call(clients: CarrierClients, carrier: Make) -> None:
    speaker = await carrier()

    assert (await call(clients, speaker.carrier, limit=timedelta(seconds=-1))).certainty is Certainty.NOT_ASKED
    assert not speaker.asked


async def test_what_our_own_library_does_not_send_is_nothing_certain(clients: CarrierClients, carrier: Make) -> None:
    speaker = await carrier()
    speaker.carrier.authorization = "two\nlines"

    assert (await call(clients, speaker.carrier)).certainty is Certainty.UNCERTAIN
    assert not speaker.asked


async def test_connections_are_shared_and_end_when_idle_or_old(
    clients: CarrierClients, channels: Channels, carrier: Make, clock: Clock
) -> None:
    one, other = await carrier("a"), await carrier("b")

    await asyncio.gather(*(call(clients, one.carrier) for _ in range(10)))
    assert len(channels) == 1
    clock.seconds += IDLE_SECONDS + 1
    await call(clients, other.carrier)
    assert len(channels) == 1

    one.mood = lambda _: "hang"
    hanging = asyncio.create_task(call(clients, one.carrier))
    await until(lambda: len(one.asked) == 11)
    clock.seconds += LONGEST_SECONDS + 1
    await call(clients, other.carrier)
    assert not hanging.done()
    assert len(channels) == 2
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    await call(clients, other.carrier)
    assert len(channels) == 1


@pytest.mark.parametrize(("name", "certainty"), [("carriers.test", Certainty.YES), ("other.test", Certainty.UNCERTAIN)])
async def test_a_name_leads_to_its_address_and_the_certificate_must_bear_it(
    carrier: Make, name: str, certainty: Certainty
) -> None:
    authority, key, certificate = certificates.make("carriers.test")
    speaker = await carrier(credentials=grpc.ssl_server_credentials([(key, certificate)]))
    port = speaker.carrier.address.rpartition(":")[2]

    async def ask(host: str, _: int) -> list[str]:
        assert host == name
        return ["127.0.0.1"]

    channels = Channels(ALLOWED, authority, ask=ask)
    named = Carrier(ref="a", address=f"{name}:{port}", authorization="Bearer x")
    reply = await call(CarrierClients(channels), named, pb.DescribeCarrierRequest(), LONG)
    await channels.close()

    assert reply.certainty is certainty
    assert speaker.heard == (["Bearer x"] if certainty is Certainty.YES else [])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.005)
