"""`crossdock tokens`: who may call, and how far each reaches."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from crossdock.v1 import access_service_pb2 as contract
from crossdock.v1.access_pb2 import AccessLevel, Scope, Token

from cli.connection import BearerToken, ForTenant, Json, Server, Tls, as_caller, call
from cli.examples import examples
from cli.hub_client import HubClient
from cli.output import as_json, complain, print_facts, print_json, print_list, print_table
from cli.pages import Limit, read_all
from cli.words import moment, parse_span, value, values, word

app = typer.Typer(help="Bearer tokens: create, list, revoke.", no_args_is_help=True)


@app.command(
    epilog=examples(
        ("for a till that reads the orders of its own store",
         "crossdock tokens create Till --level location --location loc_01jt8k2v4mfz9r5s7w3x6y0abc --scope orders_read"),
        ("for a dashboard, for a month", "crossdock tokens create Dashboard --scope events_read --expires 30d"),
        ("the first token of a tenant, by its operator",
         "crossdock tokens create Admin --scope access_write --tenant ten_01jt8k2v4mfz9r5s7w3x6y0abc"),
    )
)  # fmt: skip
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; several with commas. `all` for everything.")],
    level: Annotated[str, typer.Option(help="How far it reaches: account or location.")] = "account",
    location: Annotated[str, typer.Option(metavar="LOCATION", help="The one location of a location token.")] = "",
    expires: Annotated[
        str, typer.Option(metavar="SPAN", help="When it ends by itself: 12h, 30d. Never if empty.")
    ] = "",
    calls_per_minute: Annotated[int, typer.Option(min=0, help="How often it may call. 0: the hub's default.")] = 0,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Make a token. Its value is told once: only its hash is kept."""
    scopes = Scope.values()[1:] if scope == ["all"] else values(Scope, scope, "--scope")
    wanted = Token(
        display_name=name,
        level=value(AccessLevel, level, "--level"),
        location_id=location,
        scopes=scopes,
        calls_per_minute=calls_per_minute,
    )
    if expires:
        end = datetime.now(UTC) + parse_span(expires, "--expires").ToTimedelta()
        wanted.expire_time.FromDatetime(end)
    made = call(
        as_caller(server, token, tls, tenant),
        lambda hub: hub.call(hub.access.CreateToken, contract.CreateTokenRequest(token=wanted)),
    )
    if as_json_:
        print_json(as_json(made))
        return
    print_facts([("id", made.token.id), ("value", made.value), ("scopes", _scopes(made.token))])
    complain("this value is not shown again")


@app.command(
    "list",
    epilog=examples(
        ("those that are live", "crossdock tokens list"),
        ("also those that ended, for a program", "crossdock tokens list --ended --json"),
    ),
)
def list_tokens(
    ended: Annotated[bool, typer.Option("--ended", help="Show revoked and expired ones too.")] = False,
    limit: Limit = 50,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """List tokens, the youngest first, without their values."""

    async def read(hub: HubClient) -> list[Token]:
        async def page(size: int, page_token: str) -> contract.ListTokensResponse:
            request = contract.ListTokensRequest(page_size=size, page_token=page_token, show_ended=ended)
            return await hub.call(hub.access.ListTokens, request)

        return await read_all(limit, page, lambda each: each.tokens)

    found = call(as_caller(server, token, tls, tenant), read)
    if as_json_:
        print_list("tokens", found)
        return
    print_table(
        ("ID", "NAME", "BEGINS", "LEVEL", "SCOPES", "CREATED", "ENDS"),
        [
            (
                each.id,
                each.display_name,
                f"{each.prefix}…",
                word(AccessLevel, each.level) + (f" {each.location_id}" if each.location_id else ""),
                _scopes(each),
                moment(each.create_time),
                moment(each.revoke_time) or moment(each.expire_time),
            )
            for each in found
        ],
        "no tokens",
    )


@app.command(epilog=examples(("end a token", "crossdock tokens revoke tok_01jt8k2v4mfz9r5s7w3x6y0abc")))
def revoke(
    ids: Annotated[list[str], typer.Argument(metavar="TOKEN...", help="The ids (tok_…).")],
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """End tokens: within two seconds nobody can call with them."""

    async def end(hub: HubClient) -> list[Token]:
        return [
            (await hub.call(hub.access.RevokeToken, contract.RevokeTokenRequest(token_id=each))).token for each in ids
        ]

    ended = call(as_caller(server, token, tls, tenant), end)
    if as_json_:
        print_list("tokens", ended)
        return
    for each in ended:
        print_facts([("revoked", f"{each.id} ({each.display_name}) at {moment(each.revoke_time)}")])


def _scopes(token: Token) -> str:
    if set(token.scopes) == set(Scope.values()[1:]):
        return "all"
    return ", ".join(word(Scope, scope) for scope in token.scopes)
