"""How carriers kept their word lately: reads what is remembered of their bookings, counts their quotes."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

import structlog
from crossdock.v1.carrier_pb2 import CarrierRecord
from sqlalchemy.ext.asyncio import AsyncConnection

from services.currencies import money_of
from services.db.statements import Statement

log = structlog.get_logger()

SPAN = timedelta(days=30)
REMEMBERED_SECONDS = 10.0
MAX_REMEMBERED = 1_000

_BOOKINGS = Statement(
    """
SELECT carrier_ref, count(*) AS closed, avg(CAST(on_time AS integer)) AS on_time,
  avg(CAST(called_off AS integer)) AS called_off, min(currency_code) AS currency_code,
  count(DISTINCT currency_code) AS currencies,
  percentile_disc(0.5) WITHIN GROUP (ORDER BY price * 1000.0 / meters)
    FILTER (WHERE price IS NOT NULL AND meters > 0) AS a_kilometer
FROM carrier_outcomes WHERE tenant_id = :tenant_id AND close_time > :since
GROUP BY carrier_ref
""",
    only_reads=True,
)
_QUOTES = Statement(
    """
SELECT carrier_ref, sum(quotes_asked) AS asked, sum(quotes_given) AS given
FROM carrier_days WHERE tenant_id = :tenant_id AND day > CAST(:since AS date)
GROUP BY carrier_ref
""",
    only_reads=True,
)
# In the order of the keys, so that two processes never wait for each other. Removed carriers are left out.
_COUNT = Statement("""
INSERT INTO carrier_days (tenant_id, carrier_ref, day, quotes_asked, quotes_given)
SELECT tenant_id, carrier_ref, day, asked, given
FROM unnest(CAST(:tenants AS uuid[]), CAST(:refs AS text[]), CAST(:days AS date[]), CAST(:asked AS bigint[]),
  CAST(:given AS bigint[])) AS counted (tenant_id, carrier_ref, day, asked, given)
JOIN carriers USING (tenant_id, carrier_ref)
ORDER BY tenant_id, carrier_ref, day
ON CONFLICT (tenant_id, carrier_ref, day) DO UPDATE
SET quotes_asked = carrier_days.quotes_asked + excluded.quotes_asked,
    quotes_given = carrier_days.quotes_given + excluded.quotes_given
""")


class Records:
    """The records of one process, as they were some seconds ago at most."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[UUID, tuple[float, Mapping[str, CarrierRecord]]] = OrderedDict()
        self._asked: Counter[tuple[UUID, str, date]] = Counter()
        self._given: Counter[tuple[UUID, str, date]] = Counter()

    async def of_tenant(
        self, connection: AsyncConnection, tenant_id: UUID, now: datetime
    ) -> Mapping[str, CarrierRecord]:
        """The records of a tenant's carriers, by ref; those of whom nothing is known are left out. Only to be read."""
        moment = self._clock()
        known = self._known.get(tenant_id)
        if known is not None and known[0] > moment:
            return known[1]
        records = await read(connection, tenant_id, now)
        self._known[tenant_id] = (moment + REMEMBERED_SECONDS, records)
        self._known.move_to_end(tenant_id)
        while len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return records

    def count_quote(self, tenant_id: UUID, ref: str, day: date, *, given: bool) -> None:
        """Counts a quote that was asked for; ``given`` when an answer came in time, whatever it says."""
        self._asked[tenant_id, ref, day] += 1
        self._given[tenant_id, ref, day] += given

    async def write(self, connection: AsyncConnection) -> None:
        """Stores what was counted since the last time. What a process that dies had counted is forgotten."""
        if not self._asked:
            return
        asked, given, self._asked, self._given = self._asked, self._given, Counter(), Counter()
        keys = sorted(asked)
        columns = {
            "tenants": [key[0] for key in keys],
            "refs": [key[1] for key in keys],
            "days": [key[2] for key in keys],
            "asked": [asked[key] for key in keys],
            "given": [given[key] for key in keys],
        }
        await _COUNT.fetch(connection, columns)


async def read(connection: AsyncConnection, tenant_id: UUID, now: datetime) -> dict[str, CarrierRecord]:
    """The records of all carriers of a tenant, of which anything is known, over the last 30 days."""
    records: dict[str, CarrierRecord] = {}
    values = {"tenant_id": tenant_id, "since": now - SPAN}
    for row in await _BOOKINGS.fetch(connection, values):
        record = records[row["carrier_ref"]] = CarrierRecord(closed_count=row["closed"])
        record.cancel_share = float(row["called_off"])
        if row["on_time"] is not None:
            record.on_time_share = float(row["on_time"])
        if row["a_kilometer"] is not None and row["currencies"] == 1:
            record.cost_per_kilometer.CopyFrom(money_of(round(row["a_kilometer"]), row["currency_code"]))
    for row in await _QUOTES.fetch(connection, values):
        record = records.setdefault(row["carrier_ref"], CarrierRecord())
        record.quote_share = float(row["given"] / row["asked"])
    return records
