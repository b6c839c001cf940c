"""Statements of the hot paths, run by the driver itself within SQLAlchemy's connection; knows no table.

SQLAlchemy spends more time on one of these than PostgreSQL does: a greenlet, a look-up of the compiled text, parameters
and rows in clothes of its own. Here names become places once, and values go to asyncpg as they are. Transactions, the
pool and everything that is not hot stay SQLAlchemy's.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

# The last is what a connection that is cut between two messages raises half of the time.
_DRIVERS_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_NAME = re.compile(r"(?<!:):([a-z_]+)")
_PLACE = re.compile(r"\$([0-9]+)")


class Statement:
    """SQL with ``:names``, as `sqlalchemy.text` has them.

    One that ``only_reads``, and takes no lock, does not make a transaction begin.
    """

    def __init__(self, text: str, *, only_reads: bool = False) -> None:
        self._only_reads = only_reads
        self._names = list(dict.fromkeys(_NAME.findall(text)))
        places = {name: f"${number}" for number, name in enumerate(self._names, start=1)}
        self.text = _NAME.sub(lambda found: places[found[1]], text)

    async def fetch(self, connection: AsyncConnection, values: Mapping[str, object]) -> list[Any]:
        """Runs it in the connection's transaction, which begins now if it is needed, and returns the rows.

        Raises SQLAlchemy's errors, so that nobody has to know who ran it.
        """
        return await self.run(connection, self.arguments(values))

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        """The values in their places."""
        return [values[name] for name in self._names]

    async def run(self, connection: AsyncConnection, arguments: Sequence[object]) -> list[Any]:
        """As `fetch`, with the values in their places."""
        driver = _driver(connection)
        if not self._only_reads and not driver.is_in_transaction():
            await self._begin(connection)
        try:
            rows: list[Any] = await driver.fetch(self.text, *arguments)
        except _DRIVERS_ERRORS as error:
            kind = IntegrityError if isinstance(error, asyncpg.IntegrityConstraintViolationError) else DBAPIError
            lost = driver.is_closed()
            raise kind(self.text, None, error, hide_parameters=True, connection_invalidated=lost) from error
        return rows

    async def _begin(self, connection: AsyncConnection) -> None:
        """Lets SQLAlchemy's adapter begin, as it does by itself at its own first statement."""
        adapter: Any = connection.sync_connection.connection.dbapi_connection  # type: ignore[union-attr]  # see _driver
        try:
            await adapter._start_transaction()
        except asyncio.CancelledError:
            # It may have begun all the same, and nobody would end it.
            await connection.invalidate()
            raise
        except adapter.dbapi.Error as error:
            lost = _driver(connection).is_closed()
            cause = error.__cause__ or error
            raise DBAPIError(self.text, None, cause, hide_parameters=True, connection_invalidated=lost) from error


class Writes:
    """Writes that are collected and go to the database together, as one statement: one way there and back.

    None of them sees what the others do, and their order among each other is the database's.
    """

    def __init__(self) -> None:
        self._collected: list[tuple[Statement, list[object]]] = []

    def add(self, statement: Statement, values: Mapping[str, object]) -> None:
        """Collects an INSERT, UPDATE or DELETE without RETURNING."""
        self._collected.append((statement, statement.arguments(values)))

    async def run(self, connection: AsyncConnection) -> None:
        """Lets what is collected take effect, all or nothing; afterwards nothing is collected."""
        collected, self._collected = self._collected, []
        if collected:
            together = _together(tuple(statement.text for statement, _ in collected))
            await together.run(connection, [value for _, arguments in collected for value in arguments])


@lru_cache(maxsize=100)
def _together(texts: tuple[str, ...]) -> Statement:
    """The first statements as parts of the last one. There are few combinations, and the driver prepares each once."""
    parts, first = [], 0
    for text in texts:
        parts.append(_PLACE.sub(lambda found: f"${int(found[1]) + first}", text))  # noqa: B023  used at once
        first += max(int(place) for place in _PLACE.findall(text))
    *before, last = parts
    named = ", ".join(f"part{number} AS ({part})" for number, part in enumerate(before))
    return Statement(f"WITH {named} {last}" if named else last)


def _driver(connection: AsyncConnection) -> Any:
    assert connection.sync_connection is not None, "the connection is open"
    return connection.sync_connection.connection.driver_connection
