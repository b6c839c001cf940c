"""`crossdock webhooks replay`: stored messages go the same way again, read by the present mapping."""

import sys
from collections.abc import Iterator
from typing import Annotated, NamedTuple

import typer
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.webhook_pb2 import Webhook, WebhookSource
from rich.console import Console
from rich.progress import track

from cli.connection import BearerToken, Json, Server, Tls, as_caller, call
from cli.examples import examples
from cli.hub_client import HubClient
from cli.output import as_json, complain, print_json, print_table
from cli.words import word

EXAMPLES = examples(
    ("read it again, by today's mapping", "crossdock webhooks replay whk_01jt8k2v4mfz9r5s7w3x6y0abc"),
    ("only say what would become of it", "crossdock webhooks replay whk_01jt8k2v4mfz9r5s7w3x6y0abc --dry-run"),
    ("as it was read when it came", "crossdock webhooks replay whk_01jt8k2v4mfz9r5s7w3x6y0abc --as-stored"),
)


class Replayed(NamedTuple):
    """A message before and after; `problem` says why it was left alone."""

    before: Webhook
    after: Webhook | None = None
    problem: str = ""


def replay(
    ids: Annotated[list[str], typer.Argument(metavar="WEBHOOK...", help="The ids (whk_…).")],
    as_stored: Annotated[
        bool, typer.Option("--as-stored", help="Apply the reading of the first time, not today's mapping.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of them.")] = False,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    as_json_: Json = False,
) -> None:
    """Process stored messages again. What was applied is never applied twice. Exit code 1: some cannot be read."""

    async def run(hub: HubClient) -> list[Replayed]:
        sources: dict[str, WebhookSource] = {}
        return [await _replay_one(hub, each, sources, as_stored, dry_run) for each in _with_progress(ids)]

    done = call(as_caller(server, token, tls), run)
    for each in done:
        if each.problem:
            complain(f"{each.before.id}: {each.problem}")
    replayed = [(each.before, each.after) for each in done if each.after is not None]
    if as_json_:
        print_json({"webhooks": [as_json(after) for _, after in replayed]})
    else:
        print_table(
            ("ID", "WAS", "WOULD BECOME" if dry_run else "BECAME", "DELIVERY", "WHY"),
            [
                (
                    after.id,
                    word(Disposition, before.disposition),
                    word(Disposition, after.disposition),
                    after.delivery_id,
                    after.explanation,
                )
                for before, after in replayed
            ],
            "nothing replayed",
        )
    if len(replayed) < len(done):
        raise typer.Exit(1)


async def _replay_one(
    hub: HubClient, webhook_id: str, sources: dict[str, WebhookSource], as_stored: bool, dry_run: bool
) -> Replayed:
    request = contract.GetWebhookRequest(webhook_id=webhook_id)
    before = (await hub.call(hub.webhooks.GetWebhook, request)).webhook
    wish = contract.ReplayWebhookRequest(webhook_id=webhook_id, validate_only=dry_run)
    if not as_stored:
        if before.source_id not in sources:
            ask = contract.GetWebhookSourceRequest(source_id=before.source_id)
            sources[before.source_id] = (await hub.call(hub.webhooks.GetWebhookSource, ask)).source
        if problem := _read_again(before, sources[before.source_id], wish):
            return Replayed(before, problem=problem)
    return Replayed(before, (await hub.call(hub.webhooks.ReplayWebhook, wish)).webhook)


def _read_again(webhook: Webhook, source: WebhookSource, wish: contract.ReplayWebhookRequest) -> str:
    """Puts today's reading into `wish`; says why when there is none."""
    from gateway.dialects.registry import INBOUND
    from gateway.webhooks.reading import Arrival, message_of

    dialect = INBOUND.get(webhook.dialect)
    if dialect is None:
        return f"the dialect {webhook.dialect!r} is not known here"
    arrival = Arrival(
        receive_time_ns=webhook.receive_time.ToNanoseconds(),
        headers=[(each.name.encode("latin-1"), each.value.encode("latin-1", "replace")) for each in webhook.headers],
        body=webhook.body,
        remote_address=webhook.remote_address,
        message_id=webhook.message_id,
    )
    read = message_of(dialect, source, arrival)
    if not read.HasField("report"):
        return f"it cannot be read: {read.malformed}"
    wish.report.CopyFrom(read.report)
    wish.mapping_version = read.mapping_version
    return ""


def _with_progress(ids: list[str]) -> Iterator[str]:
    """A bar for people who wait for many."""
    if len(ids) < 2 or not sys.stderr.isatty():
        yield from ids
    else:
        yield from track(ids, "Replaying", console=Console(stderr=True), transient=True)
