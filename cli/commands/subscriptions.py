"""`crossdock subscriptions`: who is told what happened, in which format; what was sent is `sendings`' matter."""

from typing import Annotated

import typer
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.delivery_pb2 import DeliveryStatus
from crossdock.v1.event_pb2 import EventFilter, EventKind
from crossdock.v1.subscription_pb2 import PayloadStyle, SubscriberRole, Subscription, SubscriptionState
from crossdock.v1.webhook_pb2 import HttpHeader

from cli.commands import pulling, sendings
from cli.connection import BearerToken, ForTenant, Json, Server, Tls, as_caller, call
from cli.examples import examples
from cli.hub_client import HubClient
from cli.output import as_json, complain, print_facts, print_json, print_list, print_table
from cli.pages import Limit, read_all
from cli.words import moment, parse_moment, parse_span, value, values, word

app = typer.Typer(help="Subscriptions: tell others what happens, and see what was sent.", no_args_is_help=True)

SubscriptionId = sendings.SubscriptionId
_ID = sendings.ID


@app.command(
    epilog=examples(
        ("everything, as signed CloudEvents", "crossdock subscriptions create https://shop.example/hook"),
        ("a till that knows HubRise's callbacks",
         "crossdock subscriptions create https://pos.example/callback --dialect hubrise --location loc_01j…"),
        ("deliveries that arrive or fail, with a header of theirs",
         "crossdock subscriptions create https://crm.example/in --status delivered,failed --header 'X-Shop: 7709'"),
        ("events to be pulled, not posted", "crossdock subscriptions create --passive"),
    )
)  # fmt: skip
def create(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages are posted.")] = "",
    dialect: Annotated[
        str, typer.Option(help="The format: cloudevents, skipcart, hubrise, evermile, deliverysolutions, ordatic.")
    ] = "cloudevents",
    name: Annotated[str, typer.Option(help="What it is called.")] = "",
    kind: Annotated[list[str] | None, typer.Option(help="Only events of this kind; several with commas.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only those that led to this status; likewise.")] = None,
    location: Annotated[list[str] | None, typer.Option(metavar="LOCATION", help="Only of this location.")] = None,
    carrier: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only of this carrier.")] = None,
    shipment: Annotated[str, typer.Option(metavar="SHIPMENT", help="Only of this shipment, and ending with it.")] = "",
    role: Annotated[str, typer.Option(help="What it is to the store: channel, pos, riders, loyalty.")] = "",
    thin: Annotated[bool, typer.Option("--thin", help="Send identifiers and statuses only.")] = False,
    passive: Annotated[bool, typer.Option("--passive", help="Post nothing: events are pulled.")] = False,
    spare_echo: Annotated[
        bool, typer.Option("--spare-echo", help="Leave out what the token causes that creates it.")
    ] = False,
    header: Annotated[
        list[str] | None, typer.Option(metavar="'NAME: VALUE'", help="A header to send with every message.")
    ] = None,
    since: Annotated[str, typer.Option(metavar="WHEN", help="Begin with events of 2h, 7d ago, or of a time.")] = "",
    secret: Annotated[
        str, typer.Option(envvar="CROSSDOCK_SUBSCRIPTION_SECRET", help="The secret, when the subscriber dictates it.")
    ] = "",
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Add a subscription. Its secret is told once."""
    subscription = Subscription(
        url=url,
        dialect=dialect,
        display_name=name,
        filter=EventFilter(
            kinds=values(EventKind, kind, "--kind"),
            statuses=values(DeliveryStatus, status, "--status"),
            location_ids=location or [],
            carriers=carrier or [],
        ),
        shipment_id=shipment,
        role=value(SubscriberRole, role, "--role") if role else SubscriberRole.SUBSCRIBER_ROLE_UNSPECIFIED,
        payload_style=PayloadStyle.PAYLOAD_STYLE_THIN if thin else PayloadStyle.PAYLOAD_STYLE_FULL,
        passive=passive,
        spare_echo=spare_echo,
        headers=[_header(each) for each in header or ()],
    )
    request = contract.CreateSubscriptionRequest(
        subscription=subscription,
        secret=secret,
        start_time=parse_moment(since, "--since") if since else None,
    )
    made = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.subscriptions.CreateSubscription, request)
    ).subscription
    _tell_with_secret(made, as_json_)


@app.command("list", epilog=examples(("those that do not get through", "crossdock subscriptions list --state failing")))
def list_subscriptions(
    dialect: Annotated[str, typer.Option(help="Only of this format.")] = "",
    state: Annotated[
        list[str] | None, typer.Option(help="Only in this state: active, failing, paused, paused_failing, paused_gone.")
    ] = None,
    limit: Limit = 50,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """List subscriptions, the youngest first, without their secrets."""
    states = values(SubscriptionState, state, "--state")

    async def read(hub: HubClient) -> list[Subscription]:
        async def page(size: int, page_token: str) -> contract.ListSubscriptionsResponse:
            request = contract.ListSubscriptionsRequest(
                page_size=size, page_token=page_token, dialect=dialect, states=states
            )
            return await hub.call(hub.subscriptions.ListSubscriptions, request)

        return await read_all(limit, page, lambda each: each.subscriptions)

    found = call(as_caller(server, token, tls, tenant), read)
    if as_json_:
        print_list("subscriptions", found)
        return
    print_table(
        ("ID", "DIALECT", "NAME", "STATE", "SINCE", "URL"),
        [
            (
                each.id,
                each.dialect,
                each.display_name,
                word(SubscriptionState, each.state),
                moment(each.state_time),
                each.url or "(pulled)",
            )
            for each in found
        ],
        "no subscriptions",
    )


@app.command(epilog=examples(("one subscription", f"crossdock subscriptions show {_ID}")))
def show(
    subscription: SubscriptionId,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Show one subscription, without its secrets."""
    request = contract.GetSubscriptionRequest(subscription_id=subscription)
    found = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.subscriptions.GetSubscription, request)
    ).subscription
    _tell(found, as_json_)


