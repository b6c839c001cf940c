"""Tells a second copy from the same words about the next booking, for senders without ids and times; decides no more.

A message of such a sender is claimed under its dedupe key and the number of the booking that it speaks of. The number
follows from the state of its delivery, which is locked; where none is known, from the messages that wait for it.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.deliveries.bookings import COUNTED, Bookings, dedupe_key
from services.deliveries.matching import Incoming
from services.deliveries.names import Name
from services.deliveries.rows import Stored
from services.webhooks import rows
from services.webhooks.rows import StoredWebhook


async def number(
    connection: AsyncConnection,
    messages: Sequence[StoredWebhook],
    incoming: Mapping[UUID, Incoming],
    find: Callable[[Incoming], Stored | None],
) -> None:
    """Gives each message that is said of every booking the dedupe key of its own booking, in place.

    ``incoming`` are their reports, loaded, by the id of the message.
    """
    counted = [
        (message, each)
        for message in messages
        if (each := incoming.get(message.webhook_id)) is not None and each.report.booking in COUNTED and each.names
    ]
    if not counted:
        return
    found = {message.webhook_id: find(each) for message, each in counted}
    bookings = Bookings()
    unknown = [each.names[0] for message, each in counted if found[message.webhook_id] is None]
    for earlier in await rows.waiting(connection, unknown):
        if earlier.report is not None and earlier.report.booking in COUNTED:
            bookings.number(Name.of(earlier.tenant_id, earlier.report.targets[0]), earlier.report, None)
    for message, each in counted:
        stored = found[message.webhook_id]
        line: Hashable = each.names[0] if stored is None else stored.key
        booking = bookings.number(line, each.report, None if stored is None else stored.delivery)
        message.dedupe_key = dedupe_key(message.dedupe_key, booking)
