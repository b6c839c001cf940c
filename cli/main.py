"""The tree of the `crossdock` command: every command on one screen; does nothing itself."""

import typer

from cli import up

app = typer.Typer(
    name="crossdock",
    help="A hub for delivery data: any carrier's events in, one truth kept, any documented format out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def crossdock() -> None:
    pass


app.command(epilog=up.EXAMPLES)(up.up)
