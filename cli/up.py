"""`crossdock up`: a whole hub until a signal says to stop; knows signals and what the user is told."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console

from cli.examples import examples
from cli.hub.addresses import Address
from cli.hub.folders import default_data_dir
from cli.hub.local_hub import LocalHub, Plan
from cli.hub.problems import HubNotStarted
from cli.hub.welcome import lines
from runtime import logging

log = structlog.get_logger()
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

EXAMPLES = examples(
    ("a hub for this machine, with an account to try things with", "crossdock up --demo-data"),
    ("on any free ports; the file says which, once everything serves",
     "crossdock up --grpc 127.0.0.1:0 --http 127.0.0.1:0 --ready-file ready.json"),
    ("with a database of yours", "crossdock up --database-url postgresql://me:secret@db.internal/crossdock"),
)  # fmt: skip


def up(
    data_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="CROSSDOCK_DATA_DIR", help="Where everything is kept. ~/.local/share/crossdock by default."
        ),
    ] = None,
    grpc: Annotated[
        str, typer.Option(envvar="CROSSDOCK_GRPC", metavar="HOST:PORT", help="Where gRPC is served (port 0: any free).")
    ] = "127.0.0.1:7411",
    http: Annotated[
        str, typer.Option(envvar="CROSSDOCK_HTTP", metavar="HOST:PORT", help="Where HTTP is served (port 0: any free).")
    ] = "127.0.0.1:8080",
    database_url: Annotated[
        str,
        typer.Option(
            envvar="CROSSDOCK_DATABASE_URL",
            metavar="URL",
            help="A PostgreSQL database to use. Without it the hub runs one in the data folder.",
        ),
    ] = "",
    demo_data: Annotated[
        bool, typer.Option("--demo-data", help="Make, once, an account with a location, tokens and webhook sources.")
    ] = False,
    no_simulator: Annotated[
        bool,
        typer.Option(
            "--no-simulator", help="Without the three simulated carriers, which with --demo-data serve its location."
        ),
    ] = False,
    ready_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Written once everything serves: JSON with addresses and demo credentials (0600)."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes of each role, services and gateway, on one port each.")
    ] = 1,
    log_level: Annotated[
        str, typer.Option(envvar="CROSSDOCK_LOG_LEVEL", metavar="LEVEL", help="DEBUG, INFO, WARNING or ERROR.")
    ] = "INFO",
) -> None:
    """Start a whole hub on this machine: PostgreSQL, services, gateway, simulated carriers. Ctrl-C stops it."""
    if os.environ.get("CROSSDOCK_TLS_CERTIFICATE"):
        raise typer.BadParameter("`crossdock up` serves in clear: for TLS run `crossdock services` and `gateway`")
    plan = Plan(
        data_dir=data_dir or default_data_dir(),
        grpc=_address(grpc, "--grpc"),
        http=_address(http, "--http"),
        database_url=database_url,
        demo_data=demo_data,
        workers=workers,
        log_level=_level(log_level),
        ready_file=ready_file,
        simulator=not no_simulator,
    )
    logging.configure("up", plan.log_level)
    raise typer.Exit(asyncio.run(serve(plan)))


async def serve(plan: Plan) -> int:
    """Serves until SIGTERM or SIGINT; a second one hurries. 0: ended cleanly, 1: could not start, or was hurried."""
    told, hurried = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell() -> None:
        (hurried if told.is_set() else told).set()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, tell)
    starting = asyncio.ensure_future(LocalHub.start(plan))
    if not await _ends_before(starting, told):
        starting.cancel()
        await asyncio.wait([starting])
        return 0
    try:
        hub = await starting
    except HubNotStarted as error:
        sys.stderr.write(f"crossdock up: {error}\n")
        return 1
    _welcome(hub, plan)
    await told.wait()

    log.info("stopping")
    stopping = asyncio.ensure_future(hub.stop())
    if not await _ends_before(stopping, hurried):
        log.warning("second signal: ending at once")
        hub.hurry()
        await stopping
        return 1
    await stopping
    return 0


async def _ends_before(work: "asyncio.Future[Any]", event: asyncio.Event) -> bool:
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return work.done()


def _welcome(hub: LocalHub, plan: Plan) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    said = "\n".join(lines(hub.ready, plan.data_dir, secrets=console.is_terminal))
    if console.is_terminal:
        console.rule("Crossdock is up", style="green")
        console.print(said, soft_wrap=True)  # not in a box: what is to be copied must be whole
        console.rule("Ctrl-C stops it", style="green")
    else:
        print(said, flush=True)


def _address(text: str, flag: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=flag) from None


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(LEVELS)}", param_hint="--log-level")
    return text.upper()
