"""How failures of the services reach HubRise's clients: services that fail as they are told, over both wires."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from crossdock.v1 import (
    access_pb2,
    access_service_pb2,
    access_service_pb2_grpc,
    delivery_service_pb2,
    delivery_service_pb2_grpc,
    location_pb2,
    location_service_pb2,
    location_service_pb2_grpc,
)
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_DISPATCHED, Delivery
from crossdock.v1.error_reason_pb2 import ErrorReason

from gateway.config import Settings
from gateway.dialects.hubrise import errors
from gateway.server import Server
from services.errors import CODES, Problem, Violation
from services.statuses import write_status
from tests.dialects.hubrise.hubrise_answers import error_of, only

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/location/orders/ord_1/delivery"
TOKEN = "xd_made_up"
CANARY = "canary-10.0.0.7"
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass
class StandIn(
    access_service_pb2_grpc.AccessServiceServicer,
    delivery_service_pb2_grpc.DeliveryServiceServicer,
    location_service_pb2_grpc.LocationServiceServicer,
):
    """One location with one delivery.

    `fails` is what reading the delivery ends with, `conflicts` how many updates find that somebody was quicker.
    """

    fails: Problem | grpc.StatusCode | None = None
    conflicts: int = 0
    hangs: bool = False
    raves: bool = False
    calls: list[tuple[str, dict[str, str], float]] = field(default_factory=list)

    async def GetCaller(self, request: Any, context: Context) -> access_service_pb2.GetCallerResponse:
        self._note("GetCaller", context)
        token = access_pb2.Token(level=access_pb2.ACCESS_LEVEL_LOCATION, location_id="loc_1")
        return access_service_pb2.GetCallerResponse(token=token, level=token.level)

    async def GetLocation(self, request: Any, context: Context) -> location_service_pb2.GetLocationResponse:
        self._note("GetLocation", context)
        location = location_pb2.Location(id="loc_1", time_zone="Europe/Paris")
        return location_service_pb2.GetLocationResponse(location=location)

    async def GetDeliveryByOrder(
        self, request: Any, context: Context
    ) -> delivery_service_pb2.GetDeliveryByOrderResponse:
        self._note("GetDeliveryByOrder", context)
        if self.hangs:
            await asyncio.Event().wait()
        if isinstance(self.fails, Problem):
            await abort(context, self.fails)
        elif self.fails is not None:
            await context.abort(self.fails, CANARY)
        delivery = Delivery(id="dlv_1", location_id="loc_1", status=DELIVERY_STATUS_DISPATCHED)
        if self.raves:
            delivery.estimates.pickup_time.seconds = 2**60
        return delivery_service_pb2.GetDeliveryByOrderResponse(delivery=delivery)

    async def UpdateDelivery(
        self, request: delivery_service_pb2.UpdateDeliveryRequest, context: Context
    ) -> delivery_service_pb2.UpdateDeliveryResponse:
        self._note("UpdateDelivery", context)
        if self.conflicts:
            self.conflicts -= 1
            await abort(context, Problem("ETAG_MISMATCH", CANARY, {"resource": "delivery", "id": "dlv_1"}))
        return delivery_service_pb2.UpdateDeliveryResponse(delivery=request.delivery)

    def _note(self, method: str, context: Context) -> None:
        metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        self.calls.append((method, metadata, context.time_remaining()))


async def abort(context: Context, problem: Problem) -> None:
    """Fail as our services do."""
    details = write_status(problem).SerializeToString()
    await context.abort(problem.code, problem.message, (("grpc-status-details-bin", details),))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[tuple[StandIn, str]]:
    stand_in = StandIn()  # type: ignore[abstract]  # the methods that the dialect calls here
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    access_service_pb2_grpc.add_AccessServiceServicer_to_server(stand_in, server)
    delivery_service_pb2_grpc.add_DeliveryServiceServicer_to_server(stand_in, server)
    location_service_pb2_grpc.add_LocationServiceServicer_to_server(stand_in, server)
    services = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    settings = Settings(http="127.0.0.1:0", services=services, notice_seconds=0, services_seconds=5)
    gateway = await Server.start(settings, {})
    yield stand_in, f"{gateway.url}/hubrise/v1"
    await gateway.stop(1)
    await server.stop(0)


@pytest_asyncio.fixture(loop_scope="module")
async def stand_in(running: tuple[StandIn, str]) -> StandIn:
    running[0].fails, running[0].conflicts, running[0].hangs, running[0].raves = None, 0, False, False
    running[0].calls.clear()
    return running[0]


@pytest_asyncio.fixture(loop_scope="module")
async def client(running: tuple[StandIn, str], stand_in: StandIn) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=running[1], headers={"X-Access-Token": TOKEN}, timeout=60) as client:
        yield client


STATUSES = {
    "INTERNAL": (500, "internal_error"),
    "METHOD_NOT_SERVED": (404, "routing_error"),
    "TOKEN_INVALID": (401, "unauthorized"),
    "TOKEN_ENDED": (401, "unauthorized"),
    "SCOPE_MISSING": (403, "forbidden"),
    "CANCELLATION_NOT_ALLOWED": (403, "forbidden"),
    "NOT_FOUND": (404, "not_found"),
    "TOO_MANY_REQUESTS": (429, "too_many_requests"),
} | dict.fromkeys(
    (
        *("ETAG_MISMATCH", "PLACE_ORDER_FAILED", "DISPATCH_UNDER_WAY", "OVERLOADED", "UNAVAILABLE", "SLOW_READER"),
        *("SHUTTING_DOWN", "DEADLINE_EXCEEDED", "UNMAPPED_ERROR", "PROOF_UNAVAILABLE"),
    ),
    (503, "internal_error"),
)
"""What is not here is the client's to mend: 422."""


