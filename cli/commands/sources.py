"""`crossdock sources`: who may send webhooks, where to, and how each proves who it is."""

from typing import Annotated

import typer
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.webhook_pb2 import AuthScheme, UnknownTargetPolicy, WebhookSource

from cli.commands import fetching
from cli.connection import BearerToken, ForTenant, Json, Server, Tls, as_caller, call
from cli.examples import examples
from cli.hub_client import HubClient
from cli.output import as_json, complain, print_facts, print_json, print_list, print_table
from cli.pages import Limit, read_all
from cli.words import moment, parse_span, value, word

app = typer.Typer(help="Sources of webhooks: create, list, show, rotate, fetch.", no_args_is_help=True)
app.command(epilog=fetching.EXAMPLES)(fetching.fetch)

SourceId = Annotated[str, typer.Argument(metavar="SOURCE", help="The id (src_…).")]


@app.command(
    epilog=examples(
        ("Skipcart documents no authentication: a secret in the path",
         "crossdock sources create skipcart --scheme path_secret --policy create --currency USD --region US"),
        ("Evermile sends through Svix", "crossdock sources create evermile --scheme standard_webhooks"),
    )
)  # fmt: skip
def create(
    dialect: Annotated[str, typer.Argument(help="The format it sends: skipcart, evermile, ordatic.")],
    scheme: Annotated[
        str,
        typer.Option(
            help="How it proves who it is: path_secret, standard_webhooks, static_authorization, hmac_hex, basic."
        ),
    ],
    name: Annotated[str, typer.Option(help="What it is called.")] = "",
    policy: Annotated[
        str, typer.Option(help="What is done with messages about unknown deliveries: park or create.")
    ] = "park",
    location: Annotated[str, typer.Option(metavar="LOCATION", help="The location it sends about.")] = "",
    currency: Annotated[str, typer.Option(metavar="CODE", help="Of amounts without currency (USD).")] = "",
    region: Annotated[str, typer.Option(metavar="CODE", help="Of phone numbers without prefix (US).")] = "",
    network: Annotated[list[str] | None, typer.Option(metavar="CIDR", help="Accept only from this network.")] = None,
    hmac_header: Annotated[str, typer.Option(metavar="HEADER", help="For hmac_hex: the signature's header.")] = "",
    secret: Annotated[
        str,
        typer.Option(envvar="CROSSDOCK_SOURCE_SECRET", help="The secret, when the sender dictates it."),
    ] = "",
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Add a source. Its secret is told once."""
    source = WebhookSource(
        dialect=dialect,
        display_name=name,
        location_id=location,
        unknown_target_policy=value(UnknownTargetPolicy, policy, "--policy"),
        auth_scheme=value(AuthScheme, scheme, "--scheme"),
        default_currency_code=currency,
        default_region_code=region,
        allowed_networks=network or [],
        hmac_header=hmac_header,
    )
    request = contract.CreateWebhookSourceRequest(source=source, secret=secret)
    made = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.webhooks.CreateWebhookSource, request)
    ).source
    _tell_with_secret(made, as_json_)


@app.command("list", epilog=examples(("who may send", "crossdock sources list --dialect skipcart")))
def list_sources(
    dialect: Annotated[str, typer.Option(help="Only of this format.")] = "",
    limit: Limit = 50,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """List sources, the youngest first, without their secrets."""

    async def read(hub: HubClient) -> list[WebhookSource]:
        async def page(size: int, page_token: str) -> contract.ListWebhookSourcesResponse:
            request = contract.ListWebhookSourcesRequest(page_size=size, page_token=page_token, dialect=dialect)
            return await hub.call(hub.webhooks.ListWebhookSources, request)

        return await read_all(limit, page, lambda each: each.sources)

    found = call(as_caller(server, token, tls, tenant), read)
    if as_json_:
        print_list("sources", found)
        return
    print_table(
        ("ID", "DIALECT", "NAME", "SCHEME", "UNKNOWN TARGET", "LOCATION", "STATE"),
        [
            (
                each.id,
                each.dialect,
                each.display_name,
                word(AuthScheme, each.auth_scheme),
                word(UnknownTargetPolicy, each.unknown_target_policy),
                each.location_id,
                "disabled" if each.disabled else "live",
            )
            for each in found
        ],
        "no sources",
    )


@app.command(epilog=examples(("one source", "crossdock sources show src_01jt8k2v4mfz9r5s7w3x6y0abc")))
def show(
    source: SourceId,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Show one source, without its secrets."""
    request = contract.GetWebhookSourceRequest(source_id=source)
    found = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.webhooks.GetWebhookSource, request)
    ).source
    if as_json_:
        print_json(as_json(found))
        return
    print_facts(_facts(found))


@app.command(
    epilog=examples(
        ("a new secret; the one before works for a day", "crossdock sources rotate src_01jt8k2v4mfz9r5s7w3x6y0abc"),
        ("it leaked: end it now", "crossdock sources rotate src_01jt8k2v4mfz9r5s7w3x6y0abc --overlap 0s"),
    )
)
def rotate(
    source: SourceId,
    overlap: Annotated[str, typer.Option(metavar="SPAN", help="How long the secret before still works.")] = "1d",
    secret: Annotated[
        str, typer.Option(envvar="CROSSDOCK_SOURCE_SECRET", help="The secret, when the sender dictates it.")
    ] = "",
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Make a new secret for a source. It is told once."""
    request = contract.RotateWebhookSourceSecretRequest(
        source_id=source, overlap=parse_span(overlap, "--overlap"), secret=secret
    )
    changed = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.webhooks.RotateWebhookSourceSecret, request)
    ).source
    _tell_with_secret(changed, as_json_)


def _tell_with_secret(source: WebhookSource, as_json_: bool) -> None:
    if as_json_:
        print_json(as_json(source))
        return
    newest = source.secrets[0].value
    in_path = source.auth_scheme == AuthScheme.AUTH_SCHEME_PATH_SECRET
    posts_to = f"{source.path}/{newest}" if in_path else source.path
    print_facts([*_facts(source), ("secret", newest), ("posts to", posts_to)])
    complain("this secret is not shown again")


def _facts(source: WebhookSource) -> list[tuple[str, str]]:
    return [
        ("id", source.id),
        ("dialect", source.dialect),
        ("name", source.display_name),
        ("scheme", word(AuthScheme, source.auth_scheme)),
        ("path", source.path),
        ("unknown deliveries", word(UnknownTargetPolicy, source.unknown_target_policy)),
        ("location", source.location_id),
        ("networks", ", ".join(source.allowed_networks)),
        ("state", "disabled" if source.disabled else "live"),
        ("secrets", ", ".join(f"{each.id} {_until(moment(each.expire_time))}" for each in source.secrets)),
        ("fetched from", ", ".join(source.fetch_hosts)),
        ("fetched with", ", ".join(each.name for each in source.fetch_headers)),
        ("changed", moment(source.update_time)),
    ]


def _until(time: str) -> str:
    return f"until {time}" if time else "(newest)"
