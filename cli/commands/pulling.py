"""`crossdock subscriptions pull` and `acknowledge`: events for who fetches them; knows nothing of sending."""

from typing import Annotated

import typer
from crossdock.v1 import subscription_service_pb2 as contract
from google.protobuf.duration_pb2 import Duration

from cli.commands.sendings import ID, SubscriptionId
from cli.commands.watch import line_of
from cli.connection import BearerToken, ForTenant, Json, Server, Tls, as_caller, call
from cli.examples import examples
from cli.output import as_json, complain, print_facts, print_json

_LARGEST_PULL = 1000


def add_to(app: typer.Typer) -> None:
    """Adds the commands to those of subscriptions."""
    app.command(
        epilog=examples(
            ("what is new; the same again until it is acknowledged", f"crossdock subscriptions pull {ID}"),
            ("for a program", f"crossdock subscriptions pull {ID} --json | jq '.events[]?.event, .nextCursor'"),
        )
    )(pull)
    app.command(epilog=examples(("dealt with, up to here", f"crossdock subscriptions acknowledge {ID} AAAA…")))(
        acknowledge
    )


def pull(
    subscription: SubscriptionId,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=_LARGEST_PULL, help="How many at most.")] = 100,
    wait: Annotated[
        int, typer.Option(metavar="SECONDS", min=0, max=30, help="How long to wait when there is none.")
    ] = 0,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Show the events of a passive subscription that are not acknowledged, the oldest first."""
    request = contract.PullEventsRequest(
        subscription_id=subscription, max_events=limit, wait=Duration(seconds=wait) if wait else None
    )
    answer = call(
        as_caller(server, token, tls, tenant),
        lambda hub: hub.call(hub.subscriptions.PullEvents, request, seconds=wait + 30),
    )
    if as_json_:
        print_json(as_json(answer))
        return
    for each in answer.events:
        print(line_of(each.event))
    if answer.events:
        complain(f"when they are dealt with: crossdock subscriptions acknowledge {subscription} {answer.next_cursor}")


def acknowledge(
    subscription: SubscriptionId,
    cursor: Annotated[str, typer.Argument(metavar="CURSOR", help="Of the last event dealt with, as `pull` tells it.")],
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Say up to where pulled events are dealt with."""
    request = contract.AcknowledgeEventsRequest(subscription_id=subscription, cursor=cursor)
    changed = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.subscriptions.AcknowledgeEvents, request)
    ).subscription
    if as_json_:
        print_json(as_json(changed))
        return
    print_facts([("id", changed.id), ("cursor", changed.cursor)])
