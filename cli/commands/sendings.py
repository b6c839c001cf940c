"""`crossdock subscriptions test` and its like: what was sent, how it went, and sending it again."""

from typing import Annotated

import typer
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_pb2 import Attempt, AttemptOutcome, SendCause
from google.protobuf.duration_pb2 import Duration

from cli.connection import BearerToken, ForTenant, Json, Server, Tls, as_caller, call
from cli.examples import examples
from cli.hub_client import HubClient
from cli.output import as_json, print_facts, print_json, print_list, print_table
from cli.pages import Limit, read_all
from cli.words import moment, parse_moment, values, word

ID = "sub_01jt8k2v4mfz9r5s7w3x6y0abc"
_EVENT = "evt_01jt8k2v4mfz9r5s7w3x6y0abc"
_REFUSED = 1

SubscriptionId = Annotated[str, typer.Argument(metavar="SUBSCRIPTION", help="The id (sub_…).")]
Since = Annotated[str, typer.Option(metavar="WHEN", help="Only events of 2h, 7d ago or later, or since a time.")]
Until = Annotated[str, typer.Option(metavar="WHEN", help="Only events before this moment.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many there are.")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands to those of subscriptions."""
    for command, epilog in (
        (try_out, examples(("does it get through?", f"crossdock subscriptions test {ID}"))),
        (stats, examples(("how does it do?", f"crossdock subscriptions stats {ID}"))),
        (
            attempts,
            examples(
                ("what went wrong", f"crossdock subscriptions attempts {ID} --outcome refused,timed_out,unreachable"),
                ("what was given up", f"crossdock subscriptions attempts {ID} --given-up"),
            ),
        ),
        (redeliver, examples(("one event again", f"crossdock subscriptions redeliver {ID} {_EVENT}"))),
        (
            replay,
            examples(
                ("how much would that be?", f"crossdock subscriptions replay {ID} --since 2h --dry-run"),
                ("everything of the last two hours again", f"crossdock subscriptions replay {ID} --since 2h"),
            ),
        ),
        (redrive, examples(("all that was given up", f"crossdock subscriptions redrive {ID}"))),
    ):
        app.command("test" if command is try_out else None, epilog=epilog)(command)


def try_out(
    subscription: SubscriptionId,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Send a made-up event and tell how it went. Exits with 1 unless it was taken."""
    request = contract.TestSubscriptionRequest(subscription_id=subscription)
    answer = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.subscriptions.TestSubscription, request)
    )
    attempt = answer.attempt
    if as_json_:
        print_json(as_json(attempt))
    elif not answer.HasField("attempt"):
        print_facts([("outcome", "not over within 20 seconds")])
    else:
        print_facts(
            [
                ("outcome", word(AttemptOutcome, attempt.outcome)),
                ("status", str(attempt.http_status or "")),
                ("took", _milliseconds(attempt.latency)),
                ("error", attempt.error),
                ("answer", attempt.response_excerpt),
            ]
        )
    if attempt.outcome != AttemptOutcome.ATTEMPT_OUTCOME_SUCCEEDED:
        raise typer.Exit(_REFUSED)


