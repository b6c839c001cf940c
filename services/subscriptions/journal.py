"""What happens to subscriptions themselves, as events of the log; knows no rule about them."""

from datetime import datetime

from crossdock.v1.actor_pb2 import Actor, ActorKind
from crossdock.v1.event_pb2 import Disposition, Event, EventKind
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids, times
from services.db.statements import Statement
from services.subscriptions.rows import Stored

_APPEND = Statement("""
INSERT INTO events (tenant_id, event_id, number, document)
VALUES (CAST(:tenant AS uuid), CAST(:event AS uuid), CAST(:number AS bigint), CAST(:document AS bytea))
""")
HUB = Actor(kind=ActorKind.ACTOR_KIND_HUB, id="hub", display_name="hub")


async def tell(
    connection: AsyncConnection, subject: Stored, explanation: str, now: datetime, actor: Actor = HUB
) -> None:
    """Appends an event about a subscription, which the caller holds and will store."""
    subject.events += 1
    event_id = typeid.new_uuid7()
    event = Event(
        id=ids.write("event", event_id),
        subscription_id=subject.subscription.id,
        number=subject.events,
        kind=EventKind.EVENT_KIND_SUBSCRIPTION_CHANGED,
        kinds=[EventKind.EVENT_KIND_SUBSCRIPTION_CHANGED],
        disposition=Disposition.DISPOSITION_APPLIED,
        event_time=times.to_timestamp(now),
        record_time=times.to_timestamp(now),
        actor=actor,
        explanation=explanation,
    )
    await _APPEND.fetch(
        connection,
        {
            "tenant": subject.tenant_id,
            "event": event_id,
            "number": subject.events,
            "document": event.SerializeToString(),
        },
    )
