"""By what names deliveries are known: look-ups, claims, and the lock that keeps a name and its first use together.

A message that names an unknown delivery is parked or starts one; a delivery that takes a name looks for parked
messages. Both first take the same transaction-long lock on the name, so neither can miss the other.
"""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from crossdock.v1.reference_pb2 import ExternalReference
from sqlalchemy.ext.asyncio import AsyncConnection

from services.db.statements import Statement, Writes

ORDER_SCOPE = "order"
"""The scope in which senders name the order that a delivery belongs to."""


class Name(NamedTuple):
    """A reference within a tenant. A tuple, because each message's are compared and looked up a dozen times."""

    tenant_id: UUID
    scope: str
    value: str

    @classmethod
    def of(cls, tenant_id: UUID, reference: ExternalReference) -> "Name":
        """The name that a reference of the contract stands for."""
        return cls(tenant_id, reference.scope, reference.value)

    @property
    def lock_number(self) -> int:
        """A 64-bit number for advisory locks; two names that share one only wait for each other."""
        text = f"{self.tenant_id}\x1f{self.scope}\x1f{self.value}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


class Claim(NamedTuple):
    """A delivery that bears a name; ``exclusive`` when nothing else may."""

    delivery_id: UUID
    exclusive: bool


MOST_BEARERS = 50
"""How many of the deliveries that share a name are looked at: who calls all of his by one must not slow others down."""

_RESOLVE = Statement("""
SELECT wanted.tenant_id, wanted.scope, wanted.value, found.delivery_id, found.exclusive
FROM unnest(CAST(:tenants AS uuid[]), CAST(:scopes AS text[]), CAST(:values AS text[]))
  AS wanted (tenant_id, scope, value)
CROSS JOIN LATERAL (
  SELECT delivery_id, exclusive FROM delivery_references r
  WHERE r.tenant_id = wanted.tenant_id AND r.scope = wanted.scope AND r.value = wanted.value AND exclusive
  UNION ALL
  (SELECT delivery_id, exclusive FROM delivery_references r
   WHERE r.tenant_id = wanted.tenant_id AND r.scope = wanted.scope AND r.value = wanted.value AND NOT exclusive
   ORDER BY delivery_id DESC LIMIT CAST(:most AS integer))
) AS found
ORDER BY found.delivery_id DESC
""")
_RESOLVE_ORDERS = Statement("""
WITH wanted AS (
  SELECT * FROM unnest(CAST(:tenants AS uuid[]), CAST(:scopes AS text[]), CAST(:values AS text[]))
    AS wanted (tenant_id, scope, value)
)
SELECT tenant_id, scope, value, order_id, o.location_id
FROM wanted JOIN order_references r USING (tenant_id, scope, value) JOIN orders o USING (tenant_id, order_id)
UNION
SELECT tenant_id, w.scope, w.value, o.order_id, o.location_id
FROM wanted w JOIN orders o USING (tenant_id) WHERE w.scope = 'order' AND o.private_ref = w.value
ORDER BY order_id DESC
""")
_LOCK = Statement("SELECT pg_advisory_xact_lock(n) FROM unnest(CAST(:numbers AS bigint[])) AS n")
_CLAIM = Statement("""
INSERT INTO delivery_references (tenant_id, scope, value, delivery_id, exclusive)
SELECT * FROM unnest(CAST(:tenants AS uuid[]), CAST(:scopes AS text[]), CAST(:values AS text[]),
                     CAST(:deliveries AS uuid[]), CAST(:exclusive AS boolean[]))
ON CONFLICT DO NOTHING
""")


async def resolve(connection: AsyncConnection, names: Iterable[Name]) -> dict[Name, list[Claim]]:
    """Finds the deliveries that bear each name, the youngest first, and of those that do not bear it alone only
    the youngest; names that nothing bears are left out.
    """
    found: dict[Name, list[Claim]] = {}
    if wanted := sorted(set(names)):
        rows = await _RESOLVE.fetch(connection, {**_arrays(wanted), "most": MOST_BEARERS})
        for tenant, scope, value, delivery, exclusive in rows:
            found.setdefault(Name(tenant, scope, value), []).append(Claim(delivery, exclusive))
    return found


async def resolve_orders(connection: AsyncConnection, names: Iterable[Name]) -> dict[Name, list[tuple[UUID, UUID]]]:
    """Finds the orders, with their locations, that bear each name or have it as private_ref, the youngest first."""
    found: dict[Name, list[tuple[UUID, UUID]]] = {}
    if wanted := sorted(set(names)):
        rows = await _RESOLVE_ORDERS.fetch(connection, _arrays(wanted))
        for tenant, scope, value, order, location in rows:
            found.setdefault(Name(tenant, scope, value), []).append((order, location))
    return found


async def lock(connection: AsyncConnection, names: Iterable[Name]) -> None:
    """Holds names until the transaction ends. Always before any delivery's row is locked."""
    if numbers := sorted({name.lock_number for name in names}):
        await _LOCK.fetch(connection, {"numbers": numbers})


def claim(writes: Writes, claims: Iterable[tuple[Name, UUID, bool]]) -> None:
    """Lets deliveries bear names: (name, delivery, exclusive). An exclusive name that is taken stays where it is."""
    if wanted := sorted(set(claims), key=lambda each: (each[0], each[1])):
        columns = _arrays([name for name, _, _ in wanted])
        columns["deliveries"] = [delivery for _, delivery, _ in wanted]
        columns["exclusive"] = [exclusive for _, _, exclusive in wanted]
        writes.add(_CLAIM, columns)


def _arrays(names: list[Name]) -> dict[str, list[object]]:
    return {
        "tenants": [name.tenant_id for name in names],
        "scopes": [name.scope for name in names],
        "values": [name.value for name in names],
    }
