"""`crossdock services`, `gateway` and `simulator`: one process of a role; its flags are its own settings."""

import typer
from rich.console import Console

from cli.examples import examples

# Everything after the name belongs to the program, `--help` too.
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

SERVICES_EXAMPLES = examples(
    ("all of its settings", "crossdock services --help"),
    ("against a database of yours",
     "CROSSDOCK_ENCRYPTION_KEY=… crossdock services --database-url postgresql://db.internal/crossdock"),
)  # fmt: skip
GATEWAY_EXAMPLES = examples(
    ("all of its settings", "crossdock gateway --help"),
    ("in front of services elsewhere", "crossdock gateway --http 0.0.0.0:8080 --services services.internal:7411"),
)
SIMULATOR_EXAMPLES = examples(
    ("all of its settings", "crossdock simulator --help"),
    ("beside a hub elsewhere, driving by itself, a minute a second",
     "crossdock simulator --hub https://hub.example.com --pace 60 --ledger simulator.sqlite"),
)  # fmt: skip


def services(context: typer.Context) -> None:
    """Run one services process: the gRPC server that owns the truth."""
    from services.main import main

    _show_if_asked(SERVICES_EXAMPLES, context.args)
    raise typer.Exit(main(context.args))


def gateway(context: typer.Context) -> None:
    """Run one gateway process: the HTTP edge."""
    from gateway.main import main

    _show_if_asked(GATEWAY_EXAMPLES, context.args)
    raise typer.Exit(main(context.args))


def simulator(context: typer.Context) -> None:
    """Run one process of simulated carriers, which speak CarrierService."""
    from carriers.simulator.main import main

    _show_if_asked(SIMULATOR_EXAMPLES, context.args)
    raise typer.Exit(main(context.args))


def _show_if_asked(shown: str, arguments: list[str]) -> None:
    """The program's own help lists its settings, and has no examples."""
    if {"-h", "--help"} & set(arguments):
        Console(highlight=False, emoji=False).print(shown, soft_wrap=True)
