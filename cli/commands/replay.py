"""`crossdock webhooks replay`: stored messages go the same way again, read by the present mapping."""

import sys
from collections.abc import AsyncIterator
from typing import Annotated, Any

import typer
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.delivery_pb2 import DeliveryStatus
from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.webhook_pb2 import Webhook
from rich.console import Console
from rich.progress import Progress

from cli.connection import BearerToken, Json, Server, Tls, as_caller, call
from cli.examples import examples
from cli.hub_client import HubClient
from cli.output import as_json, complain, print_json, print_table
from cli.pages import read_all
from cli.replays import Replayed, Wish, replay_all
from cli.words import parse_moment, values, word

WITHOUT_EFFECT = "malformed,unmapped,unmatched,expired"
"""What can have an effect when it is processed again."""

EXAMPLES = examples(
    ("read it again, by today's mapping", "crossdock webhooks replay whk_01jt8k2v4mfz9r5s7w3x6y0abc"),
    ("what a new mapping would make of last week", "crossdock webhooks replay --since 7d --dry-run"),
    ("all that the mapping before could not place", "crossdock webhooks replay --mapping skipcart/1"),
    ("one source, what was malformed", "crossdock webhooks replay --source src_01j… --disposition malformed"),
    ("as it was read when it came", "crossdock webhooks replay whk_01jt8k2v4mfz9r5s7w3x6y0abc --as-stored"),
)


def replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="WEBHOOK...", help="The ids (whk_…); or filters.")] = None,
    disposition: Annotated[
        list[str] | None, typer.Option(help=f"Those that became this; with filters alone {WITHOUT_EFFECT}.")
    ] = None,
    source: Annotated[str, typer.Option(metavar="SOURCE", help="Those of this source.")] = "",
    since: Annotated[str, typer.Option(metavar="WHEN", help="Those received since: 2h, 7d, or a time.")] = "",
    until: Annotated[str, typer.Option(metavar="WHEN", help="Those received before.")] = "",
    mapping: Annotated[str, typer.Option(metavar="VERSION", help="Those read by this mapping (skipcart/1).")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most, the youngest.")] = 1000,
    as_stored: Annotated[
        bool, typer.Option("--as-stored", help="Apply the reading of the first time, not today's mapping.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what each by itself would change.")] = False,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    as_json_: Json = False,
) -> None:
    """Process stored messages again, the oldest first. What was applied is never applied twice.

    Exit code 1: some cannot be read.
    """
    filtered = bool(disposition or source or since or until or mapping)
    if bool(ids) == filtered:
        raise typer.BadParameter("name messages by their ids, or by filters such as --since 7d")
    wanted = contract.ListWebhooksRequest(
        dispositions=values(Disposition, disposition or [WITHOUT_EFFECT], "--disposition"),
        source_id=source,
        received_after=parse_moment(since, "--since") if since else None,
        received_before=parse_moment(until, "--until") if until else None,
        mapping_version=mapping,
    )

    async def run(hub: HubClient) -> list[Replayed]:
        chosen = ids or await _matching(hub, wanted, limit)
        return [each async for each in _with_progress(replay_all(hub, chosen, Wish(as_stored, dry_run)), len(chosen))]

    done = call(as_caller(server, token, tls), run)
    for each in done:
        if each.problem:
            complain(f"{each.before.id}: {each.problem}")
    replayed = [each for each in done if each.after is not None]
    if as_json_:
        print_json(
            {"webhooks": [as_json(each.after) for each in replayed if each.after], "changes": [*map(_change, replayed)]}
        )
    else:
        _print(replayed, dry_run)
    if len(replayed) < len(done):
        raise typer.Exit(1)


async def _matching(hub: HubClient, wanted: contract.ListWebhooksRequest, limit: int) -> list[str]:
    """The ids of the messages, the oldest first. All are found before the first is processed and leaves the list."""

    async def page(size: int, page_token: str) -> contract.ListWebhooksResponse:
        wanted.page_size, wanted.page_token = size, page_token
        return await hub.call(hub.webhooks.ListWebhooks, wanted)

    found: list[Webhook] = await read_all(limit, page, lambda each: each.webhooks)
    return [each.id for each in reversed(found)]


def _change(each: Replayed) -> dict[str, Any]:
    """What replaying a message changed, or would change."""
    assert each.after is not None
    return {
        "id": each.before.id,
        "dispositionBefore": Disposition.Name(each.before.disposition),
        "disposition": Disposition.Name(each.after.disposition),
        "mappingVersionBefore": each.before.mapping_version,
        "mappingVersion": each.after.mapping_version,
        "deliveryId": each.after.delivery_id,
        "statusBefore": DeliveryStatus.Name(each.previous.status),
        "status": DeliveryStatus.Name(each.delivery.status),
        "changedMembers": each.changed,
    }


def _print(replayed: list[Replayed], dry_run: bool) -> None:
    print_table(
        ("ID", "WAS", "WOULD BECOME" if dry_run else "BECAME", "DELIVERY", "STATUS", "CHANGES", "WHY"),
        [
            (
                each.after.id,
                word(Disposition, each.before.disposition),
                word(Disposition, each.after.disposition),
                each.after.delivery_id or ("(new)" if each.delivery.id else ""),
                _status(each),
                ", ".join(each.changed),
                each.after.explanation,
            )
            for each in replayed
            if each.after is not None
        ],
        "nothing replayed",
    )


def _status(each: Replayed) -> str:
    before, after = (word(DeliveryStatus, delivery.status) for delivery in (each.previous, each.delivery))
    return f"{before or '-'} → {after}" if after and before != after else after


async def _with_progress(done: AsyncIterator[Replayed], total: int) -> AsyncIterator[Replayed]:
    """A bar for people who wait for many."""
    with Progress(
        console=Console(stderr=True), transient=True, disable=total < 2 or not sys.stderr.isatty()
    ) as progress:
        task = progress.add_task("Replaying", total=total)
        async for each in done:
            yield each
            progress.advance(task)
