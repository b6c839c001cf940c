"""`crossdock webhooks`: what senders sent, byte by byte, and what became of it."""

import json
import sys
from typing import Annotated

import typer
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.webhook_pb2 import Webhook

from cli.commands import replay
from cli.connection import BearerToken, Json, Server, Tls, as_caller, call
from cli.examples import examples
from cli.hub_client import HubClient
from cli.output import as_json, print_facts, print_json, print_list, print_table, printable
from cli.pages import Limit, read_all
from cli.words import moment, parse_moment, values, word

app = typer.Typer(help="Inbound messages: list, show, replay.", no_args_is_help=True)
app.command(epilog=replay.EXAMPLES)(replay.replay)


@app.command(
    "list",
    epilog=examples(
        ("what needs a look", "crossdock webhooks list --disposition unmatched,unmapped,malformed,expired"),
        ("the story of one delivery", "crossdock webhooks list --delivery dlv_01jt8k2v4mfz9r5s7w3x6y0abc"),
        ("read again all that had no mapping last week",
         "crossdock webhooks replay --disposition unmapped --since 7d"),
    ),
)  # fmt: skip
def list_webhooks(
    disposition: Annotated[list[str] | None, typer.Option(help="What became of it; several with commas.")] = None,
    source: Annotated[str, typer.Option(metavar="SOURCE", help="Only of this source.")] = "",
    delivery: Annotated[str, typer.Option(metavar="DELIVERY", help="Only about this delivery.")] = "",
    since: Annotated[str, typer.Option(metavar="WHEN", help="Only received since: 2h, 7d, or a time.")] = "",
    until: Annotated[str, typer.Option(metavar="WHEN", help="Only received before.")] = "",
    mapping: Annotated[str, typer.Option(metavar="VERSION", help="Only read by this mapping (skipcart/1).")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the ids alone.")] = False,
    limit: Limit = 50,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    as_json_: Json = False,
) -> None:
    """List messages, the youngest first."""
    request = contract.ListWebhooksRequest(
        dispositions=values(Disposition, disposition, "--disposition"),
        source_id=source,
        delivery_id=delivery,
        received_after=parse_moment(since, "--since") if since else None,
        received_before=parse_moment(until, "--until") if until else None,
        mapping_version=mapping,
    )

    async def read(hub: HubClient) -> list[Webhook]:
        async def page(size: int, page_token: str) -> contract.ListWebhooksResponse:
            request.page_size, request.page_token = size, page_token
            return await hub.call(hub.webhooks.ListWebhooks, request)

        return await read_all(limit, page, lambda each: each.webhooks)

    found = call(as_caller(server, token, tls), read)
    if as_json_:
        print_list("webhooks", found)
    elif quiet:
        for each in found:
            print(each.id)
    else:
        print_table(
            ("ID", "RECEIVED", "DIALECT", "BECAME", "DELIVERY", "BYTES", "WHY"),
            [
                (
                    each.id,
                    moment(each.receive_time),
                    each.dialect,
                    word(Disposition, each.disposition),
                    each.delivery_id,
                    str(each.body_size),
                    each.explanation,
                )
                for each in found
            ],
            "no messages",
        )


@app.command(
    epilog=examples(
        ("everything about one message", "crossdock webhooks show whk_01jt8k2v4mfz9r5s7w3x6y0abc"),
        ("its bytes exactly", "crossdock webhooks show whk_01jt8k2v4mfz9r5s7w3x6y0abc --raw > body.json"),
    )
)
def show(
    webhook: Annotated[str, typer.Argument(metavar="WEBHOOK", help="The id (whk_…).")],
    raw: Annotated[bool, typer.Option("--raw", help="Write the body's bytes and nothing else.")] = False,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    as_json_: Json = False,
) -> None:
    """Show one message: headers, body, how it was read, what became of it."""
    request = contract.GetWebhookRequest(webhook_id=webhook)
    found = call(as_caller(server, token, tls), lambda hub: hub.call(hub.webhooks.GetWebhook, request)).webhook
    if raw:
        sys.stdout.buffer.write(found.body)
        sys.stdout.flush()
        return
    if as_json_:
        print_json(as_json(found))
        return
    print_facts(
        [
            ("id", found.id),
            ("source", f"{found.source_id} ({found.dialect})"),
            ("received", f"{moment(found.receive_time)} from {found.remote_address}"),
            ("message id", found.message_id),
            ("became", word(Disposition, found.disposition)),
            ("why", found.explanation),
            ("delivery", found.delivery_id),
            ("duplicate of", found.duplicate_of),
            ("given up at", moment(found.expire_time)),
            ("processed", f"{found.process_count} times, last {moment(found.process_time)}"),
        ]
    )
    print("\nHEADERS")
    for header in found.headers:
        print(f"{printable(header.name)}: {printable(header.value)}")
    print(f"\nBODY ({found.body_size} bytes)\n{_body(found.body)}")
    print(f"\nREAD AS ({printable(found.mapping_version) or 'unread'})")
    print(json.dumps(as_json(found.report), ensure_ascii=False, indent=2) if found.HasField("report") else "nothing")


def _body(body: bytes) -> str:
    """Indented if it is JSON; else as text, with what is no text shown as escapes."""
    try:
        return printable(json.dumps(json.loads(body), ensure_ascii=False, indent=2))
    except (ValueError, RecursionError):
        return printable(body.decode(errors="backslashreplace"))
