"""The services process: settings in, exit status out; knows signals and the ready file, nothing of gRPC."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog
import uvloop
from pydantic import ValidationError
from pydantic_settings import CliApp
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from runtime import collection, logging, wrong_settings
from services.config import Settings
from services.db.engine import UnsafeDatabase
from services.server import AddressNotServed, Server

log = structlog.get_logger()


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT. 0: ended cleanly, 1: could not serve, 2: the settings are wrong."""
    try:
        settings = CliApp.run(Settings, cli_args=list(sys.argv[1:] if argv is None else argv))
    except ValidationError as error:
        sys.stderr.writelines(f"{line}\n" for line in wrong_settings.lines(Settings, error))
        return 2
    logging.configure("services", settings.log_level)
    try:
        uvloop.run(serve(settings))
    except (UnsafeDatabase, AddressNotServed) as error:
        log.error("cannot serve", error=str(error))  # noqa: TRY400  the message says it all
        return 1
    except (SQLAlchemyError, OSError) as error:
        database = make_url(settings.database_url.get_secret_value()).render_as_string(hide_password=True)
        log.error("cannot serve", error=f"{type(error).__name__}: {error}", database=database)  # noqa: TRY400  likewise
        return 1
    return 0


async def serve(settings: Settings) -> None:
    """Serves until a signal says to stop; a second signal ends the grace."""
    told = asyncio.Event()
    hurried = asyncio.Event()

    def tell() -> None:
        (hurried if told.is_set() else told).set()

    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, tell)
    server = await Server.start(settings)
    collection.settle()
    if settings.ready_file is not None:
        _write_ready(settings.ready_file, server)
    await told.wait()

    log.info("stopping", grace_seconds=settings.grace_seconds)
    stopping = asyncio.ensure_future(server.stop(settings.grace_seconds))
    hurry = asyncio.ensure_future(hurried.wait())
    await asyncio.wait([stopping, hurry], return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    if not stopping.done():
        log.warning("second signal: ending at once")
        os._exit(1)
    await stopping


def _write_ready(path: Path, server: Server) -> None:
    """Whole or not at all: a supervisor may read it at any moment."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps({"grpc": server.address, "metrics": server.metrics_address}) + "\n")
    partial.replace(path)
