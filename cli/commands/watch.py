"""`crossdock watch`: what happens, as it happens; survives a restart of the hub without gap or duplicate."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import grpc
import typer
from crossdock.v1 import event_service_pb2 as contract
from crossdock.v1.delivery_pb2 import DeliveryStatus
from crossdock.v1.event_pb2 import Disposition, Event, EventFilter, EventKind
from google.protobuf.json_format import MessageToJson
from google.protobuf.timestamp_pb2 import Timestamp

from cli.connection import BearerToken, Json, Server, Tls, as_caller, call
from cli.examples import examples
from cli.hub_client import HubClient
from cli.output import complain, printable
from cli.refusals import Refusal
from cli.words import moment, parse_moment, values, word

FIRST_WAIT_SECONDS = 0.5
MOST_WAIT_SECONDS = 5.0
_RESUMABLE = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.RESOURCE_EXHAUSTED})

EXAMPLES = examples(
    ("everything from now on", "crossdock watch"),
    ("what became of one delivery", "crossdock watch --from-start --delivery dlv_01jt8k2v4mfz9r5s7w3x6y0abc"),
    ("deliveries that arrive, for a program", "crossdock watch --status delivered --json | jq .event.deliveryId"),
)


def watch(
    delivery: Annotated[list[str] | None, typer.Option(metavar="DELIVERY", help="Only of this delivery.")] = None,
    location: Annotated[list[str] | None, typer.Option(metavar="LOCATION", help="Only of this location.")] = None,
    shipment: Annotated[list[str] | None, typer.Option(metavar="SHIPMENT", help="Only of this shipment.")] = None,
    carrier: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only of this carrier.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only of this kind; several with commas.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only those that led to this status; likewise.")] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest event that is kept.")] = False,
    since: Annotated[str, typer.Option(metavar="WHEN", help="Begin at 2h, 7d ago, or at a time.")] = "",
    cursor: Annotated[str, typer.Option(help="Begin after this place, which an earlier watch told.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="End after so many events; 0 for never.")] = 0,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    as_json_: Json = False,
) -> None:
    """Show events as they happen. Ctrl-C ends it and tells where to resume."""
    if sum(map(bool, (from_start, since, cursor))) > 1:
        raise typer.BadParameter("say one of --from-start, --since and --cursor", param_hint="--cursor")
    request = contract.WatchEventsRequest(
        cursor=cursor,
        start_time=Timestamp() if from_start else parse_moment(since, "--since") if since else None,
        filter=EventFilter(
            kinds=values(EventKind, kind, "--kind"),
            statuses=values(DeliveryStatus, status, "--status"),
            location_ids=location or [],
            delivery_ids=delivery or [],
            shipment_ids=shipment or [],
            carriers=carrier or [],
        ),
    )

    async def show(hub: HubClient) -> None:
        shown = 0
        async with aclosing(follow(hub, request)) as answers:
            async for answer in answers:
                if answer.HasField("event"):
                    print(MessageToJson(answer, indent=None) if as_json_ else line_of(answer.event), flush=True)
                    shown += 1
                    if shown == limit:
                        return

    try:
        call(as_caller(server, token, tls), show)
    except KeyboardInterrupt:
        if request.cursor:
            complain(f"resume with --cursor {request.cursor}")


async def follow(
    hub: HubClient, request: contract.WatchEventsRequest
) -> AsyncGenerator[contract.WatchEventsResponse, None]:
    """The stream across restarts of the hub; `request.cursor` always tells where it stands.

    A hub that was never reached is an error; one that was is waited for.
    """
    wait = FIRST_WAIT_SECONDS
    while True:
        try:
            async for answer in hub.stream(hub.events.WatchEvents, request):
                request.cursor = answer.cursor
                request.ClearField("start_time")
                wait = FIRST_WAIT_SECONDS
                yield answer
        except grpc.aio.AioRpcError as error:
            if error.code() not in _RESUMABLE or not request.cursor:
                raise
            refusal = Refusal.of(error)
            complain(f"{refusal.reason or 'the hub does not answer'}: resuming in {wait:g} s")
        await asyncio.sleep(wait)
        wait = min(MOST_WAIT_SECONDS, wait * 2)


def line_of(event: Event) -> str:
    """An event as one line for people, its record's time first."""
    status = word(DeliveryStatus, event.status)
    before = word(DeliveryStatus, event.previous_status)
    parts = [
        moment(event.record_time),
        event.delivery_id or event.shipment_id or event.subscription_id,
        f"#{event.number}",
        word(EventKind, event.kind),
        f"{before} → {status}" if before and before != status else status,
        "(inferred)" if event.synthetic else f"[{word(Disposition, event.disposition)}]" if event.disposition else "",
        event.explanation,
    ]
    return printable("  ".join(filter(None, parts))).replace("\n", " ")
