"""The 51 documented rows of errors, each reached through the routes with services that really refuse over gRPC."""

import json
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from gateway.dialects.deliverysolutions.errors import TABLES
from tests.dialects.deliverysolutions.refusing_services import Refusing

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
        {"type": "VALIDATION_ERROR", "message": "orderExternalId is too long"},
        {"type": "VALIDATION_ERROR", "message": "groupId is too long"},
    ]


async def test_what_is_wrong_is_told_in_the_words_of_their_documents(
    client: httpx.AsyncClient, refusing: Refusing
) -> None:
    refusing.reason = "INVALID_REQUEST"
    refusing.violations = (
        ("shipment.consignment.parcels[1].name", "is too long"),
        ("shipment.consignment.dropoff.address.postal_address", "is missing"),
        ("shipment.etag", "is stale"),
    )

    answer = await send(client, "edit")

    told = [each["message"] for each in answer.json()["errors"]]
    assert told == ["packages[1].name is too long", "deliveryAddress.postal_address is missing", "etag is stale"]


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