@pytest.mark.parametrize("reason", sorted(CODES))
async def test_every_reason_has_a_documented_status_and_type(
    stand_in: StandIn, client: httpx.AsyncClient, reason: str
) -> None:
    stand_in.fails = Problem(reason, "a sentence", {"field": "delivery.fee", "from": "?", "to": "?"})

    answer = await client.get(PATH)

    assert error_of(answer) == STATUSES.get(reason, (422, "unprocessable_entity"))
    assert ("Retry-After" in answer.headers) == (answer.status_code in (429, 500, 503))
    if answer.status_code == 422:
        assert only(answer)["message"]


async def test_the_table_names_every_code_that_can_fail() -> None:
    assert set(errors.CODES) == set(grpc.StatusCode) - {grpc.StatusCode.OK}
    assert {f"ERROR_REASON_{reason}" for reason in {*errors.REASONS, *errors.FIELDS}} <= set(ErrorReason.keys())


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
async def test_what_others_say_on_the_way_is_not_told(
    stand_in: StandIn, client: httpx.AsyncClient, code: grpc.StatusCode
) -> None:
    stand_in.fails = code

    answer = await client.get(PATH)

    assert (answer.status_code, answer.json()["error_type"]) == tuple(errors.CODES[code])
    assert CANARY not in answer.text


@pytest.mark.parametrize("reason", ["INTERNAL", "UNAVAILABLE", "TOKEN_INVALID"])
async def test_what_is_no_business_of_the_client_is_not_told(
    stand_in: StandIn, client: httpx.AsyncClient, reason: str
) -> None:
    stand_in.fails = Problem(reason, CANARY)

    answer = await client.get(PATH)

    assert answer.json()["message"]
    assert CANARY not in answer.text


async def test_violations_of_the_contract_are_told_by_the_documents_names(
    stand_in: StandIn, client: httpx.AsyncClient
) -> None:
    broken = {"delivery.courier.name": "driver_name", "delivery.tracking_number": "ref", "delivery.carrier": "carrier"}
    stand_in.fails = Problem("INVALID_REQUEST", "no", {}, tuple(Violation(path, "is too long") for path in broken))

    answer = await client.get(PATH)

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": name, "message": "is too long"} for name in broken.values()]