@app.command(
    epilog=examples(("they are moving house", f"crossdock subscriptions pause {_ID} --reason 'new till on Monday'"))
)
def pause(
    subscription: SubscriptionId,
    reason: Annotated[str, typer.Option(help="Why, in words.")] = "",
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Stop sending. Nothing is lost."""
    request = contract.PauseSubscriptionRequest(subscription_id=subscription, reason=reason)
    changed = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.subscriptions.PauseSubscription, request)
    ).subscription
    _tell(changed, as_json_)


@app.command(epilog=examples(("it answers again", f"crossdock subscriptions resume {_ID}")))
def resume(
    subscription: SubscriptionId,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Send on from where it was paused, whoever paused it."""
    request = contract.ResumeSubscriptionRequest(subscription_id=subscription)
    changed = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.subscriptions.ResumeSubscription, request)
    ).subscription
    _tell(changed, as_json_)


@app.command(epilog=examples(("nobody listens any more", f"crossdock subscriptions delete {_ID}")))
def delete(
    subscription: SubscriptionId,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Remove a subscription, with what it still waited to send."""
    request = contract.DeleteSubscriptionRequest(subscription_id=subscription)
    done = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.subscriptions.DeleteSubscription, request)
    )
    if as_json_:
        print_json(as_json(done))
        return
    print_facts([("deleted", subscription)])


@app.command(
    epilog=examples(
        ("a new secret; messages bear both signatures for a day", f"crossdock subscriptions rotate {_ID}"),
        ("it leaked: end it now", f"crossdock subscriptions rotate {_ID} --overlap 0s"),
    )
)
def rotate(
    subscription: SubscriptionId,
    overlap: Annotated[str, typer.Option(metavar="SPAN", help="How long the secret before still signs.")] = "1d",
    secret: Annotated[
        str, typer.Option(envvar="CROSSDOCK_SUBSCRIPTION_SECRET", help="The secret, when the subscriber dictates it.")
    ] = "",
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Make a new secret for a subscription. It is told once."""
    request = contract.RotateSubscriptionSecretRequest(
        subscription_id=subscription, overlap=parse_span(overlap, "--overlap"), secret=secret
    )
    changed = call(
        as_caller(server, token, tls, tenant),
        lambda hub: hub.call(hub.subscriptions.RotateSubscriptionSecret, request),
    ).subscription
    _tell_with_secret(changed, as_json_)


sendings.add_to(app)
pulling.add_to(app)


def _header(text: str) -> HttpHeader:
    name, colon, content = text.partition(":")
    if not colon or not name.strip():
        raise typer.BadParameter(f"{text!r} is not 'Name: value'", param_hint="--header")
    return HttpHeader(name=name.strip().lower(), value=content.strip())


def _tell_with_secret(subscription: Subscription, as_json_: bool) -> None:
    newest = next((each.value for each in subscription.secrets if each.value), "")
    if as_json_:
        print_json(as_json(subscription))
        return
    print_facts([*_facts(subscription), ("secret", newest)])
    if newest:
        complain("this secret is not shown again")


def _tell(subscription: Subscription, as_json_: bool) -> None:
    if as_json_:
        print_json(as_json(subscription))
        return
    print_facts(_facts(subscription))


def _facts(subscription: Subscription) -> list[tuple[str, str]]:
    wanted = subscription.filter
    return [
        ("id", subscription.id),
        ("name", subscription.display_name),
        ("dialect", subscription.dialect),
        ("url", subscription.url or "(pulled)"),
        ("kinds", ", ".join(word(EventKind, each) for each in wanted.kinds)),
        ("statuses", ", ".join(word(DeliveryStatus, each) for each in wanted.statuses)),
        ("locations", ", ".join(wanted.location_ids)),
        ("carriers", ", ".join(wanted.carriers)),
        ("shipment", subscription.shipment_id),
        ("role", word(SubscriberRole, subscription.role)),
        ("headers", ", ".join(each.name for each in subscription.headers)),
        ("state", word(SubscriptionState, subscription.state)),
        ("since", moment(subscription.state_time)),
        ("because", subscription.pause_reason),
        ("failing since", moment(subscription.failure_start_time)),
        ("pauses at", moment(subscription.pause_time)),
        ("cursor", subscription.cursor),
        ("secrets", ", ".join(f"{each.id} {_until(moment(each.expire_time))}" for each in subscription.secrets)),
        ("changed", moment(subscription.update_time)),
    ]


def _until(time: str) -> str:
    return f"until {time}" if time else "(newest)"
