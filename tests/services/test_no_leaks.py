"""No internals leave: every method of every registered servicer breaks with a secret in its exception."""

from typing import Any

import pytest
from google.protobuf import descriptor_pool
from sqlalchemy.exc import DBAPIError

from services.registry import SERVICERS, Registration
from tests.services.answers import failure_of
from tests.services.conftest import Serve
from tests.services.contract import Method, every_method
from tests.services.least_requests import least_request

CANARY = "canary-7f3a"
SERVED = [method for method in every_method() if method.path.split("/")[1] in {each.name for each in SERVICERS}]
EXCEPTIONS: list[Exception] = [
    RuntimeError(CANARY),
    OSError(2, CANARY, CANARY),
    DBAPIError(f"SELECT {CANARY}", {CANARY: CANARY}, Exception(CANARY)),
    ExceptionGroup(CANARY, [ValueError(CANARY)]),
    type(CANARY, (Exception,), {"__str__": lambda _: CANARY})(),
]


def failing(registration: Registration, raised: list[Exception]) -> Registration:
    """The same service, all of whose methods raise what the list holds first."""

    async def fail(self: Any, request: Any, context: Any) -> Any:
        raise raised[0]

    async def fail_streaming(self: Any, request: Any, context: Any) -> Any:
        for each in raised:
            raise each
        yield

    service = descriptor_pool.Default().FindServiceByName(registration.name)
    methods = {method.name: fail_streaming if method.server_streaming else fail for method in service.methods}
    return registration._replace(make=lambda _: type("Failing", (), methods)())


def test_every_method_that_is_served_is_among_those_that_are_broken_here() -> None:
    assert len(SERVED) == sum(len(descriptor_pool.Default().FindServiceByName(each.name).methods) for each in SERVICERS)


async def test_no_text_of_an_exception_reaches_a_client_by_any_method(
    serve: Serve, system: tuple[tuple[str, str], ...], subtests: pytest.Subtests
) -> None:
    raised = EXCEPTIONS[:1]
    _, channel = await serve(*(failing(each, raised) for each in SERVICERS), log_level="ERROR", log_calls=False)

    for method in SERVED:
        for each in EXCEPTIONS:
            raised[0] = each
            failure = await failure_of(_call(method, channel, system))
            with subtests.test(method=method.name, exception=type(each).__name__):
                assert failure.reason in ("INTERNAL", "UNAVAILABLE")
                assert CANARY not in failure.everything
                assert len(failure.retries) == 1


async def _call(method: Method, channel: Any, metadata: tuple[tuple[str, str], ...]) -> Any:
    return await method.call(channel, least_request(method.request_class), metadata)
