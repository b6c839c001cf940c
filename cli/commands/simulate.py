"""`crossdock simulate`: drive the bookings of simulated carriers, read their books."""

from typing import Annotated

import typer
from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.simulator.v1 import simulator_service_pb2 as contract
from crossdock.v1.delivery_pb2 import DeliveryStatus

from cli.commands import simulated_carriers
from cli.commands.journeys import drive
from cli.connection import BearerToken, Json, Server, Tls
from cli.examples import examples
from cli.output import as_json, print_json, print_list, print_table
from cli.pages import Limit, read_all
from cli.simulator_client import SimulatorClient
from cli.simulator_connection import Key, Simulator, call_simulator, find_delivery
from cli.words import moment, value, word

app = typer.Typer(help="Simulated carriers: run, list, webhooks, misbehave, carriers, configure.", no_args_is_help=True)
app.command(epilog=simulated_carriers.CARRIERS_EXAMPLES)(simulated_carriers.carriers)
app.command(epilog=simulated_carriers.MISBEHAVE_EXAMPLES)(simulated_carriers.misbehave)
app.command(epilog=simulated_carriers.CONFIGURE_EXAMPLES)(simulated_carriers.configure)

Booking = Annotated[
    str,
    typer.Argument(
        metavar="BOOKING",
        help="A shipment (shp_…), a delivery (dlv_…), an order's number, or the carrier's own identifier.",
    ),
]
SCENARIOS = ", ".join(word(books.Scenario, each).replace("_", "-") for each in books.Scenario.values() if each)


@app.command(
    epilog=examples(
        ("from the booking to the door, a minute a second",
         "crossdock simulate run shp_01jt8k2v4mfz9r5s7w3x6y0abc --pace 60"),
        ("refused at the door and brought back", "crossdock simulate run A-1001 --scenario returned --pace 300"),
        ("until the driver stands at the counter", "crossdock simulate run A-1001 --until pickup_arrived"),
    )
)  # fmt: skip
def run(
    booking: Booking,
    scenario: Annotated[str, typer.Option(help=f"How it goes: {SCENARIOS}. As before if empty.")] = "",
    pace: Annotated[float, typer.Option(min=0.01, help="How many seconds of the journey pass in one second.")] = 60.0,
    until: Annotated[str, typer.Option(metavar="STATUS", help="Stand still after reaching this status.")] = "",
    no_follow: Annotated[
        bool, typer.Option("--no-follow", help="End at once instead of showing the webhooks until it stands still.")
    ] = False,
    simulator: Simulator = "",
    key: Key = "",
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    as_json_: Json = False,
) -> None:
    """Drive a booking from where it stands. Ctrl-C stops following, not driving. Exit code 1: a webhook was in vain."""
    request = contract.RunBookingRequest(
        booking=find_delivery(booking, server, token, tls),
        scenario=value(books.Scenario, scenario, "--scenario") if scenario else books.SCENARIO_UNSPECIFIED,
        pace=pace,
        until=value(DeliveryStatus, until, "--until") if until else DeliveryStatus.DELIVERY_STATUS_UNSPECIFIED,
    )
    try:
        done = call_simulator(
            simulator, key, lambda client: drive(client, request, follow=not no_follow, quiet=as_json_)
        )
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    if as_json_:
        print_json({"booking": as_json(done.booking), "webhooks": [as_json(each) for each in done.webhooks]})
    if any(each.outcome == books.WEBHOOK_OUTCOME_GIVEN_UP for each in done.webhooks):
        raise typer.Exit(1)


@app.command("list", epilog=examples(("what the carriers have booked", "crossdock simulate list --carrier swift")))
def list_bookings(
    carrier: Annotated[str, typer.Option(help="Only of this carrier.")] = "",
    limit: Limit = 50,
    simulator: Simulator = "",
    key: Key = "",
    as_json_: Json = False,
) -> None:
    """List the carriers' bookings, the youngest first."""

    async def ask(client: SimulatorClient) -> list[books.SimulatedBooking]:
        async def read(size: int, token: str) -> contract.ListBookingsResponse:
            request = contract.ListBookingsRequest(carrier=carrier, page_size=size, page_token=token)
            return await client.call(client.stub.ListBookings, request)

        return await read_all(limit, read, lambda page: page.bookings)

    found = call_simulator(simulator, key, ask)
    if as_json_:
        print_list("bookings", found)
        return
    print_table(
        ("REFERENCE", "CARRIER", "ID", "ORDER", "STATUS", "JOURNEY", "BOOKED"),
        [
            (
                each.booking.reference,
                each.carrier,
                each.booking.id,
                each.request.order_number,
                "never booked" if each.void else word(DeliveryStatus, each.booking.report.status),
                _journey(each.journey),
                moment(each.booking.create_time),
            )
            for each in found
        ],
        "nothing is booked",
    )


@app.command(epilog=examples(("what was posted, and how it was answered", "crossdock simulate webhooks A-1001")))
def webhooks(
    booking: Booking,
    simulator: Simulator = "",
    key: Key = "",
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    as_json_: Json = False,
) -> None:
    """List the webhooks of a booking in the order in which they were written."""
    request = contract.ListWebhooksRequest(booking=find_delivery(booking, server, token, tls))
    answer = call_simulator(simulator, key, lambda client: client.call(client.stub.ListWebhooks, request))
    if as_json_:
        print_list("webhooks", answer.webhooks)
        return
    print_table(
        ("NUMBER", "TIME", "WORD", "STATUS", "OUTCOME", "TRIES", "ANSWER"),
        [
            (
                str(each.number),
                moment(each.create_time),
                each.word,
                word(DeliveryStatus, each.status),
                word(books.WebhookOutcome, each.outcome),
                str(len(each.attempts)),
                f"{each.attempts[-1].http_status or ''} {each.attempts[-1].answer}".strip() if each.attempts else "",
            )
            for each in answer.webhooks
        ],
        "no webhook was written",
    )


def _journey(journey: books.Journey) -> str:
    if not journey.steps:
        return "stands still"
    return f"{journey.steps_done}/{journey.steps}" + (f" at {journey.pace:g}×" if journey.running else "")
