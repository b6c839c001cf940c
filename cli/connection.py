"""Which hub a command talks to, as whom, and what is said when it cannot; knows no command by its meaning.

A newcomer gives no flags: when a hub that `crossdock up` started runs on this machine, its address and its demo
account's token are found in its data folder, and the user is told so.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, NamedTuple, TypeVar

import grpc
import typer

from cli.hub.folders import Folder, default_data_dir, read_document
from cli.hub.keys import find_system_token
from cli.hub_client import HubClient
from cli.output import complain
from cli.refusals import Refusal

T = TypeVar("T")

DEFAULT_SERVER = "127.0.0.1:7411"

Server = Annotated[
    str,
    typer.Option(
        "--server",
        envvar="CROSSDOCK_SERVER",
        metavar="HOST:PORT",
        help=f"The hub's gRPC. By default the one that runs on this machine, or {DEFAULT_SERVER}.",
        show_default=False,
    ),
]
BearerToken = Annotated[
    str,
    typer.Option(
        "--token", envvar="CROSSDOCK_TOKEN", metavar="TOKEN", help="The token to act with.", show_default=False
    ),
]
Tls = Annotated[
    bool,
    typer.Option(
        "--tls",
        envvar="CROSSDOCK_TLS",
        help="Connect over TLS, with the certificates that the gateway's settings name.",
    ),
]
ForTenant = Annotated[
    str,
    typer.Option("--tenant", metavar="TENANT", help="Act for this tenant with the deployment's own key (operators)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, as the contract writes it (proto3 JSON).")]


class Connection(NamedTuple):
    """Where to call, and as whom."""

    server: str
    token: str
    tls: bool = False
    tenant_id: str = ""


def as_caller(server: str, token: str, tls: bool, tenant_id: str = "") -> Connection:
    """The connection for the commands of an account; with a tenant, for its operator."""
    if tenant_id and not token:
        return as_operator(server, tls, tenant_id)
    running = _running() if not (server and token) else {}
    found = str(running.get("grpc", ""))
    if not token and found and server in ("", found):
        token = str(running.get("account_token", ""))
        if token:
            complain(f"using the demo account of the hub at {found} (from {Folder(default_data_dir()).running})")
    if not token:
        raise typer.BadParameter(
            "no token: give one, or set CROSSDOCK_TOKEN (a hub started with `crossdock up --demo-data` needs none)",
            param_hint="--token",
        )
    return Connection(server or found or DEFAULT_SERVER, _sendable(token, "--token"), tls, tenant_id)


def as_operator(server: str, tls: bool, tenant_id: str = "") -> Connection:
    """The connection with the deployment's own key: from the environment, or of the hub on this machine."""
    running = _running() if not server else {}
    key = find_system_token(Folder(default_data_dir()))
    if not key:
        raise typer.BadParameter(
            "the deployment's own key is needed: set CROSSDOCK_SYSTEM_TOKEN, or CROSSDOCK_DATA_DIR to the hub's folder",
            param_hint="CROSSDOCK_SYSTEM_TOKEN",
        )
    key = _sendable(key, "CROSSDOCK_SYSTEM_TOKEN")
    return Connection(server or str(running.get("grpc", "")) or DEFAULT_SERVER, key, tls, tenant_id)


def as_anybody(server: str, tls: bool) -> Connection:
    """The connection for what needs no token."""
    return Connection(server or str(_running().get("grpc", "")) or DEFAULT_SERVER, "", tls)


def call(connection: Connection, action: Callable[[HubClient], Awaitable[T]]) -> T:
    """What `action` makes of an open channel. A refused call ends the command with a line and its exit code."""

    async def acting() -> T:
        server, token, tls, tenant_id = connection
        async with HubClient(server, token, tls=tls, tenant_id=tenant_id) as hub:
            return await action(hub)

    try:
        return asyncio.run(acting())
    except grpc.aio.AioRpcError as error:
        refusal = Refusal.of(error)
        for line in refusal.lines(connection.server):
            complain(line)
        raise typer.Exit(refusal.exit_code) from None
    except BrokenPipeError:
        # `| head` has seen enough. The interpreter must not try to flush once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def _sendable(token: str, hint: str) -> str:
    """The token, if gRPC can carry it. What was left as `xd_…` cannot be, and gRPC would break over it."""
    if not (token.isascii() and token.isprintable()):
        raise typer.BadParameter("a token has only printable ASCII characters", param_hint=hint)
    return token


def _running() -> dict[str, object]:
    return read_document(Folder(default_data_dir()).running) or {}
