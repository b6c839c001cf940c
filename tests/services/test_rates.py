"""One token that calls far too often is held to its rate; nobody else notices."""

import asyncio
from uuid import uuid4

import grpc
import pytest
from crossdock.v1.access_pb2 import AccessLevel, Scope, Token
from crossdock.v1.access_service_pb2 import CreateTokenRequest, GetCallerRequest
from crossdock.v1.access_service_pb2_grpc import AccessServiceStub
from hypothesis import given
from hypothesis import strategies as st

from services.interceptors.rates import BURST_SECONDS, Rates
from tests.services.accounts import ALL_SCOPES, Account, Metadata, make_token
from tests.services.answers import failure_of

ACCOUNT = AccessLevel.ACCESS_LEVEL_ACCOUNT


async def test_a_token_beyond_its_rate_is_told_when_to_come_again_and_others_are_served(
    channel: grpc.aio.Channel, account: Account
) -> None:
    stub = AccessServiceStub(channel)
    _, hasty = await make_token(channel, account.metadata, level=ACCOUNT, scopes=ALL_SCOPES, calls_per_minute=60)
    _, calm = await make_token(channel, account.metadata, level=ACCOUNT, scopes=ALL_SCOPES)

    async def ask(metadata: Metadata) -> grpc.StatusCode:
        try:
            await stub.GetCaller(GetCallerRequest(), metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    outcomes = await asyncio.gather(*(ask(hasty) for _ in range(100)))
    failure = await failure_of(stub.GetCaller(GetCallerRequest(), metadata=hasty))

    assert outcomes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) >= 50  # ten at once, and then one a second
    assert outcomes.count(grpc.StatusCode.OK) >= 10
    assert (failure.reason, failure.metadata) == ("TOO_MANY_REQUESTS", {"limit": "60/min"})
    assert len(failure.retries) == 1
    assert {await ask(calm) for _ in range(100)} == {grpc.StatusCode.OK}


async def test_a_token_cannot_make_a_faster_one(channel: grpc.aio.Channel, account: Account) -> None:
    _, slow = await make_token(channel, account.metadata, level=ACCOUNT, scopes=ALL_SCOPES, calls_per_minute=600)
    stub = AccessServiceStub(channel)
    wanted = Token(display_name="x", level=ACCOUNT, scopes=[Scope.SCOPE_ACCESS_WRITE])

    made = await stub.CreateToken(CreateTokenRequest(token=wanted), metadata=slow)
    wanted.calls_per_minute = 601
    failure = await failure_of(stub.CreateToken(CreateTokenRequest(token=wanted), metadata=slow))

    assert made.token.calls_per_minute == 600
    assert failure.reason == "INVALID_REQUEST"


@given(
    st.integers(1, 6000),
    st.lists(st.floats(0, 30, allow_subnormal=False), min_size=1, max_size=200),
)
def test_over_any_stretch_a_token_gets_its_rate_and_one_burst_at_most(limit: int, pauses: list[float]) -> None:
    now, token = 0.0, uuid4()
    rates = Rates(clock=lambda: now)
    taken: list[float] = []

    for pause in pauses:
        now += pause
        if not rates.take(token, limit):
            taken.append(now)

    interval = 60 / limit
    for first, begin in enumerate(taken):
        within = (end for end in taken[first:])
        for count, end in enumerate(within, 1):
            assert count <= (end - begin + max(BURST_SECONDS, interval)) / interval + 1e-6


@pytest.mark.parametrize("limit", [1, 7, 60, 500, 60_000])
def test_who_waits_as_told_is_served(limit: int) -> None:
    now, token = 0.0, uuid4()
    rates = Rates(clock=lambda: now)
    while not (wait := rates.take(token, limit)):
        pass

    now += wait + 1e-9

    assert rates.take(token, limit) == 0.0


def test_tokens_beyond_the_remembered_number_push_out_the_one_that_was_silent_longest() -> None:
    rates = Rates(clock=lambda: 0.0, max_remembered=2)
    first, *others = (uuid4() for _ in range(3))
    assert rates.take(first, 1) == 0.0
    assert rates.take(first, 1) > 0

    for other in others:
        rates.take(other, 1)

    assert rates.take(first, 1) == 0.0