def stats(
    subscription: SubscriptionId,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Say how a subscription does: what waits, what failed, how fast its endpoint is."""
    request = contract.GetSubscriptionStatsRequest(subscription_id=subscription)
    found = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.subscriptions.GetSubscriptionStats, request)
    ).stats
    if as_json_:
        print_json(as_json(found))
        return
    print_facts(
        [
            ("never tried", str(found.backlog_count)),
            ("the oldest of them", moment(found.oldest_backlog_time)),
            ("to be tried again", str(found.retrying_count)),
            ("given up", str(found.given_up_count)),
            ("taken in 24 hours", str(found.succeeded_count)),
            ("failed tries in 24 hours", str(found.failed_count)),
            ("median answer", _milliseconds(found.latency_median)),
            ("99 of 100 within", _milliseconds(found.latency_p99)),
            ("last taken", moment(found.last_success_time)),
            ("last failed", moment(found.last_failure_time)),
        ]
    )


def attempts(
    subscription: SubscriptionId,
    outcome: Annotated[
        list[str] | None,
        typer.Option(
            help="Only those: succeeded, refused, gone, throttled, timed_out, unreachable, blocked; with commas."
        ),
    ] = None,
    event: Annotated[str, typer.Option(metavar="EVENT", help="Only of this event.")] = "",
    delivery: Annotated[str, typer.Option(metavar="DELIVERY", help="Only of this delivery.")] = "",
    given_up: Annotated[bool, typer.Option("--given-up", help="Only last tries of what was given up.")] = False,
    since: Annotated[str, typer.Option(metavar="WHEN", help="Only since 2h, 7d ago, or since a time.")] = "",
    limit: Limit = 50,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """List tries, the youngest first."""

    async def read(hub: HubClient) -> list[Attempt]:
        async def page(size: int, page_token: str) -> contract.ListAttemptsResponse:
            request = contract.ListAttemptsRequest(
                subscription_id=subscription,
                page_size=size,
                page_token=page_token,
                outcomes=values(AttemptOutcome, outcome, "--outcome"),
                event_id=event,
                delivery_id=delivery,
                given_up=given_up,
                started_after=parse_moment(since, "--since") if since else None,
            )
            return await hub.call(hub.subscriptions.ListAttempts, request)

        return await read_all(limit, page, lambda each: each.attempts)

    found = call(as_caller(server, token, tls, tenant), read)
    if as_json_:
        print_list("attempts", found)
        return
    print_table(
        ("TIME", "EVENT", "TRY", "CAUSE", "OUTCOME", "STATUS", "TOOK", "NEXT", "ERROR"),
        [
            (
                moment(each.start_time),
                each.event_id or "(test)",
                str(each.number),
                word(SendCause, each.cause),
                word(AttemptOutcome, each.outcome),
                str(each.http_status or ""),
                _milliseconds(each.latency),
                "given up" if each.given_up else moment(each.retry_time),
                each.error,
            )
            for each in found
        ],
        "no tries",
    )


def redeliver(
    subscription: SubscriptionId,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The id (evt_…).")],
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Send one event again, whatever became of it before."""
    request = contract.RedeliverEventRequest(subscription_id=subscription, event_id=event)
    answer = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.subscriptions.RedeliverEvent, request)
    )
    if as_json_:
        print_json(as_json(answer))
        return
    print_facts([("message", answer.message_id)])


def replay(
    subscription: SubscriptionId,
    since: Since = "",
    until: Until = "",
    cursor: Annotated[str, typer.Option(help="Begin after this place instead.")] = "",
    dry_run: DryRun = False,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Send everything again that it wants, from a moment to where it stands."""
    if bool(since) == bool(cursor):
        raise typer.BadParameter("say one of --since and --cursor", param_hint="--since")
    request = contract.ReplaySubscriptionRequest(
        subscription_id=subscription,
        cursor=cursor,
        start_time=parse_moment(since, "--since") if since else None,
        end_time=parse_moment(until, "--until") if until else None,
        validate_only=dry_run,
    )
    answer = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.subscriptions.ReplaySubscription, request)
    )
    _tell_count(answer, dry_run, as_json_)


def redrive(
    subscription: SubscriptionId,
    since: Since = "",
    until: Until = "",
    dry_run: DryRun = False,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Send all events again that were given up."""
    request = contract.RedriveFailuresRequest(
        subscription_id=subscription,
        start_time=parse_moment(since, "--since") if since else None,
        end_time=parse_moment(until, "--until") if until else None,
        validate_only=dry_run,
    )
    answer = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.subscriptions.RedriveFailures, request)
    )
    _tell_count(answer, dry_run, as_json_)


def _tell_count(
    answer: contract.ReplaySubscriptionResponse | contract.RedriveFailuresResponse, dry_run: bool, as_json_: bool
) -> None:
    if as_json_:
        print_json(as_json(answer))
        return
    print_facts([("would send" if dry_run else "will send", f"{answer.event_count} events")])


def _milliseconds(duration: Duration) -> str:
    nanoseconds = duration.ToNanoseconds()
    return f"{nanoseconds / 1e6:.1f} ms" if nanoseconds else ""
