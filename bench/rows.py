"""The loads, one row each: what is sent, where to, how it is checked, and which rows it stands beside."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from tempfile import NamedTemporaryFile

from crossdock.v1.delivery_service_pb2 import GetDeliveryRequest

from bench import batches, checks, noop_grpc, outbound, shipments, vendors
from bench.clients import h2load, wrk
from bench.figures import Figures
from bench.usage import Usage
from bench.worlds import World, serves

MOST = 128
_GET_DELIVERY = "/crossdock.v1.DeliveryService/GetDelivery"

Outcome = tuple[Figures, str]
"""The figures, and what the check found."""
Load = Callable[[World, float, str], Awaitable[Outcome]]
"""A load of so many seconds under a tag that no other load has."""


@dataclass(frozen=True)
class Row:
    """One line of the table. ``ceiling`` and ``baseline`` are the keys of the rows to compare with."""

    key: str
    title: str
    kind: str
    """Whose processes work: `hub`, `baseline`, `noop grpc` or `noop http`."""
    load: Load
    ceiling: str = ""
    baseline: str = ""
    missing: Callable[[World], Awaitable[str]] | None = None
    """Says why the row cannot be measured; empty when it can."""
    once: bool = False
    """It fills the database, and so it is measured in the first round alone, in its place among the rows."""


async def _webhooks(world: World, seconds: float, tag: str, *, connections: int, kind: str) -> Outcome:
    if kind == "baseline":
        url = f"{world.baseline.url}/webhooks/skipcart/{world.source}/{world.secret}"
    elif kind == "noop http":
        url = f"{world.noop_http.url}/webhooks/skipcart/source/secret"
    else:
        url = world.hub.ready["sources"]["skipcart"]["url"]
    with Usage(world.roles(kind)) as usage:
        figures = await wrk(url, connections, seconds, "webhooks.lua", [tag, str(max(10, connections))])
    figures = replace(figures, costs=usage.costs)
    if kind == "noop http":
        return figures, ""
    database = world.baseline_url if kind == "baseline" else world.hub.database_url
    found = await checks.webhooks(
        database, tag, figures.acknowledged, connections + figures.failed, baseline=kind == "baseline"
    )
    return figures, found


async def _batches(world: World, seconds: float, tag: str) -> Outcome:
    ready, metadata = world.hub.ready, (("authorization", f"Bearer {world.system_token}"),)
    source = ready["sources"]["skipcart"]["id"]
    requests = await batches.make(source, tag, seconds)
    with Usage(world.roles("hub")) as usage:
        figures = await batches.load(ready["grpc"], metadata, requests, seconds)
    figures = replace(figures, costs=usage.costs)
    return figures, await checks.webhooks(world.hub.database_url, tag, figures.acknowledged, figures.failed)


async def _noop_grpc(world: World, seconds: float, _: str, *, connections: int) -> Outcome:
    with Usage(world.roles("noop grpc")) as usage:
        figures = await h2load(world.noop_grpc.server, noop_grpc.METHOD, noop_grpc.MESSAGE, connections, seconds)
    return replace(figures, costs=usage.costs), ""


async def _get_delivery(world: World, seconds: float, _: str) -> Outcome:
    ready = world.hub.ready
    request = GetDeliveryRequest(delivery_id=world.deliveries[0]).SerializeToString()
    metadata = (("authorization", f"Bearer {ready['account_token']}"),)
    before = checks.calls(ready["metrics"][0], _GET_DELIVERY)
    with Usage(world.roles("hub")) as usage:
        figures = await h2load(ready["grpc"], _GET_DELIVERY, request, MOST, seconds, metadata)
    served = checks.calls(ready["metrics"][0], _GET_DELIVERY) - before
    told = f"{figures.acknowledged} answered, {served} served OK"
    fine = figures.acknowledged <= served
    return replace(figures, costs=usage.costs), told if fine else f"{checks.WRONG}{told}"


async def _http(world: World, seconds: float, _: str, *, face: str, method: str = "GET") -> Outcome:
    kind = "baseline" if face == "baseline" else "hub"
    url = world.baseline.url if kind == "baseline" else world.hub.ready["http"]
    paths, headers = _paths(world, face)
    database = world.baseline_url if kind == "baseline" else world.hub.database_url
    first = secrets.randbelow(400_000)
    with NamedTemporaryFile("w", suffix=".paths") as file:
        file.write("\n".join(paths) + "\n")
        file.flush()
        pairs = [str(first), *(f"{name}={value}" for name, value in headers.items())]
        with Usage(world.roles(kind)) as usage:
            figures = await wrk(url, MOST, seconds, "requests.lua", [method, file.name, *pairs])
    figures = replace(figures, costs=usage.costs)
    if method == "GET":
        told = f"{figures.acknowledged} answered with 200, {figures.failed} not"
        return figures, f"{checks.WRONG}{told}" if figures.failed else told
    latitudes = await checks.latitudes(database, baseline=kind == "baseline")
    return figures, checks.positions(latitudes, first, figures.acknowledged, MOST + figures.failed)


def _paths(world: World, face: str) -> tuple[list[str], dict[str, str]]:
    ready = world.hub.ready
    if face == "canonical":
        token = {"authorization": f"Bearer {ready['account_token']}"}
        return [f"/v1/deliveries/{each}" for each in world.deliveries], token
    if face == "hubrise":
        token = {"x-access-token": ready["location_token"]}
        return [f"/hubrise/v1/location/orders/{each}/delivery" for each in world.orders], token
    return [f"/deliveries/{each}" for each in world.own_deliveries], {"x-access-token": world.token}


async def _missing(world: World, *, face: str) -> str:
    paths, headers = _paths(world, face)
    return "" if await serves(world, paths[0], headers) else f"{paths[0].split('/')[1]} is not served here (yet)"


def _make() -> tuple[Row, ...]:
    rows = []
    for n in (1, 32, MOST):
        place = f"{n} connection{'s' if n > 1 else ''}"
        rows += [
            Row(f"noop-grpc-{n}", f"no-op grpc.aio, 1.2 kB, {n} at once", "noop grpc",
                partial(_noop_grpc, connections=n)),
            Row(f"noop-http-{n}", f"no-op Starlette, {place}", "noop http",
                partial(_webhooks, connections=n, kind="noop http"), f"noop-grpc-{n}"),
            Row(f"baseline-webhook-{n}", f"baseline: webhook, {place}", "baseline",
                partial(_webhooks, connections=n, kind="baseline"), f"noop-grpc-{n}"),
            Row(f"webhook-{n}", f"Skipcart webhook, {place}", "hub",
                partial(_webhooks, connections=n, kind="hub"), f"noop-grpc-{n}", f"baseline-webhook-{n}"),
        ]  # fmt: skip
    for vendor, title in (("evermile", "Evermile order, 7 kB, signed"), ("ordatic", "Ordatic proof, 200 kB")):
        rows += [
            Row(f"noop-{vendor}", f"no-op Starlette: {title}", "noop http",
                partial(vendors.load, vendor=vendor, kind="noop http")),
            Row(f"baseline-{vendor}", f"baseline: {title}", "baseline",
                partial(vendors.load, vendor=vendor, kind="baseline"), "noop-grpc-32"),
            Row(vendor, title, "hub",
                partial(vendors.load, vendor=vendor, kind="hub"), "noop-grpc-32", f"baseline-{vendor}"),
        ]  # fmt: skip
    top = f"noop-grpc-{MOST}"
    rows += [
        Row("batch", f"BatchIngestWebhooks, {batches.IN_FLIGHT} × {batches.SIZE}", "hub",
            _batches, top, f"baseline-webhook-{MOST}"),
        Row("baseline-get", "baseline: GET", "baseline", partial(_http, face="baseline"), top),
        Row("get-delivery", "gRPC GetDelivery", "hub", _get_delivery, top, "baseline-get"),
        Row("canonical-get", "GET /v1/deliveries/{id}", "hub",
            partial(_http, face="canonical"), top, "baseline-get", partial(_missing, face="canonical")),
        Row("hubrise-get", "HubRise GET delivery", "hub",
            partial(_http, face="hubrise"), top, "baseline-get", partial(_missing, face="hubrise")),
        Row("baseline-patch", "baseline: PATCH of a position", "baseline",
            partial(_http, face="baseline", method="position"), top),
        Row("hubrise-patch", "HubRise PATCH of a position", "hub",
            partial(_http, face="hubrise", method="position"), top, "baseline-patch",
            partial(_missing, face="hubrise")),
        *(Row(f"attempts-{n}", f"attempts to subscribers, from {n}", "hub",
              partial(outbound.attempts, subscriptions=n), top) for n in (1, 100)),
        Row("outbound-latency", f"from a webhook's 200 to the subscriber, {outbound.PER_SECOND}/s", "hub",
            outbound.latency, top),
        # None between the others: what the machine does meanwhile meets all of them.
        *(Row(key, f"Skipcart webhook, 32 connections, {title}", "hub",
              partial(outbound.ingest, subscriptions=n, alike=alike), "noop-grpc-32", compared)
          for key, title, n, alike, compared in (
              ("ingest-beside-0", "0 subscriptions", 0, True, ""),
              ("ingest-beside-10", "10 subscriptions", 10, True, "ingest-beside-0"),
              ("ingest-beside-1000", "1,000 subscriptions", 1_000, True, "ingest-beside-0"),
              ("ingest-beside-0-again", "0 subscriptions again", 0, True, "ingest-beside-0"),
              ("ingest-beside-1000-different", "1,000 different ones", 1_000, False, "ingest-beside-0"),
          )),
        Row("ingest-beside-told", "Skipcart webhook, 32 connections, 1 told of all", "hub",
            outbound.ingest_told, "noop-grpc-32", "ingest-beside-0"),
        Row("streams-1000", "one event to 1,000 streams", "hub", partial(outbound.streams, count=1_000), top),
    ]  # fmt: skip
    for number, name, fewer in ((10_000, "10k", ""), (1_000_000, "1m", "10k")):
        rows += [
            Row(f"dispatch-{name}", f"create → dispatched by three carriers, beside {number:,}", "hub",
                partial(shipments.dispatches, beside=number), baseline=fewer and f"dispatch-{fewer}", once=True),
            Row(f"list-{name}", f"list 1,000 of {number:,} shipments", "hub",
                partial(shipments.lists, beside=number), baseline=fewer and f"list-{fewer}", once=True),
        ]  # fmt: skip
    return tuple(rows)


ROWS = _make()


def chosen(words: list[str]) -> list[Row]:
    """The rows whose keys begin with one of the words, and those that they are compared with; all without words."""
    picked = [row for row in ROWS if not words or any(row.key.startswith(word) for word in words)]
    wanted = {key for row in picked for key in (row.key, row.ceiling, row.baseline)}
    return [row for row in ROWS if row.key in wanted]
