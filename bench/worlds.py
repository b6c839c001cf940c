"""What stands before the loads begin: the hub with things to read, the database of the baseline, the peers."""

import asyncio
import base64
import hashlib
import os
import secrets
import time
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import asyncpg
import httpx
from crossdock.v1 import delivery_service_pb2, order_service_pb2
from crossdock.v1.contact_pb2 import Phone
from crossdock.v1.courier_pb2 import Courier
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_DRIVER_ASSIGNED, Delivery
from crossdock.v1.order_pb2 import SERVICE_TYPE_DELIVERY, Order

from bench import checks
from bench.peers import Peer
from bench.usage import parent_of
from cli.hub import keys
from cli.hub.addresses import Address
from cli.hub.folders import Folder
from cli.hub.local_hub import LocalHub, Plan
from cli.hub_client import HubClient

DELIVERIES = 500
_AT_ONCE = 16


@dataclass
class World:
    """All that runs, and what is known of it."""

    hub: LocalHub
    noop_grpc: Peer
    noop_http: Peer
    baseline: Peer
    postgres: int
    start_seconds: float
    restart_seconds: float
    system_token: str
    baseline_url: str
    """The baseline's database, for checks."""
    source: str = str(uuid.uuid4())
    secret: str = secrets.token_hex(24)
    token: str = secrets.token_hex(24)
    signing_secret: str = ""
    """The baseline's, for Evermile's signatures."""
    deliveries: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    own_deliveries: list[str] = field(default_factory=list)
    """The baseline's."""

    def roles(self, kind: str) -> dict[str, int]:
        """The processes that a load of this kind makes work."""
        own = {"noop grpc": self.noop_grpc, "noop http": self.noop_http, "baseline": self.baseline}
        if kind == "baseline":
            return {"gateway": own[kind].pid, "PostgreSQL": self.postgres}
        if kind in own:
            return {"gateway" if kind == "noop http" else "services": own[kind].pid}
        gateway, services = self.hub.pid("gateway"), self.hub.pid("services")
        assert gateway is not None
        assert services is not None
        # The bench is what `crossdock up` would be: it passes the log lines of both on.
        return {"gateway": gateway, "services": services, "PostgreSQL": self.postgres, "supervisor": os.getpid()}


async def start(stack: AsyncExitStack, folder: Path, log: IO[str]) -> World:
    """Everything, on a new database; it ends with the stack."""
    os.environ["CROSSDOCK_EGRESS_ALLOW"] = "http://127.0.0.1"  # subscribers of the loads
    plan = Plan(folder, Address("127.0.0.1", 0), Address("127.0.0.1", 0), demo_data=True)
    began = time.perf_counter()
    hub = await LocalHub.start(plan)
    first = time.perf_counter() - began
    await hub.stop()
    began = time.perf_counter()
    hub = await LocalHub.start(plan)
    again = time.perf_counter() - began
    stack.push_async_callback(hub.stop)

    url = checks.plain(hub.database_url)
    connection = await asyncpg.connect(url)
    postgres = parent_of(await connection.fetchval("SELECT pg_backend_pid()"))
    await connection.execute("CREATE DATABASE baseline")
    await connection.close()
    baseline_url = url.rpartition("/")[0] + "/baseline"
    signing_secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    told = {
        "BASELINE_DATABASE_URL": baseline_url.replace("postgresql://", "postgresql+asyncpg://"),
        "BASELINE_SIGNING_SECRET": signing_secret,
    }
    noop_grpc = await Peer.grpc(log)
    stack.push_async_callback(noop_grpc.stop)
    noop_http = await Peer.http("bench.noop_http:app", {}, log, "--no-access-log")
    stack.push_async_callback(noop_http.stop)
    baseline = await Peer.http("bench.baseline.app:app", told, log)
    stack.push_async_callback(baseline.stop)
    world = World(
        hub,
        noop_grpc,
        noop_http,
        baseline,
        postgres,
        first,
        again,
        keys.find_system_token(Folder(folder)),
        baseline_url,
        signing_secret=signing_secret,
    )
    await _fill_hub(world)
    await _fill_baseline(world)
    return world


async def serves(world: World, path: str, headers: dict[str, str]) -> bool:
    """Whether the hub answers a path with 200."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answer = await client.get(f"{world.hub.ready['http']}{path}", headers=headers)
    return answer.status_code == 200


async def _fill_hub(world: World) -> None:
    ready = world.hub.ready
    places = asyncio.Semaphore(_AT_ONCE)

    async with HubClient(ready["grpc"], ready["account_token"]) as hub:

        async def make(number: int) -> tuple[str, str]:
            async with places:
                order = Order(
                    location_id=ready["location_id"], private_ref=f"bench-{number}", service_type=SERVICE_TYPE_DELIVERY
                )
                made = await hub.call(hub.orders.CreateOrder, order_service_pb2.CreateOrderRequest(order=order))
                wanted = Delivery(
                    order_id=made.order.id,
                    carrier="Skipcart",
                    carrier_ref="skipcart",
                    status=DELIVERY_STATUS_DRIVER_ASSIGNED,
                    courier=Courier(external_id="20417", name="Alex Morgan", phone=Phone(raw="+1 312-555-0117")),
                )
                request = delivery_service_pb2.CreateDeliveryRequest(delivery=wanted)
                return made.order.id, (await hub.call(hub.deliveries.CreateDelivery, request)).delivery.id

        pairs = await asyncio.gather(*map(make, range(DELIVERIES)))
    world.orders = [order for order, _ in pairs]
    world.deliveries = [delivery for _, delivery in pairs]


async def _fill_baseline(world: World) -> None:
    connection = await asyncpg.connect(world.baseline_url)
    source, now = uuid.UUID(world.source), datetime.now(UTC)
    digests = [hashlib.sha256(each.encode()).digest() for each in (world.secret, world.token)]
    await connection.execute("INSERT INTO sources VALUES ($1, $2)", source, digests[0])
    await connection.execute("INSERT INTO tokens VALUES ($1)", digests[1])
    ids = [uuid.uuid4() for _ in range(DELIVERIES)]
    await connection.executemany(
        "INSERT INTO deliveries (id, source_id, external_id, status, rank, created_at, updated_at)"
        " VALUES ($1, $2, $3, 'confirmed', 20, $4, $4)",
        [(each, source, f"read-{each}", now) for each in ids],
    )
    await connection.close()
    world.own_deliveries = [str(each) for each in ids]
