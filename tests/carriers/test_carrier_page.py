"""The carrier that docs/carriers.md shows is a carrier."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from crossdock.simulator.v1 import simulator_pb2 as books

from carriers.simulator.fleet import FLEET
from tests.carriers.worlds import Told, in_seconds

PAGE = (Path(__file__).parents[2] / "docs" / "carriers.md").read_text()
CODE = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
MOST_LINES = 25


@pytest.fixture
async def carrier() -> AsyncIterator[Told]:
    assert CODE
    shown: dict[str, Any] = {}
    exec(CODE[1], shown)  # the page is ours
    server = grpc.aio.server()
    shown["add_CarrierServiceServicer_to_server"](shown["OneBicycle"](), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Told(channel, "nobody asks")
    await server.stop(0)


async def test_it_says_who_it_is_quotes_and_books(carrier: Told) -> None:
    (offer,) = (await carrier.quote()).quotes

    booked = await carrier.book("dlv_1", quote_id=offer.id, max_price=offer.price)

    assert (await carrier.describe()).name == "One Bicycle"
    assert (booked.booking.reference, booked.booking.price) == ("dlv_1", offer.price)


async def test_one_reference_is_one_booking_also_after_its_time(carrier: Told) -> None:
    first, again = [await carrier.book("dlv_1", book_before=in_seconds(each)) for each in (30, -1)]

    assert first == again
    assert (await carrier.get("dlv_1")).booking == first.booking


async def test_too_late_is_declined_and_surely_absent(carrier: Told) -> None:
    declined = await carrier.book("dlv_1", book_before=in_seconds(-1))

    assert declined.declined.code == "too_late"
    assert (await carrier.get("dlv_1")).HasField("absent")


async def test_what_it_does_not_do_is_a_clear_no(carrier: Told) -> None:
    await carrier.book("dlv_1")

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await carrier.cancel("dlv_1")

    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_it_serves_as_shown() -> None:
    assert CODE
    shown: dict[str, Any] = {}
    exec(CODE[1], shown)

    server = await shown["serve"]("127.0.0.1:0")

    await server.stop(0)


def test_its_class_is_as_short_as_it_says() -> None:
    assert CODE
    body = CODE[1].partition("class ")[2].partition("async def serve")[0]

    assert len([line for line in body.splitlines() if line.strip()]) <= MOST_LINES


def test_the_page_names_every_carrier_scenario_and_misbehaviour() -> None:
    scenarios = [
        name.removeprefix("SCENARIO_").lower().replace("_", "-") for name, value in books.Scenario.items() if value
    ]
    misbehaviours = {
        "decline_code": "--decline",
        "price_rise_percent": "--price-rise",
    }
    options = [
        misbehaviours.get(field.name, "--" + field.name.replace("_", "-"))
        for field in books.Misbehaviour.DESCRIPTOR.fields
    ]

    missing = [each for each in scenarios if f"| `{each}` |" not in PAGE]
    missing += [each for each in options if f"| `{each}" not in PAGE]
    missing += [each for each in FLEET if f"| `{each}` |" not in PAGE]
    assert missing == []
