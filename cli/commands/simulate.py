"""`crossdock simulate`: drive the bookings of simulated carriers, make them misbehave, read their books."""

from typing import Annotated, Any

import typer
from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.simulator.v1 import simulator_service_pb2 as contract
from crossdock.v1.delivery_pb2 import DeliveryStatus
from google.protobuf.duration_pb2 import Duration

from cli.commands.journeys import drive
from cli.connection import BearerToken, Json, Server, Tls
from cli.examples import examples
from cli.output import as_json, print_json, print_list, print_table
from cli.pages import Limit, read_all
from cli.simulator_client import SimulatorClient
from cli.simulator_connection import Key, Simulator, call_simulator, find_delivery
from cli.words import moment, parse_span, value, word

app = typer.Typer(help="Simulated carriers: run, list, webhooks, misbehave, carriers, configure.", no_args_is_help=True)

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
    follow: Annotated[bool, typer.Option(help="Show the webhooks until it stands still.")] = True,
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
        done = call_simulator(simulator, key, lambda client: drive(client, request, follow=follow, quiet=as_json_))
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


@app.command(
    epilog=examples(
        ("every booking is declined", "crossdock simulate misbehave swift --decline no_capacity"),
        ("booked, and the answer never comes", "crossdock simulate misbehave evergreen --hang-after-booking"),
        ("one webhook in five is lost, of one booking", "crossdock simulate misbehave A-1001 --drop-every 5"),
        ("as it should be again", "crossdock simulate misbehave swift"),
    )
)
def misbehave(
    who: Annotated[str, typer.Argument(metavar="CARRIER|BOOKING", help="A carrier's name, or a booking as for run.")],
    decline: Annotated[str, typer.Option(metavar="CODE", help="Decline every new booking with this code.")] = "",
    delay: Annotated[str, typer.Option(metavar="SPAN", help="Wait so long before every answer: 5s, 2m.")] = "",
    hang_before_booking: Annotated[bool, typer.Option(help="Never answer Book, and book nothing.")] = False,
    hang_after_booking: Annotated[bool, typer.Option(help="Book, and never answer.")] = False,
    fail_after_booking: Annotated[bool, typer.Option(help="Book, and answer with an error.")] = False,
    refuse_cancellation: Annotated[bool, typer.Option(help="Call nothing off.")] = False,
    price_rise: Annotated[int, typer.Option(min=0, max=1000, help="Charge so many percent more than quoted.")] = 0,
    drop_every: Annotated[int, typer.Option(min=0, help="Never post every nth webhook; 1 for all of them.")] = 0,
    duplicate_every: Annotated[int, typer.Option(min=0, help="Post every nth webhook twice.")] = 0,
    reorder_every: Annotated[int, typer.Option(min=0, help="Post every nth webhook after its follower.")] = 0,
    clock_skew: Annotated[str, typer.Option(metavar="SPAN", help="Write times that are ahead: 10m, 365d.")] = "",
    lateness: Annotated[float, typer.Option(min=0, max=100, help="Take so many times as long.")] = 0.0,
    scenario: Annotated[str, typer.Option(help="How journeys go for which nothing is said.")] = "",
    simulator: Simulator = "",
    key: Key = "",
    as_json_: Json = False,
) -> None:
    """Make a carrier, or one booking, misbehave from now on; without options it behaves again."""
    wrong = books.Misbehaviour(
        decline_code=decline,
        delay=_span(delay, "--delay"),
        hang_before_booking=hang_before_booking,
        hang_after_booking=hang_after_booking,
        fail_after_booking=fail_after_booking,
        refuse_cancellation=refuse_cancellation,
        price_rise_percent=price_rise,
        drop_every=drop_every,
        duplicate_every=duplicate_every,
        reorder_every=reorder_every,
        clock_skew=_span(clock_skew, "--clock-skew"),
        lateness=lateness,
        scenario=value(books.Scenario, scenario, "--scenario") if scenario else books.SCENARIO_UNSPECIFIED,
    )

    async def tell(client: SimulatorClient) -> None:
        listed = await client.call(client.stub.ListCarriers, contract.ListCarriersRequest())
        is_carrier = who in {each.name for each in listed.carriers}
        target: dict[str, Any] = {"carrier": who} if is_carrier else {"booking": who}
        request = contract.SetMisbehaviourRequest(misbehaviour=wrong if wrong.ByteSize() else None, **target)
        await client.call(client.stub.SetMisbehaviour, request)

    call_simulator(simulator, key, tell)
    if as_json_:
        print_json(as_json(wrong))
    else:
        print(f"{who} misbehaves from now on" if wrong.ByteSize() else f"{who} behaves from now on", flush=True)


@app.command(epilog=examples(("who there is, and what they do wrong", "crossdock simulate carriers")))
def carriers(simulator: Simulator = "", key: Key = "", as_json_: Json = False) -> None:
    """List the simulated carriers."""
    request = contract.ListCarriersRequest()
    answer = call_simulator(simulator, key, lambda client: client.call(client.stub.ListCarriers, request))
    if as_json_:
        print_list("carriers", answer.carriers)
        return
    print_table(
        ("NAME", "CALLED", "DIALECT", "BOOKINGS", "WEBHOOKS TO", "MISBEHAVIOUR"),
        [
            (
                each.name,
                each.display_name,
                each.dialect,
                str(each.booking_count),
                each.endpoint.url,
                ", ".join(as_json(each.misbehaviour)),
            )
            for each in answer.carriers
        ],
        "there is none",
    )


@app.command(
    epilog=examples(
        ("to another hub", "crossdock simulate configure evergreen https://hub.example.com/webhooks/evermile/src_1")
    )
)
def configure(
    carrier: Annotated[str, typer.Argument(metavar="CARRIER", help="The carrier's name.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="Where its webhooks go; empty for nowhere.")],
    secret: Annotated[
        str,
        typer.Option(envvar="CROSSDOCK_SOURCE_SECRET", help="The signing secret or the value of Authorization."),
    ] = "",
    simulator: Simulator = "",
    key: Key = "",
    as_json_: Json = False,
) -> None:
    """Say where a carrier posts its webhooks."""
    request = contract.ConfigureCarrierRequest(carrier=carrier, endpoint=books.Endpoint(url=url, secret=secret))
    answer = call_simulator(simulator, key, lambda client: client.call(client.stub.ConfigureCarrier, request))
    if as_json_:
        print_json(as_json(answer.carrier))
    else:
        print(f"{carrier} posts to {answer.carrier.endpoint.url or 'nobody'}", flush=True)


def _journey(journey: books.Journey) -> str:
    if not journey.steps:
        return "stands still"
    return f"{journey.steps_done}/{journey.steps}" + (f" at {journey.pace:g}×" if journey.running else "")


def _span(text: str, flag: str) -> Duration | None:
    return parse_span(text, flag) if text else None
