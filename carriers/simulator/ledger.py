"""The simulator's books in SQLite: bookings, webhooks, settings; written before anything is answered.

Everything is kept as the messages of `crossdock.simulator.v1`. Calls are synchronous and take microseconds: whoever
reads and writes without waiting in between has the books to themselves.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crossdock.simulator.v1 import simulator_pb2 as books

SCHEMA = """
CREATE TABLE IF NOT EXISTS bookings (
  number INTEGER PRIMARY KEY, carrier TEXT NOT NULL, reference TEXT NOT NULL,
  id TEXT NOT NULL, tracking_number TEXT NOT NULL, order_number TEXT NOT NULL,
  document BLOB NOT NULL, UNIQUE (carrier, reference));
CREATE INDEX IF NOT EXISTS bookings_by_reference ON bookings (reference);
CREATE INDEX IF NOT EXISTS bookings_by_id ON bookings (id);
CREATE INDEX IF NOT EXISTS bookings_by_tracking_number ON bookings (tracking_number);
CREATE INDEX IF NOT EXISTS bookings_by_order_number ON bookings (order_number);
CREATE TABLE IF NOT EXISTS webhooks (
  carrier TEXT NOT NULL, reference TEXT NOT NULL, number INTEGER NOT NULL, outcome INTEGER NOT NULL,
  document BLOB NOT NULL, PRIMARY KEY (carrier, reference, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS webhooks_pending ON webhooks (outcome) WHERE outcome = 1;
CREATE TABLE IF NOT EXISTS carriers (name TEXT PRIMARY KEY, document BLOB NOT NULL);
"""


class Ledger:
    """The books; without a path they live as long as the process."""

    def __init__(self, path: Path | None = None) -> None:
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None)
        # Survives the process, though not the machine: no real goods depend on it.
        self._connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {SCHEMA}")

    def close(self) -> None:
        """Nothing is lost without it."""
        self._connection.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is written within, or nothing of it."""
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def find(self, carrier: str, reference: str) -> books.SimulatedBooking | None:
        """The booking that a carrier has for a reference of ours."""
        return self._one("SELECT document FROM bookings WHERE carrier = ? AND reference = ?", carrier, reference)

    def named(self, name: str) -> books.SimulatedBooking | None:
        """The youngest booking of any carrier that bears the name: reference, identifier or order number."""
        return self._one(
            "SELECT document FROM bookings WHERE reference = ?1 OR id = ?1 OR tracking_number = ?1 "
            "OR order_number = ?1 ORDER BY number DESC LIMIT 1",
            name,
        )

    def save(self, booking: books.SimulatedBooking) -> None:
        """Writes a booking, new or changed."""
        made = booking.booking
        values = (made.id, made.tracking_number, booking.request.order_number, booking.SerializeToString())
        self._connection.execute(
            "INSERT INTO bookings (carrier, reference, id, tracking_number, order_number, document) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (carrier, reference) DO UPDATE SET id = excluded.id, "
            "tracking_number = excluded.tracking_number, order_number = excluded.order_number, "
            "document = excluded.document",
            (booking.carrier, made.reference, *values),
        )

    def bookings(
        self, carrier: str = "", name: str = "", before: int = 0, limit: int = 1000
    ) -> list[tuple[int, books.SimulatedBooking]]:
        """Bookings with their numbers, the youngest first; those before a number when it is told."""
        rows = self._connection.execute(
            "SELECT number, document FROM bookings WHERE (:carrier = '' OR carrier = :carrier) "
            "AND (:name = '' OR :name IN (reference, id, tracking_number, order_number)) "
            "AND (:before = 0 OR number < :before) ORDER BY number DESC LIMIT :limit",
            {"carrier": carrier, "name": name, "before": before, "limit": limit},
        )
        return [(number, books.SimulatedBooking.FromString(document)) for number, document in rows]

    def running(self) -> list[books.SimulatedBooking]:
        """Bookings that were being driven when the books were closed."""
        rows = self._connection.execute("SELECT document FROM bookings")
        all_of_them = (books.SimulatedBooking.FromString(document) for (document,) in rows)
        return [each for each in all_of_them if each.journey.running]

    def count(self, carrier: str) -> int:
        """How many bookings a carrier has."""
        (counted,) = self._connection.execute("SELECT count(*) FROM bookings WHERE carrier = ?", (carrier,)).fetchone()
        return int(counted)

    def add(self, webhook: books.SentWebhook) -> books.SentWebhook:
        """Writes a new webhook; gives it its number."""
        (last,) = self._connection.execute(
            "SELECT coalesce(max(number), 0) FROM webhooks WHERE carrier = ? AND reference = ?",
            (webhook.carrier, webhook.reference),
        ).fetchone()
        webhook.number = last + 1
        self.update(webhook)
        return webhook

    def update(self, webhook: books.SentWebhook) -> None:
        """Writes what became of a webhook."""
        self._connection.execute(
            "INSERT OR REPLACE INTO webhooks VALUES (?, ?, ?, ?, ?)",
            (webhook.carrier, webhook.reference, webhook.number, webhook.outcome, webhook.SerializeToString()),
        )

    def webhooks(self, carrier: str, reference: str, after: int = 0) -> list[books.SentWebhook]:
        """Of one booking, in their order; at most 1000."""
        rows = self._connection.execute(
            "SELECT document FROM webhooks WHERE carrier = ? AND reference = ? AND number > ? "
            "ORDER BY number LIMIT 1000",
            (carrier, reference, after),
        )
        return [books.SentWebhook.FromString(document) for (document,) in rows]

    def pending(self) -> list[books.SentWebhook]:
        """Webhooks that were not taken and not given up."""
        rows = self._connection.execute("SELECT document FROM webhooks WHERE outcome = 1")
        return [books.SentWebhook.FromString(document) for (document,) in rows]

    def settings(self, carrier: str) -> books.SimulatedCarrier:
        """What was set for a carrier: endpoint and misbehaviour."""
        row = self._connection.execute("SELECT document FROM carriers WHERE name = ?", (carrier,)).fetchone()
        return books.SimulatedCarrier.FromString(row[0]) if row else books.SimulatedCarrier(name=carrier)

    def keep(self, settings: books.SimulatedCarrier) -> None:
        """Writes them."""
        self._connection.execute(
            "INSERT OR REPLACE INTO carriers VALUES (?, ?)", (settings.name, settings.SerializeToString())
        )

    def _one(self, statement: str, *values: str) -> books.SimulatedBooking | None:
        row = self._connection.execute(statement, values).fetchone()
        return books.SimulatedBooking.FromString(row[0]) if row else None
