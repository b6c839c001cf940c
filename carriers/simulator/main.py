"""The simulator process: settings in, exit status out; knows signals and the ready file, nothing of gRPC."""

import asyncio
import json
import logging as stdlib_logging
import signal
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog
import uvloop
from pydantic import ValidationError
from pydantic_settings import CliApp

from carriers.simulator.config import Settings
from carriers.simulator.fleet import FLEET
from carriers.simulator.server import AddressNotServed, Server
from runtime import collection, logging, wrong_settings

log = structlog.get_logger()


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT. 0: ended cleanly, 1: could not serve, 2: the settings are wrong."""
    try:
        settings = CliApp.run(Settings, cli_args=list(sys.argv[1:] if argv is None else argv))
    except ValidationError as error:
        sys.stderr.writelines(f"{line}\n" for line in wrong_settings.lines(Settings, error, "CROSSDOCK_SIMULATOR_"))
        return 2
    logging.configure("simulator", settings.log_level)
    # It would log every URL, and some end with a secret.
    stdlib_logging.getLogger("httpx").setLevel(stdlib_logging.WARNING)
    try:
        uvloop.run(serve(settings))
    except AddressNotServed as error:
        log.error("cannot serve", error=str(error))  # noqa: TRY400  the message says it all
        return 1
    except (OSError, sqlite3.Error) as error:
        log.error("cannot serve", error=f"{type(error).__name__}: {error}")  # noqa: TRY400  likewise
        return 1
    return 0


async def serve(settings: Settings) -> None:
    """Serves until a signal says to stop."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, told.set)
    server = await Server.start(settings)
    collection.settle()
    if settings.ready_file is not None:
        _write_ready(settings.ready_file, server)
    await told.wait()
    await server.stop()


def _write_ready(path: Path, server: Server) -> None:
    """Whole or not at all: a supervisor may read it at any moment."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps({"grpc": server.address, "carriers": list(FLEET)}) + "\n")
    partial.replace(path)
