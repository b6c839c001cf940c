"""The tree of the `crossdock` command: every command on one screen; does nothing itself but tell its version."""

from importlib.metadata import version
from typing import Annotated

import typer

from cli import processes, up
from cli.commands import deliveries, health, simulate, sources, subscriptions, tenants, tokens, watch, webhooks
from cli.demo import command as demo

app = typer.Typer(
    name="crossdock",
    help="A hub for delivery data: any carrier's events in, one truth kept, any documented format out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RUN, LOOK, MANAGE = "Run a hub", "See what happens", "Manage a hub"


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"crossdock {version('crossdock')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version and end.")
    ] = False,
) -> None:
    pass


app.command(epilog=demo.EXAMPLES, rich_help_panel=RUN)(demo.demo)
app.command(epilog=up.EXAMPLES, rich_help_panel=RUN)(up.up)
app.command(epilog=processes.SERVICES_EXAMPLES, rich_help_panel=RUN, context_settings=processes.PASSED_ON)(
    processes.services
)
app.command(epilog=processes.GATEWAY_EXAMPLES, rich_help_panel=RUN, context_settings=processes.PASSED_ON)(
    processes.gateway
)
app.command(epilog=processes.SIMULATOR_EXAMPLES, rich_help_panel=RUN, context_settings=processes.PASSED_ON)(
    processes.simulator
)
app.command(epilog=watch.EXAMPLES, rich_help_panel=LOOK)(watch.watch)
app.add_typer(simulate.app, name="simulate", rich_help_panel=RUN)
app.add_typer(deliveries.app, name="deliveries", rich_help_panel=LOOK)
app.add_typer(webhooks.app, name="webhooks", rich_help_panel=LOOK)
app.command(epilog=health.EXAMPLES, rich_help_panel=LOOK)(health.health)
app.add_typer(sources.app, name="sources", rich_help_panel=MANAGE)
app.add_typer(subscriptions.app, name="subscriptions", rich_help_panel=MANAGE)
app.add_typer(tokens.app, name="tokens", rich_help_panel=MANAGE)
app.add_typer(tenants.app, name="tenants", rich_help_panel=MANAGE)
