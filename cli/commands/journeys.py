"""Drives a simulated booking and shows what its carrier posts meanwhile; knows no flag."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.simulator.v1 import simulator_service_pb2 as contract
from crossdock.v1.delivery_pb2 import DeliveryStatus
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from cli.output import printable
from cli.simulator_client import SimulatorClient
from cli.words import word

LOOK_SECONDS = 0.2


class Driven(NamedTuple):
    """A booking that stands still again, and the webhooks of this ride."""

    booking: books.SimulatedBooking
    webhooks: Sequence[books.SentWebhook]


async def drive(client: SimulatorClient, request: contract.RunBookingRequest, *, follow: bool, quiet: bool) -> Driven:
    """Returns when the booking stands still and nothing waits to be posted; at once without `follow`."""
    before = contract.ListWebhooksRequest(booking=request.booking)
    posted_before = await _webhooks(client, before) if await _is_known(client, request.booking) else []
    booking = (await client.call(client.stub.RunBooking, request)).booking
    if not follow:
        return Driven(booking, [])
    # From here on by its reference: another booking may take the order's number meanwhile.
    reference = booking.booking.reference
    after = max((each.number for each in posted_before), default=0)
    with _Screen(quiet) as screen:
        screen.begin(booking)
        while True:
            booking = await _look(client, reference)
            posted = await _webhooks(client, contract.ListWebhooksRequest(booking=reference, after_number=after))
            screen.show(booking, posted)
            if not booking.journey.running and not any(map(_is_pending, posted)):
                return Driven(booking, posted)
            await asyncio.sleep(LOOK_SECONDS)


class _Screen:
    """A bar and a line for each webhook; lines alone where nobody sits."""

    def __init__(self, quiet: bool) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False, quiet=quiet)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}"))
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._task: TaskID | None = None
        self._shown = 0
        self._held_up_by = 0
        self._is_watched = self._console.is_terminal and not quiet

    def __enter__(self) -> "_Screen":
        if self._is_watched:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_watched:
            self._progress.stop()

    def begin(self, booking: books.SimulatedBooking) -> None:
        scenario = word(books.Scenario, booking.journey.scenario).replace("_", "-")
        self._console.print(f"{booking.carrier} drives {booking.booking.reference}: {scenario}", soft_wrap=True)
        self._task = self._progress.add_task("", total=booking.journey.steps)

    def show(self, booking: books.SimulatedBooking, posted: Sequence[books.SentWebhook]) -> None:
        for each in posted[self._shown :]:
            if _is_pending(each):
                self._tell_what_holds_up(each)
                break
            self._console.print(_line(each), soft_wrap=True)
            self._shown += 1
        status = word(DeliveryStatus, booking.booking.report.status)
        if self._task is not None:
            self._progress.update(self._task, completed=booking.journey.steps_done, description=status)
        if not booking.journey.running and self._shown == len(posted):
            self._console.print(f"{booking.booking.reference} is {status}", soft_wrap=True)

    def _tell_what_holds_up(self, webhook: books.SentWebhook) -> None:
        """Once for each webhook that was refused: a carrier may try for hours, and nothing else would be shown."""
        if webhook.attempts and webhook.number != self._held_up_by:
            self._held_up_by = webhook.number
            self._console.print(f"{_line(webhook)}: it is tried again, Ctrl-C ends the waiting", soft_wrap=True)


def _line(webhook: books.SentWebhook) -> str:
    tries = f"after {len(webhook.attempts)} tries " if len(webhook.attempts) > 1 else ""
    answer = webhook.attempts[-1].http_status or webhook.attempts[-1].answer if webhook.attempts else "not posted"
    time = webhook.create_time.ToDatetime()
    outcome = word(books.WebhookOutcome, webhook.outcome).replace("_", " ")
    return printable(f"  {time:%H:%M:%S}  {webhook.word:<22} {outcome} {tries}({answer})")


def _is_pending(webhook: books.SentWebhook) -> bool:
    return webhook.outcome == books.WEBHOOK_OUTCOME_PENDING


async def _is_known(client: SimulatorClient, name: str) -> bool:
    found = await client.call(client.stub.ListBookings, contract.ListBookingsRequest(booking=name, page_size=1))
    return bool(found.bookings)


async def _look(client: SimulatorClient, reference: str) -> books.SimulatedBooking:
    request = contract.ListBookingsRequest(booking=reference, page_size=1)
    return (await client.call(client.stub.ListBookings, request)).bookings[0]


async def _webhooks(client: SimulatorClient, request: contract.ListWebhooksRequest) -> Sequence[books.SentWebhook]:
    return (await client.call(client.stub.ListWebhooks, request)).webhooks
