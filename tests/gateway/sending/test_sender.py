"""The gateway's sender between the real services and real subscribers."""

import pytest

from tests.gateway.sending.conftest import Subscribers
from tests.gateway.sending.sinks import Sink
from tests.services.waiting import until

WORDS = ("confirmed", "arrived_at_store", "out_for_delivery", "delivered")


@pytest.mark.usefixtures("gateway")
async def test_every_event_is_told_once_and_each_deliverys_in_order(subscribers: Subscribers, sink: Sink) -> None:
    made = await subscribers.create(sink.url())
    await subscribers.happen([f"o{number}" for number in range(20)], WORDS)
    recorded = await subscribers.recorded()

    await until(lambda: sink.ids() >= recorded, 60)

    assert len(sink.heard) == len(recorded) > 80
    assert all(numbers == sorted(numbers) for numbers in sink.numbers().values())
    stats = await subscribers.until(made.id, lambda stats: stats.backlog_count == 0)
    assert (stats.succeeded_count, stats.failed_count, stats.given_up_count) == (len(recorded), 0, 0)
