"""Posts webhooks to the hub's front door, again as the vendor does, and notes every answer; writes no document."""

import asyncio
import time

import httpx
import structlog
from crossdock.simulator.v1 import simulator_pb2 as books

from carriers.simulator.fleet import FLEET
from carriers.simulator.ledger import Ledger
from carriers.simulator.misbehaviours import in_force, is_due
from carriers.simulator.signatures import HABITS, headers
from carriers.simulator.times import present, stamp

LEAST_WAIT_SECONDS = 0.2
"""However fast a journey is driven, a hub that restarts gets a moment."""
MOST_ANSWER = 200
_Key = tuple[str, str]

log = structlog.get_logger()


class Poster:
    """The way out. `hub` is the hub's public address, for bookings that name a path below it."""

    def __init__(self, ledger: Ledger, hub: str = "") -> None:
        self._ledger = ledger
        self._hub = hub.rstrip("/")
        self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False)
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: dict[_Key, books.SentWebhook] = {}

    async def close(self) -> None:
        """What was not taken stays pending in the books."""
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def resume(self) -> None:
        """Tries again what a process before this one tried in vain."""
        for webhook in self._ledger.pending():
            booking = self._ledger.find(webhook.carrier, webhook.reference)
            if booking and webhook.attempts:
                self._again(webhook, booking.journey.pace, len(webhook.attempts))

    async def post_left(self, booking: books.SimulatedBooking) -> None:
        """Posts what was written and perhaps never posted, before anything that follows."""
        for webhook in self._ledger.webhooks(booking.carrier, booking.booking.reference):
            if webhook.outcome == books.WEBHOOK_OUTCOME_PENDING and not webhook.attempts:
                await self._first(webhook, booking)

    async def post(self, webhook: books.SentWebhook, booking: books.SimulatedBooking) -> None:
        """Once, or as misbehaviour wants it; returns after the first answer. More tries follow by themselves."""
        wrong = in_force(self._ledger.settings(webhook.carrier), booking)
        key = (webhook.carrier, webhook.reference)
        if is_due(wrong.drop_every, webhook.number):
            webhook.outcome = books.WEBHOOK_OUTCOME_DROPPED
            self._ledger.update(webhook)
        elif is_due(wrong.reorder_every, webhook.number) and key not in self._held:
            self._held[key] = webhook
            return
        else:
            await self._first(webhook, booking)
            if is_due(wrong.duplicate_every, webhook.number):
                await self._try(webhook, booking)
        await self.release(booking)

    def post_later(self, webhook: books.SentWebhook, booking: books.SimulatedBooking) -> None:
        """The same, for who does not wait."""
        task = asyncio.create_task(self.post(webhook, booking))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def release(self, booking: books.SimulatedBooking) -> None:
        """Posts what was held back, for nothing follows it."""
        if held := self._held.pop((booking.carrier, booking.booking.reference), None):
            await self._first(held, booking)

    def address(self, booking: books.SimulatedBooking) -> str:
        """Where the booking's webhooks go: the path that it names, or the carrier's setting where that continues it."""
        setting = self._ledger.settings(booking.carrier).endpoint.url
        path = booking.request.webhook_path
        wanted = f"{self._hub}/{path.lstrip('/')}" if path and self._hub else ""
        return setting if not wanted or setting.startswith(wanted) else wanted

    async def _first(self, webhook: books.SentWebhook, booking: books.SimulatedBooking) -> None:
        if not await self._try(webhook, booking):
            self._again(webhook, booking.journey.pace, 1)

    def _again(self, webhook: books.SentWebhook, pace: float, tries: int) -> None:
        task = asyncio.create_task(self._retry(webhook, pace, tries))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _retry(self, webhook: books.SentWebhook, pace: float, tries: int) -> None:
        waits = (0.0, *HABITS[FLEET[webhook.carrier].dialect].retry_seconds)
        for wait in waits[tries:]:
            await asyncio.sleep(max(LEAST_WAIT_SECONDS, wait / (pace or 1.0)))
            booking = self._ledger.find(webhook.carrier, webhook.reference)
            if booking is None or await self._try(webhook, booking):
                return
        if webhook.outcome == books.WEBHOOK_OUTCOME_PENDING:
            webhook.outcome = books.WEBHOOK_OUTCOME_GIVEN_UP
            self._ledger.update(webhook)

    async def _try(self, webhook: books.SentWebhook, booking: books.SimulatedBooking) -> bool:
        """Whether it was taken, or cannot be posted at all."""
        url = self.address(booking)
        if not url:
            webhook.outcome = books.WEBHOOK_OUTCOME_DROPPED
            self._ledger.update(webhook)
            return True
        dialect = FLEET[webhook.carrier].dialect
        secret = self._ledger.settings(webhook.carrier).endpoint.secret
        body = webhook.body.encode()
        attempt = webhook.attempts.add(time=stamp(present()))
        try:
            answer = await self._client.post(
                url,
                content=body,
                headers=headers(dialect, secret, webhook.message_id, body, time.time()),
                timeout=HABITS[dialect].timeout_seconds,
            )
            attempt.http_status, attempt.answer = answer.status_code, answer.text[:MOST_ANSWER]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            attempt.answer = f"{type(error).__name__}: {error}"[:MOST_ANSWER]
        taken = 200 <= attempt.http_status < 300
        if taken:
            webhook.outcome = books.WEBHOOK_OUTCOME_TAKEN
        else:
            log.warning("webhook not taken", carrier=webhook.carrier, word=webhook.word, status=attempt.http_status)
        self._ledger.update(webhook)
        return taken
