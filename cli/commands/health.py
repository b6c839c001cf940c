"""`crossdock health`: whether a hub serves, for people and for scripts."""

import typer

from cli.connection import Json, Server, Tls, as_anybody, call
from cli.examples import examples
from cli.output import print_facts, print_json

NOT_SERVING = 5

EXAMPLES = examples(
    ("is it there?", "crossdock health"),
    ("in a script", "until crossdock health --server hub.internal:7411 --tls; do sleep 1; done"),
)


def health(server: Server = "", tls: Tls = False, as_json_: Json = False) -> None:
    """Say whether the hub serves, its database included. Exit code 0: it serves, 5: it does not."""
    connection = as_anybody(server, tls)
    status = call(connection, lambda hub: hub.health())
    if as_json_:
        print_json({"server": connection.server, "status": status})
    else:
        print_facts([(connection.server, status)])
    if status != "SERVING":
        raise typer.Exit(NOT_SERVING)
