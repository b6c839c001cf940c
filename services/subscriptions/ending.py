"""Removes subscriptions that were bound to one shipment, some days after it is closed; knows no schedule of its own."""

from datetime import datetime, timedelta

from crossdock.v1.shipment_pb2 import SHIPMENT_PHASE_CLOSED

from services.db.statements import Statement
from services.hub import Hub

DAYS = 7
"""How long after its last change a closed shipment is still told about: late proofs, refunds, returns."""

_END = Statement("""
DELETE FROM subscriptions s USING shipments h
WHERE h.tenant_id = s.tenant_id AND h.shipment_id = s.shipment_id AND h.phase = :closed AND h.update_time < :before
  AND NOT EXISTS (
    SELECT 1 FROM sends n
    WHERE n.tenant_id = s.tenant_id AND n.subscription_id = s.subscription_id AND NOT n.given_up
  )
RETURNING s.subscription_id
""")


async def end_those_of_closed_shipments(hub: Hub, now: datetime) -> int:
    """Removes those that have nothing left to send. Returns how many."""
    async with hub.transaction() as connection:
        ended = await _END.fetch(connection, {"closed": SHIPMENT_PHASE_CLOSED, "before": now - timedelta(days=DAYS)})
    return len(ended)