async def test_what_is_wrong_with_the_address_is_not_there(stand_in: StandIn, client: httpx.AsyncClient) -> None:
    stand_in.fails = Problem("INVALID_REQUEST", "no", {}, (Violation("order_id", "is too long"),))

    assert error_of(await client.get(PATH)) == (404, "not_found")


async def test_the_time_to_wait_is_told_in_whole_seconds(stand_in: StandIn, client: httpx.AsyncClient) -> None:
    waits = {0.1: "1", 1.0: "1", 1.1: "2", 60.0: "60"}

    for seconds, told in waits.items():
        stand_in.fails = Problem("TOO_MANY_REQUESTS", "slower", {}, (), seconds)
        assert (await client.get(PATH)).headers["Retry-After"] == told


async def test_services_that_do_not_answer_in_time_are_unavailable(
    stand_in: StandIn, client: httpx.AsyncClient
) -> None:
    stand_in.hangs = True

    answer = await client.get(PATH)

    assert error_of(answer) == (503, "internal_error")
    assert answer.headers["Retry-After"] == "1"


async def test_a_fault_of_ours_says_nothing_and_reaches_browsers(stand_in: StandIn, client: httpx.AsyncClient) -> None:
    stand_in.raves = True

    answer = await client.get(PATH)

    assert answer.status_code == 500
    assert answer.json() == {"message": "Something broke on our side", "error_type": "internal_error"}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Request-Id"]


async def test_an_update_that_met_another_one_is_tried_again(stand_in: StandIn, client: httpx.AsyncClient) -> None:
    stand_in.conflicts = 4

    answer = await client.patch(PATH, json={"ref": "1"})

    assert (answer.status_code, answer.json()["ref"]) == (200, "1")
    assert [method for method, _, _ in stand_in.calls if method == "UpdateDelivery"] == ["UpdateDelivery"] * 5


async def test_an_update_that_keeps_meeting_others_may_be_sent_again(
    stand_in: StandIn, client: httpx.AsyncClient
) -> None:
    stand_in.conflicts = 100

    answer = await client.patch(PATH, json={"ref": "1"})

    assert error_of(answer) == (503, "internal_error")
    assert CANARY not in answer.text
    assert len([method for method, _, _ in stand_in.calls if method == "UpdateDelivery"]) == 5


async def test_every_call_is_made_with_the_clients_token_its_requests_id_and_a_deadline(
    stand_in: StandIn, client: httpx.AsyncClient
) -> None:
    headers = {"X-Access-Token": "xd_another", "X-Request-Id": "partner-4711", "Authorization": "Bearer of nothing"}

    await client.patch(PATH, json={"ref": "1"}, headers=headers)

    assert [method for method, _, _ in stand_in.calls] == [
        "GetCaller",
        "GetLocation",
        "GetDeliveryByOrder",
        "UpdateDelivery",
    ]
    for _, metadata, seconds in stand_in.calls:
        assert metadata["authorization"] == "Bearer xd_another"
        assert metadata["x-request-id"] == "partner-4711"
        assert 0 < seconds < 6  # five seconds, and what clocks differ by


async def test_a_position_takes_one_call_however_busy_the_delivery_is(
    stand_in: StandIn, client: httpx.AsyncClient
) -> None:
    headers = {"X-Access-Token": "xd_a_driver"}

    answer = await client.patch(PATH, json={"driver_latitude": "1.5", "driver_longitude": "2.5"}, headers=headers)

    assert (answer.status_code, answer.json()["driver_latitude"]) == (200, "1.5")
    assert [method for method, _, _ in stand_in.calls] == ["GetCaller", "GetLocation", "UpdateDelivery"]


async def test_who_calls_and_from_where_is_remembered_for_a_while(stand_in: StandIn, client: httpx.AsyncClient) -> None:
    for _ in range(3):
        await client.get(PATH, headers={"X-Access-Token": "xd_seen_thrice"})

    methods = [method for method, _, _ in stand_in.calls]
    assert sorted(methods) == ["GetCaller"] + ["GetDeliveryByOrder"] * 3 + ["GetLocation"]
