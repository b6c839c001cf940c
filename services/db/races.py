"""Runs a transaction again that lost a race with another one; knows nothing of what it does."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")

ATTEMPTS = 3
_LOST = frozenset({"40001", "40P01", "23505"})
"""A deadlock, or a key that somebody else took since we looked. Seen again, there is a way."""

_log = structlog.get_logger(__name__)


async def run(work: Callable[[], Awaitable[T]]) -> T:
    """Awaits ``work``, a whole transaction each time, until it does not lose; the last loss is raised."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await work()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _LOST or attempt == ATTEMPTS:
                raise
            _log.warning("a transaction is run again", error=type(error.orig).__name__, attempt=attempt)
    raise AssertionError("the last attempt returns or raises")
