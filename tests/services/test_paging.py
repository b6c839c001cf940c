import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from crossdock.v1.location_service_pb2 import ListLocationsRequest
from crossdock.v1.order_service_pb2 import ListOrdersRequest
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services.errors import Problem
from services.hub import Hub
from services.paging import Page, read_page

things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("thing_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("time", TIMESTAMP(timezone=True), nullable=False),
)
BY_ID = [things.c.thing_id]
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def connection(hub: Hub) -> AsyncIterator[AsyncConnection]:
    async with hub.transaction(commit=False) as connection:
        await connection.run_sync(things.create)
        yield connection


async def add(connection: AsyncConnection, count: int) -> list[UUID]:
    """Adds things, and returns the ids in the order in which they were made."""
    ids = [typeid.new_uuid7() for _ in range(count)]
    rows = [
        {
            "thing_id": identifier,
            "number": position // 3,
            "name": f'name, "{position}"',
            "time": START + timedelta(microseconds=position),
        }
        for position, identifier in enumerate(ids)
    ]
    await connection.execute(sa.insert(things), rows)
    return ids


async def read(connection: AsyncConnection, token: str = "", size: int = 10, **options: Any) -> Page:
    request = ListOrdersRequest(page_size=size, page_token=token)
    return await read_page(connection, sa.select(things), options.pop("key", BY_ID), request, **options)


def ids_of(page: Page) -> list[UUID]:
    return [row.thing_id for row in page.rows]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 25])
async def test_pages_forward_and_back_show_everything_once(connection: AsyncConnection, count: int) -> None:
    expected = (await add(connection, count))[::-1] if count else []

    forward = [await read(connection)]
    while forward[-1].next_token:
        forward.append(await read(connection, forward[-1].next_token))
    back = [forward[-1]]
    while back[-1].previous_token:
        back.append(await read(connection, back[-1].previous_token))

    assert [identifier for page in forward for identifier in ids_of(page)] == expected
    assert [identifier for page in reversed(back) for identifier in ids_of(page)] == expected
    assert forward[0].previous_token == ""
    assert back[-1].previous_token == ""
    assert len(forward) == max(1, -(-count // 10))


async def test_what_is_added_meanwhile_neither_repeats_nor_hides_anything(
    connection: AsyncConnection,
) -> None:
    old = (await add(connection, 25))[::-1]
    first = await read(connection)
    young = (await add(connection, 5))[::-1]

    second = await read(connection, first.next_token)
    before = await read(connection, second.previous_token)
    top = await read(connection, before.previous_token)

    assert ids_of(second) == old[10:20]
    assert ids_of(before) == old[:10]
    assert ids_of(top) == young
    assert top.previous_token == ""


async def test_a_page_whose_edge_was_removed_still_follows(connection: AsyncConnection) -> None:
    ids = (await add(connection, 30))[::-1]
    first = await read(connection)
    await connection.execute(sa.delete(things).where(things.c.thing_id.in_(ids[8:12])))

    second = await read(connection, first.next_token)

    assert ids_of(second) == ids[12:22]
    assert ids_of(await read(connection, second.previous_token)) == ids[:8]


async def test_a_page_that_vanished_leads_back(connection: AsyncConnection) -> None:
    ids = (await add(connection, 15))[::-1]
    first = await read(connection)
    await connection.execute(sa.delete(things).where(things.c.thing_id.in_(ids[10:])))

    second = await read(connection, first.next_token)

    assert (ids_of(second), second.next_token) == ([], "")
    assert ids_of(await read(connection, second.previous_token)) == ids[:10]


@pytest.mark.parametrize("descending", [True, False])
async def test_a_key_of_several_columns_orders_by_all_of_them(connection: AsyncConnection, descending: bool) -> None:
    ids = await add(connection, 25)
    key = [things.c.number, things.c.time, things.c.name, things.c.thing_id]

    page = await read(connection, key=key, size=7, descending=descending)
    seen = ids_of(page)
    while page.next_token:
        page = await read(connection, page.next_token, key=key, size=7, descending=descending)
        seen += ids_of(page)

    assert seen == (ids[::-1] if descending else ids)


async def test_a_page_has_50_rows_unless_asked_otherwise(connection: AsyncConnection) -> None:
    await add(connection, 120)

    assert len((await read(connection, size=0)).rows) == 50
    assert len((await read(connection, size=0, default=100)).rows) == 100
    with pytest.raises(Problem, match="page_size"):
        await read(connection, size=1001)
    with pytest.raises(Problem, match="page_size"):
        await read(connection, size=-1)


async def test_a_token_belongs_to_its_list_and_its_filters(connection: AsyncConnection) -> None:
    await add(connection, 20)
    token = (await read(connection)).next_token

    for request in (
        ListLocationsRequest(page_token=token),
        ListOrdersRequest(page_token=token, private_ref="a"),
        ListOrdersRequest(page_token=token, location_ids=["a"]),
    ):
        with pytest.raises(Problem) as caught:
            await read_page(connection, sa.select(things), BY_ID, request)
        assert caught.value.reason == "INVALID_PAGE_TOKEN"
        assert caught.value.metadata == {"field": "page_token"}

    other_size = ListOrdersRequest(page_size=3, page_token=token)
    assert len((await read_page(connection, sa.select(things), BY_ID, other_size)).rows) == 3


async def test_junk_in_place_of_a_token_is_refused(connection: AsyncConnection) -> None:
    await add(connection, 20)
    token = (await read(connection)).next_token
    chance = random.Random(7)
    junk = ["x", "é", "=", "====", "A" * 999, token[:-1], token + "A", token[:17], token.upper(), "\0"]
    for _ in range(300):
        position = chance.randrange(16)  # the bytes that bind it
        junk.append(token[:position] + chance.choice("AZaz09-_") + token[position + 1 :])

    for each in set(junk) - {token}:
        with pytest.raises(Problem) as caught:
            await read(connection, each)
        assert caught.value.reason == "INVALID_PAGE_TOKEN"


@pytest.mark.parametrize("values", ["[1]", '["a","b"]', "{}", "[null]", '"' + "a" * 32 + '"', "[" * 5000, "7"])
async def test_a_token_with_other_values_is_refused(connection: AsyncConnection, values: str) -> None:
    import base64

    await add(connection, 20)
    token = (await read(connection)).next_token
    bound = base64.urlsafe_b64decode(token + "==")[:13]
    forged = base64.urlsafe_b64encode(bound + values.encode()).decode().rstrip("=")

    with pytest.raises(Problem) as caught:
        await read(connection, forged)

    assert caught.value.reason == "INVALID_PAGE_TOKEN"
