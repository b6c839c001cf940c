"""Which part of an address is an id, and what is answered where no operation is."""

from urllib.parse import unquote

import httpx
import pytest

from tests.dialects.deliverysolutions.refusing_services import Refusing
from tests.dialects.deliverysolutions.test_errors import CALLS, ONE, send


@pytest.mark.parametrize("spelt", ["2024%2F001", "2024/001", "%2F", "a%2Fstatus-history%2Fb", "list"])
@pytest.mark.parametrize("operation", ["get", "cancel", "edit", "history", "retry"])
async def test_an_id_may_have_slashes(
    client: httpx.AsyncClient, refusing: Refusing, operation: str, spelt: str
) -> None:
    answer = await send(client, operation, path=CALLS[operation][1].replace("7709-001", spelt))

    assert answer.is_success
    assert refusing.external_ids == [unquote(spelt)]


@pytest.mark.parametrize(
    ("path", "external_id", "operation"),
    [
        ("/shipments/a%2Fstatus-history", "a/status-history", "get"),
        ("/shipments/a%2fstatus-history", "a/status-history", "get"),
        ("/shipments/a%2Fstatus-history/status-history", "a/status-history", "history"),
        ("/shipments/a/status-history", "a", "history"),
        ("/shipments/status-history", "status-history", "get"),
        ("/shipments/%2Fstatus-history", "/status-history", "get"),
        ("/shipments/a%252Fb", "a%2Fb", "get"),
        ("/shipments/a%2F%C3%A9", "a/é", "get"),
    ],
)
async def test_a_slash_that_is_encoded_is_the_ids_own(
    client: httpx.AsyncClient, refusing: Refusing, path: str, external_id: str, operation: str
) -> None:
    answer = await client.get(path)

    assert refusing.external_ids == [external_id]
    assert isinstance(answer.json(), list) == (operation == "history")


async def test_an_address_that_spells_half_a_character_is_nobodys(
    client: httpx.AsyncClient, refusing: Refusing
) -> None:
    await client.get("/shipments/a%ED%B0%AFb")  # the bytes of what the dialect marks slashes with

    assert refusing.external_ids == ["a\ufffd\ufffd\ufffdb"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("PATCH", ONE)])
async def test_an_address_that_is_not_there_is_answered_in_their_form(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, "allow" in answer.headers) in ((404, False), (405, True))
    assert answer.json()["type"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [(ONE, "DELETE, GET, PUT"), (f"{ONE}/retry", "DELETE, GET, POST, PUT"), ("/shipments", "POST")],
)
async def test_a_wrong_method_is_answered_with_all_the_right_ones(
    client: httpx.AsyncClient, path: str, allowed: str
) -> None:
    answer = await client.patch(path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
