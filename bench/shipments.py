"""Loads of shipments: sent, and listed, beside ten thousand others and beside a million."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count, cycle
from typing import Any

import asyncpg
import grpc
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_DELIVERED, DELIVERY_STATUS_DISPATCHED
from crossdock.v1.shipment_pb2 import SHIPMENT_PHASE_BOOKED, SHIPMENT_PHASE_CLOSED, Shipment
from crossdock.v1.shipment_service_pb2 import CreateShipmentRequest, ListShipmentsRequest

from bench import checks
from bench.figures import Figures, percentile
from bench.usage import Usage
from bench.worlds import World
from cli.hub_client import HubClient

SENDERS, READERS = 8, 4
PAGE = 1_000
EXAMPLE = "bench example"
_COUNT = "SELECT count(*) FROM shipments"
_BOOKED = f"{_COUNT} WHERE starts_with(external_id, $1) AND phase = {SHIPMENT_PHASE_BOOKED}"
_FILL = f"""
INSERT INTO shipments
  (tenant_id, shipment_id, external_id, location_id, carrier_ref, status, phase, needs_attention, document, version,
   steps, create_time, update_time)
SELECT tenant_id, gen_random_uuid(), 'bench-' || n, location_id, (array['swift', 'evergreen', 'pronto'])[n % 3 + 1],
       CASE n % 10 WHEN 0 THEN {DELIVERY_STATUS_DISPATCHED} ELSE {DELIVERY_STATUS_DELIVERED} END,
       CASE n % 10 WHEN 0 THEN {SHIPMENT_PHASE_BOOKED} ELSE {SHIPMENT_PHASE_CLOSED} END,
       false, document, 12, 9, now() - n * interval '2 seconds', now() - n * interval '1 second'
FROM generate_series(({_COUNT}) + 1, $1::bigint) AS n, shipments
WHERE external_id = '{EXAMPLE}'
"""  # noqa: S608  nothing of it comes from outside


async def dispatches(world: World, seconds: float, tag: str, *, beside: int) -> tuple[Figures, str]:
    """Created, quoted by three simulated carriers, and booked with one of them; the answer waits for it."""
    await _fill(world, beside)
    numbers = count()
    figures = await _load(world, seconds, SENDERS, "CreateShipment", lambda: _wanted(world, f"{tag}{next(numbers)}"))
    booked = await _ask(world, _BOOKED, tag)
    told = f"{figures.acknowledged} answered, {booked} booked"
    return figures, told if figures.acknowledged <= booked else f"{checks.WRONG}{told}"


async def lists(world: World, seconds: float, _: str, *, beside: int) -> tuple[Figures, str]:
    """A thousand: the youngest, the youngest of a status, the second thousand of a carrier's."""
    await _fill(world, beside)
    async with HubClient(world.hub.ready["grpc"], world.hub.ready["account_token"]) as hub:
        of_carrier = ListShipmentsRequest(page_size=PAGE, carrier_ref="swift")
        of_carrier.page_token = (await hub.call(hub.shipments.ListShipments, of_carrier)).next_page_token
    of_status = ListShipmentsRequest(page_size=PAGE, statuses=[DELIVERY_STATUS_DELIVERED])
    asked = cycle((ListShipmentsRequest(page_size=PAGE), of_status, of_carrier))
    short = 0

    def look(answer: Any) -> None:
        nonlocal short
        short += len(answer.shipments) < PAGE

    figures = await _load(world, seconds, READERS, "ListShipments", lambda: next(asked), look)
    told = f"{figures.acknowledged} pages of {await _ask(world, _COUNT):,} shipments, {short} not whole"
    return figures, f"{checks.WRONG}{told}" if short else told


async def _load(
    world: World,
    seconds: float,
    at_once: int,
    method: str,
    request: Callable[[], Any],
    look: Callable[[Any], None] = lambda _: None,
) -> Figures:
    """So many callers, each of whom waits for its answer before it calls again."""
    took: list[float] = []
    failed = 0

    async def call(hub: HubClient, end: float) -> None:
        nonlocal failed
        while (began := time.perf_counter()) < end:
            try:
                look(await hub.call(getattr(hub.shipments, method), request()))
            except grpc.aio.AioRpcError:
                failed += 1
            else:
                took.append((time.perf_counter() - began) * 1000)

    async with HubClient(world.hub.ready["grpc"], world.hub.ready["account_token"]) as hub:
        with Usage(world.roles("hub")) as usage:
            began = time.perf_counter()
            await asyncio.gather(*(call(hub, began + seconds) for _ in range(at_once)))
            lasted = time.perf_counter() - began
    figures = Figures(len(took), failed, lasted, percentile(took, 50), percentile(took, 99))
    return replace(figures, costs=usage.costs)


def _wanted(world: World, external_id: str) -> CreateShipmentRequest:
    """A parcel across Boston."""
    shipment = Shipment(external_id=external_id, location_id=world.hub.ready["location_id"])
    address = shipment.consignment.dropoff.address
    address.postal_address.region_code, address.postal_address.postal_code = "US", "02118"
    address.position.latitude, address.position.longitude = 42.3346944, -71.071818
    return CreateShipmentRequest(shipment=shipment)


async def _fill(world: World, beside: int) -> None:
    """Makes copies of one real shipment until there are so many, spread over the past."""
    if await _ask(world, f"{_COUNT} WHERE external_id = $1", EXAMPLE) == 0:
        async with HubClient(world.hub.ready["grpc"], world.hub.ready["account_token"]) as hub:
            await hub.call(hub.shipments.CreateShipment, _wanted(world, EXAMPLE))
    connection = await asyncpg.connect(checks.plain(world.hub.database_url))
    try:
        await connection.execute(_FILL, beside)
        await connection.execute("VACUUM (ANALYZE) shipments")
    finally:
        await connection.close()


async def _ask(world: World, query: str, *values: object) -> int:
    connection = await asyncpg.connect(checks.plain(world.hub.database_url))
    try:
        found: int = await connection.fetchval(query, *values)
        return found
    finally:
        await connection.close()
