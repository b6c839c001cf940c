"""Every failure through a real loopback server, as one table."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import location_service_pb2 as pb
from crossdock.v1.error_reason_pb2 import ErrorReason
from crossdock.v1.event_service_pb2 import WatchEventsRequest, WatchEventsResponse
from google.protobuf.message import DecodeError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

import services
from runtime.coalescer import CoalescerClosed, Overloaded
from services.errors import Problem, Violation
from services.server import Server
from tests.services.answers import failure_of
from tests.services.conftest import Serve
from tests.services.stand_ins import EventServiceStub, LocationServiceStub, get_location, watch_events

Metadata = tuple[tuple[str, str], ...]
REQUEST = pb.GetLocationRequest(location_id="loc_x")
CONTRACT = Path(services.__file__).parents[1] / "proto/crossdock/v1/error_reason.proto"
DOCUMENTED = re.findall(
    r"// ([A-Z_]+), (hard|transient)\.[^\n]*\n(?:\s*//[^\n]*\n)*\s*ERROR_REASON_([A-Z_]+) =", CONTRACT.read_text()
)


def wrapped(kind: type[Exception]) -> DBAPIError:
    """A driver's error as SQLAlchemy's dialect passes it on."""
    original = Exception("secret")
    original.sqlstate = kind.sqlstate  # type: ignore[attr-defined]
    return DBAPIError("SELECT secret", {"a": "secret"}, original)


async def test_every_reason_arrives_as_its_comment_in_the_contract_says(serve: Serve, system: Metadata) -> None:
    async def raise_wanted(request: pb.GetLocationRequest) -> pb.GetLocationResponse:
        raise Problem(request.location_id, f"about {request.location_id}", {"key": "value"})

    _, channel = await serve(get_location(raise_wanted))
    stub = LocationServiceStub(channel)

    arrived = []
    for _, _, reason in DOCUMENTED:
        failure = await failure_of(stub.GetLocation(pb.GetLocationRequest(location_id=reason), metadata=system))
        assert failure.reason == reason
        assert failure.metadata == {"key": "value"}
        assert failure.message == f"about {reason}"
        arrived.append((failure.code.name, "transient" if failure.retries else "hard", reason))

    assert arrived == DOCUMENTED
    known = ErrorReason.DESCRIPTOR.values_by_name
    assert {f"ERROR_REASON_{reason}" for _, _, reason in DOCUMENTED} == {*known} - {"ERROR_REASON_UNSPECIFIED"}


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (RuntimeError("secret"), "INTERNAL"),
        (KeyError("secret"), "INTERNAL"),
        (ExceptionGroup("secret", [ValueError("secret")]), "INTERNAL"),
        (StopIteration("secret"), "INTERNAL"),
        (wrapped(asyncpg.UndefinedTableError), "INTERNAL"),
        (wrapped(asyncpg.UniqueViolationError), "INTERNAL"),
        (wrapped(asyncpg.SerializationError), "UNAVAILABLE"),
        (wrapped(asyncpg.DeadlockDetectedError), "UNAVAILABLE"),
        (wrapped(asyncpg.LockNotAvailableError), "UNAVAILABLE"),
        (wrapped(asyncpg.DiskFullError), "UNAVAILABLE"),
        (wrapped(asyncpg.ReadOnlySQLTransactionError), "UNAVAILABLE"),
        (wrapped(asyncpg.QueryCanceledError), "DEADLINE_EXCEEDED"),
        (wrapped(asyncpg.CharacterNotInRepertoireError), "INVALID_REQUEST"),
        (DBAPIError("SELECT secret", {}, Exception("secret"), connection_invalidated=True), "UNAVAILABLE"),
        (asyncpg.CannotConnectNowError("secret"), "UNAVAILABLE"),
        (asyncpg.TooManyConnectionsError("secret"), "UNAVAILABLE"),
        (asyncpg.InvalidPasswordError("secret"), "INTERNAL"),
        (PoolTimeout("secret"), "UNAVAILABLE"),
        (ConnectionRefusedError("secret"), "UNAVAILABLE"),
        (TimeoutError("secret"), "UNAVAILABLE"),
        (DecodeError("secret"), "INVALID_REQUEST"),
        (NotImplementedError("secret"), "METHOD_NOT_SERVED"),
        (Overloaded("secret"), "OVERLOADED"),
        (CoalescerClosed("secret"), "SHUTTING_DOWN"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{type(value).__name__}",
)
async def test_an_exception_of_any_kind_becomes_a_reason_and_tells_nothing(
    serve: Serve, system: Metadata, raised: Exception, reason: str
) -> None:
    async def fail(_: pb.GetLocationRequest) -> pb.GetLocationResponse:
        raise raised

    _, channel = await serve(get_location(fail))

    failure = await failure_of(LocationServiceStub(channel).GetLocation(REQUEST, metadata=system))

    assert failure.reason == reason
    assert "secret" not in failure.everything


async def test_what_broke_is_found_in_the_log_by_the_request_id_that_was_sent(
    serve: Serve, system: Metadata, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(_: pb.GetLocationRequest) -> pb.GetLocationResponse:
        raise RuntimeError("the inside story")

    _, channel = await serve(get_location(fail))

    failure = await failure_of(
        LocationServiceStub(channel).GetLocation(REQUEST, metadata=(*system, ("x-request-id", "from-the-edge-7")))
    )

    assert failure.metadata == {"request_id": "from-the-edge-7"}
    told = "".join(capsys.readouterr())
    assert "the inside story" in told
    assert "from-the-edge-7" in told


@pytest.mark.parametrize("junk", ["two words", "x" * 101, "${jndi}", ""])
async def test_a_request_id_that_is_no_token_is_replaced(serve: Serve, system: Metadata, junk: str) -> None:
    async def fail(_: pb.GetLocationRequest) -> pb.GetLocationResponse:
        raise RuntimeError

    _, channel = await serve(get_location(fail))

    failure = await failure_of(
        LocationServiceStub(channel).GetLocation(REQUEST, metadata=(*system, ("x-request-id", junk)))
    )

    assert re.fullmatch(r"req_[0-9a-f]{24}", failure.metadata["request_id"])


async def test_all_violations_arrive_with_their_paths(
    server: Server, channel: grpc.aio.Channel, system: Metadata
) -> None:
    request = pb.CreateLocationRequest(request_id="x" * 300)

    failure = await failure_of(LocationServiceStub(channel).CreateLocation(request, metadata=system))

    assert failure.reason == "INVALID_REQUEST"
    assert {(each.field, each.reason) for each in failure.violations} == {
        ("location", "required"),
        ("request_id", "string.max_len"),
    }


async def test_a_character_that_no_column_holds_is_refused_with_its_path(
    server: Server, channel: grpc.aio.Channel, system: Metadata
) -> None:
    failure = await failure_of(
        LocationServiceStub(channel).GetLocation(pb.GetLocationRequest(location_id="loc\0x"), metadata=system)
    )

    assert [(each.field, each.reason) for each in failure.violations] == [("location_id", "string.nul")]


async def test_more_violations_than_a_header_holds_are_counted(serve: Serve, system: Metadata) -> None:
    async def fail(_: pb.GetLocationRequest) -> pb.GetLocationResponse:
        many = tuple(Violation(f"webhooks[{number}].source_id", "é" * 3000) for number in range(1000))
        raise Problem("INVALID_REQUEST", "é" * 50_000, violations=many)

    _, channel = await serve(get_location(fail))

    failure = await failure_of(LocationServiceStub(channel).GetLocation(REQUEST, metadata=system))

    assert failure.reason == "INVALID_REQUEST"
    told = len(failure.violations) - 1
    assert told > 0
    assert failure.violations[-1].description == f"and {1000 - told} more"


async def test_bytes_that_are_no_message_are_a_violation(
    server: Server, channel: grpc.aio.Channel, system: Metadata
) -> None:
    raw = channel.unary_unary("/crossdock.v1.LocationService/GetLocation", None, None)

    junk = await failure_of(raw(b"\xff\xff\xff", metadata=system))
    not_utf8 = await failure_of(raw(b"\x0a\x01\xff", metadata=system))
    large = await failure_of(raw(b"\x0a\x80\x80\x40" + b"x" * (1024 * 1024), metadata=system))

    assert [each.reason for each in (junk, not_utf8, large)] == ["INVALID_REQUEST"] * 3
    assert [each.violations[0].reason for each in (junk, not_utf8, large)] == ["decode", "decode", "max_bytes"]


@pytest.mark.parametrize(
    "method",
    ["/crossdock.v1.CarrierService/Book", "/crossdock.v1.LocationService/Invented", "/nobody.v1.Any/Thing"],
)
async def test_what_is_not_served_says_so(server: Server, channel: grpc.aio.Channel, method: str) -> None:
    failure = await failure_of(channel.unary_unary(method, None, None)(b""))

    assert failure.code is grpc.StatusCode.UNIMPLEMENTED
    assert failure.reason == "METHOD_NOT_SERVED"
    assert failure.metadata == {"method": method}


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", ""),),
        (("authorization", "Basic eDp5"),),
        (("authorization", "Bearer "),),
        (("authorization", "Bearer wrong"),),
        (("authorization", "Bearer a"), ("authorization", "Bearer b")),
    ],
)
async def test_nobody_is_served_without_a_token_of_ours(
    server: Server, channel: grpc.aio.Channel, metadata: Metadata
) -> None:
    failure = await failure_of(LocationServiceStub(channel).GetLocation(REQUEST, metadata=metadata))

    assert failure.code is grpc.StatusCode.UNAUTHENTICATED
    assert failure.reason == "TOKEN_INVALID"


async def test_a_stream_that_breaks_tells_it_after_what_was_sent(serve: Serve, system: Metadata) -> None:
    async def two_then_break(_: WatchEventsRequest) -> AsyncIterator[WatchEventsResponse]:
        yield WatchEventsResponse(cursor="1")
        yield WatchEventsResponse(cursor="2")
        raise RuntimeError("secret")

    _, channel = await serve(watch_events(two_then_break))
    call: Any = EventServiceStub(channel).WatchEvents(WatchEventsRequest(), metadata=system)

    seen = [(await call.read()).cursor, (await call.read()).cursor]
    failure = await failure_of(call.read())

    assert seen == ["1", "2"]
    assert failure.reason == "INTERNAL"
    assert "secret" not in failure.everything


async def test_a_real_deadlock_is_told_as_one_that_may_be_tried_again(server: Server) -> None:
    async with server.hub.engine.connect() as connection:
        with pytest.raises(DBAPIError) as caught:
            await connection.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"))

    from services.faults import problem_of

    assert problem_of(caught.value, "/m", "r").reason == "UNAVAILABLE"
