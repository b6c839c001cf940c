"""The 51 documented rows of errors, each reached through the routes with services that really refuse over gRPC."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
import httpx
import pytest
from crossdock.v1 import access_service_pb2, location_service_pb2
from crossdock.v1 import shipment_service_pb2 as contract
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from gateway.dialects.deliverysolutions.errors import TABLES
from gateway.dialects.deliverysolutions.routes import application
from gateway.services_client import ServicesClient
from services.errors import CODES, TRANSIENT

Json = dict[str, Any]
ONE = "/shipments/7709-001"


def _body(name: str) -> Any:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text())


CALLS: dict[str, tuple[str, str, Any]] = {
    "create": ("POST", "/shipments", _body("create")),
    "list": ("POST", "/shipments/list", {}),
    "get": ("GET", ONE, None),
    "cancel": ("DELETE", ONE, None),
    "edit": ("PUT", ONE, _body("edit")),
    "history": ("GET", f"{ONE}/status-history", None),
    "retry": ("POST", f"{ONE}/retry", None),
}

DOCUMENTED = """
create  UNAUTHORIZED 401 Hard              TOKEN_INVALID
create  INTERNAL_SERVER_ERROR 500 Transient INTERNAL
create  VALIDATION_ERROR 400 Hard          INVALID_REQUEST
create  INVALID_DATA 422 Hard              LOCATION_UNKNOWN
create  DUPLICATE_ID 422 Hard              DUPLICATE_ID
create  DUPLICATE_NAME 422 Hard            DUPLICATE_NAME
create  DUPLICATE_RESOURCE 422 Hard        DUPLICATE_RESOURCE
create  NO_PROVIDER_ASSIGNED 422 Hard      NO_PROVIDER_ASSIGNED
create  NO_PROVIDER_MATCHED 422 Hard       NO_PROVIDER_MATCHED
create  PLACE_ORDER_FAILED 422 Transient   PLACE_ORDER_FAILED
create  GEOCODING_FAILED 422 Hard          GEOCODING_FAILED
create  TOO_MANY_REQUESTS 429 Transient    TOO_MANY_REQUESTS
create  UNMAPPED_ERROR 422 Transient       UNMAPPED_ERROR
list    UNAUTHORIZED 401 Hard              TOKEN_INVALID
list    INTERNAL_SERVER_ERROR 500 Transient INTERNAL
list    INVALID_DATA 400 Hard              TIME_RANGE_TOO_LONG
get     UNAUTHORIZED 401 Hard              TOKEN_INVALID
get     INTERNAL_SERVER_ERROR 500 Transient INTERNAL
get     INVALID_DATA 422 Hard              -
get     NOT_FOUND 404 Hard                 NOT_FOUND
cancel  UNAUTHORIZED 401 Hard              TOKEN_INVALID
cancel  INTERNAL_SERVER_ERROR 500 Transient INTERNAL
cancel  NOT_FOUND 404 Hard                 NOT_FOUND
cancel  CANCELLATION_NOT_ALLOWED 403 Hard  CANCELLATION_NOT_ALLOWED
cancel  ORDER_CANCELLATION_FAILED 422 Hard ORDER_CANCELLATION_FAILED
cancel  ORDER_ALREADY_CANCELED 409 Hard    ORDER_ALREADY_CANCELED
cancel  TOO_MANY_REQUESTS 429 Transient    TOO_MANY_REQUESTS
cancel  UNMAPPED_ERROR 422 Transient       UNMAPPED_ERROR
edit    UNAUTHORIZED 401 Hard              TOKEN_INVALID
edit    INTERNAL_SERVER_ERROR 500 Transient INTERNAL
edit    INVALID_DATA 400 Hard              LOCATION_UNKNOWN
edit    VALIDATION_ERROR 400 Hard          FIELD_LOCKED
edit    NOT_FOUND 404 Hard                 NOT_FOUND
edit    NO_PROVIDER_ASSIGNED 422 Hard      NO_PROVIDER_ASSIGNED
edit    NO_PROVIDER_MATCHED 422 Hard       NO_PROVIDER_MATCHED
edit    PLACE_ORDER_FAILED 422 Transient   PLACE_ORDER_FAILED
edit    GEOCODING_FAILED 422 Hard          GEOCODING_FAILED
edit    TOO_MANY_REQUESTS 429 Transient    TOO_MANY_REQUESTS
edit    UNMAPPED_ERROR 422 Transient       UNMAPPED_ERROR
history UNAUTHORIZED 401 Hard              TOKEN_INVALID
history INTERNAL_SERVER_ERROR 500 Transient INTERNAL
retry   UNAUTHORIZED 401 Hard              TOKEN_INVALID
retry   INTERNAL_SERVER_ERROR 500 Transient INTERNAL
retry   NOT_FOUND 404 Hard                 NOT_FOUND
retry   INVALID_DATA 422 Hard              -
retry   INVALID_OPERATION 409 Hard         RETRY_NOT_POSSIBLE
retry   NO_PROVIDER_ASSIGNED 422 Hard      NO_PROVIDER_ASSIGNED
retry   NO_PROVIDER_MATCHED 422 Hard       NO_PROVIDER_MATCHED
retry   PLACE_ORDER_FAILED 422 Transient   PLACE_ORDER_FAILED
retry   TOO_MANY_REQUESTS 429 Transient    TOO_MANY_REQUESTS
retry   UNMAPPED_ERROR 422 Transient       UNMAPPED_ERROR
"""
"""Operation, type, HTTP code and severity as the document lists them; and the reason of ours that leads there."""

ROWS = [tuple(line.split()) for line in DOCUMENTED.strip().splitlines()]


SERVED = [
    contract.DESCRIPTOR.services_by_name["ShipmentService"],
    access_service_pb2.DESCRIPTOR.services_by_name["AccessService"],
    location_service_pb2.DESCRIPTOR.services_by_name["LocationService"],
]


@dataclass
class Refusing:
    """Services that answer with one shipment, or refuse everything but reading it with one reason."""

    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[tuple[str, str], ...] = ()
    bare: grpc.StatusCode | None = None
    requests: list[Message] = field(default_factory=list)
    external_ids: list[str] = field(default_factory=list)
    """Of the shipments that were read."""

    async def GetCaller(self, request: Message, context: Any) -> Message:
        if self.reason == "TOKEN_INVALID":
            await self._refuse(context)
        answer = access_service_pb2.GetCallerResponse()
        answer.tenant.external_id = "dummyaccount1"
        return answer

    async def GetLocation(self, request: Message, context: Any) -> Message:
        answer = location_service_pb2.GetLocationResponse()
        answer.location.time_zone = "America/Chicago"
        return answer

    async def ListLocations(self, request: Message, context: Any) -> Message:
        answer = location_service_pb2.ListLocationsResponse()
        answer.locations.add(currency_code="USD")
        return answer

    async def GetShipmentByExternalId(
        self, request: contract.GetShipmentByExternalIdRequest, context: Any
    ) -> contract.GetShipmentByExternalIdResponse:
        self.external_ids.append(request.external_id)
        if self.reason in ("NOT_FOUND", "INTERNAL") or self.bare:
            await self._refuse(context)
        answer = contract.GetShipmentByExternalIdResponse()
        answer.shipment.id, answer.shipment.location_id = "shp_1", "loc_1"
        return answer

    async def CreateShipment(self, request: Message, context: Any) -> Message:
        return await self._answer(request, context, contract.CreateShipmentResponse())

    async def UpdateShipment(self, request: Message, context: Any) -> Message:
        return await self._answer(request, context, contract.UpdateShipmentResponse())

    async def CancelShipment(self, request: Message, context: Any) -> Message:
        return await self._answer(request, context, contract.CancelShipmentResponse())

    async def RetryShipment(self, request: Message, context: Any) -> Message:
        return await self._answer(request, context, contract.RetryShipmentResponse())

    async def ListShipments(self, request: Message, context: Any) -> Message:
        return await self._answer(request, context, contract.ListShipmentsResponse())

    async def ListShipmentHistory(self, request: Message, context: Any) -> Message:
        return await self._answer(request, context, contract.ListShipmentHistoryResponse())

    async def _answer(self, request: Message, context: Any, response: Message) -> Message:
        self.requests.append(request)
        if self.reason or self.bare:
            await self._refuse(context)
        if "warnings" in response.DESCRIPTOR.fields_by_name:
            response.warnings.add(code="LABEL_MISSING", message="no label")  # type: ignore[attr-defined]
        return response

    async def _refuse(self, context: Any) -> None:
        if self.bare:
            await context.abort(self.bare, "10.0.0.1: secret")
        info = ErrorInfo(reason=self.reason, domain="crossdock", metadata=self.metadata)
        details: list[Message] = [info]
        if self.violations:
            bad = BadRequest()
            for path, description in self.violations:
                bad.field_violations.add(field=path, description=description)
            details.append(bad)
        if self.reason in TRANSIENT:
            retry = RetryInfo()
            retry.retry_delay.FromMilliseconds(int(TRANSIENT[self.reason] * 1000))
            details.append(retry)
        packed = []
        for detail in details:
            packed.append(Packed())
            packed[-1].Pack(detail)
        status = Status(code=CODES[self.reason].value[0], message="in words", details=packed)
        await context.abort_with_status(rpc_status.to_status(status))


@pytest.fixture
async def refusing() -> Refusing:
    return Refusing()


@pytest.fixture
async def client(refusing: Refusing) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the dialect's routes, in front of services that refuse."""
    server = grpc.aio.server()
    for service in SERVED:
        handlers = {
            method.name: grpc.unary_unary_rpc_method_handler(
                getattr(refusing, method.name),
                GetMessageClass(method.input_type).FromString,
                GetMessageClass(method.output_type).SerializeToString,
            )
            for method in service.methods
            if hasattr(refusing, method.name)
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        transport = httpx.ASGITransport(application(ServicesClient(channel)), raise_app_exceptions=False)
        headers = {"x-api-key": "key", "tenantid": "dummyaccount1"}
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
            yield http
    await server.stop(0)


async def send(client: httpx.AsyncClient, operation: str, **more: Any) -> httpx.Response:
    method, path, body = CALLS[operation]
    return await client.request(method, more.pop("path", path), json=more.pop("json", body), **more)


def test_the_tables_are_the_documented_ones() -> None:
    told = {
        (operation, kind, str(row.http), "Transient" if row.transient else "Hard")
        for operation, table in TABLES.items()
        for kind, row in table.items()
    }

    assert len(ROWS) == 51
    assert told == {row[:4] for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
async def test_every_documented_row_is_reached(
    row: tuple[str, str, str, str, str], client: httpx.AsyncClient, refusing: Refusing
) -> None:
    operation, kind, status, severity, reason = row
    if reason == "-":  # refused before the services are asked: an id that none can be
        path = CALLS[operation][1].replace("7709-001", "x" * 101)
        answer = await send(client, operation, path=path)
    else:
        refusing.reason = reason
        answer = await send(client, operation)

    assert (answer.status_code, answer.json()["type"]) == (int(status), kind)
    assert answer.json()["message"]
    assert ("retry-after" in answer.headers) == (severity == "Transient")


@pytest.mark.parametrize("operation", ["get", "cancel", "history", "retry"])
async def test_an_id_that_none_can_be_is_the_callers_fault(client: httpx.AsyncClient, operation: str) -> None:
    answer = await send(client, operation, path=CALLS[operation][1].replace("7709-001", "x" * 101))

    assert (answer.status_code, answer.json()["type"]) == (422, "INVALID_DATA")


@pytest.mark.parametrize("spelt", ["2024%2F001", "2024/001", "%2F", "a%2Fstatus-history%2Fb", "list"])
@pytest.mark.parametrize("operation", ["get", "cancel", "edit", "history", "retry"])
async def test_an_id_may_have_slashes(
    client: httpx.AsyncClient, refusing: Refusing, operation: str, spelt: str
) -> None:
    answer = await send(client, operation, path=CALLS[operation][1].replace("7709-001", spelt))

    assert answer.is_success
    assert refusing.external_ids == [unquote(spelt)]


@pytest.mark.parametrize("operation", CALLS)
async def test_without_refusal_the_documented_code_is_answered(client: httpx.AsyncClient, operation: str) -> None:
    answer = await send(client, operation)

    assert answer.status_code == (201 if operation in ("create", "retry") else 200)
    if operation in ("create", "cancel", "edit", "retry"):
        assert answer.json()["warnings"] == [{"type": "LABEL_MISSING", "message": "no label"}]


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(
    "headers", [{"x-api-key": ""}, {"tenantid": ""}, {"tenantid": "other"}, {"x-api-key": "x y"}], ids=str
)
async def test_who_does_not_tell_key_and_account_is_unauthorized(
    client: httpx.AsyncClient, refusing: Refusing, operation: str, headers: dict[str, str]
) -> None:
    answer = await send(client, operation, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (401, "UNAUTHORIZED")
    assert refusing.requests == []


@pytest.mark.parametrize("operation", CALLS)
async def test_services_that_cannot_be_reached_are_503_and_say_nothing_of_themselves(
    client: httpx.AsyncClient, refusing: Refusing, operation: str
) -> None:
    refusing.bare = grpc.StatusCode.UNAVAILABLE

    answer = await send(client, operation)

    assert (answer.status_code, answer.json()["type"]) == (503, "INTERNAL_SERVER_ERROR")
    assert answer.headers["retry-after"] == "1"
    assert "secret" not in answer.text


async def test_broken_rules_are_told_by_their_members(client: httpx.AsyncClient, refusing: Refusing) -> None:
    refusing.reason = "INVALID_REQUEST"
    refusing.violations = (("shipment.external_id", "is too long"), ("shipment.group_id", "is too long"))

    answer = await send(client, "create")

    assert answer.json()["errors"] == [
        {"type": "VALIDATION_ERROR", "message": "external_id is too long"},
        {"type": "VALIDATION_ERROR", "message": "group_id is too long"},
    ]


async def test_a_provider_and_its_own_code_are_told(client: httpx.AsyncClient, refusing: Refusing) -> None:
    refusing.reason, refusing.metadata = "UNMAPPED_ERROR", {"carrier_ref": "sim-a", "answer": "E-99"}

    answer = await send(client, "create")

    assert (answer.json()["provider"], answer.json()["code"]) == ("sim-a", "E-99")


async def test_locked_packages_are_told_in_the_documented_words(client: httpx.AsyncClient, refusing: Refusing) -> None:
    refusing.reason, refusing.metadata = "FIELD_LOCKED", {"field": "shipment.consignment.parcels"}

    answer = await send(client, "edit")

    assert answer.json()["message"] == "packages parameter cannot be changed post order dispatch"


async def test_an_edit_is_tried_again_when_somebody_wrote_in_between(
    client: httpx.AsyncClient, refusing: Refusing
) -> None:
    refusing.reason = "ETAG_MISMATCH"

    answer = await send(client, "edit")

    assert len(refusing.requests) == 5
    assert (answer.status_code, answer.json()["type"]) == (422, "UNMAPPED_ERROR")


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"{", {"content-type": "application/json"}),
        (b"[]", {"content-type": "application/json"}),
        (b'{"limit": NaN}', {"content-type": "application/json"}),
        (b"{}", {"content-type": "text/plain"}),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(
    client: httpx.AsyncClient, content: bytes, headers: dict[str, str]
) -> None:
    answer = await client.post("/shipments/list", content=content, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (400, "INVALID_DATA")


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("PATCH", ONE)])
async def test_an_address_that_is_not_there_is_answered_in_their_form(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, path)

    assert answer.status_code in (404, 405)
    assert answer.json()["type"] == "NOT_FOUND"
