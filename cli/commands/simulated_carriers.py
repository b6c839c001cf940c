"""`crossdock simulate carriers|misbehave|configure`: who the simulated carriers are and how they behave."""

from typing import Annotated, Any

import typer
from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.simulator.v1 import simulator_service_pb2 as contract
from google.protobuf.duration_pb2 import Duration

from cli.connection import Json
from cli.examples import examples
from cli.output import as_json, print_json, print_list, print_table
from cli.simulator_client import SimulatorClient
from cli.simulator_connection import Key, Simulator, call_simulator
from cli.words import parse_span, value

CARRIERS_EXAMPLES = examples(("who there is, and what they do wrong", "crossdock simulate carriers"))
CONFIGURE_EXAMPLES = examples(
    ("to another hub", "crossdock simulate configure evergreen https://hub.example.com/webhooks/evermile/src_1")
)
MISBEHAVE_EXAMPLES = examples(
    ("every booking is declined", "crossdock simulate misbehave swift --decline no_capacity"),
    ("booked, and the answer never comes", "crossdock simulate misbehave evergreen --hang-after-booking"),
    ("one webhook in five is lost, of one booking", "crossdock simulate misbehave A-1001 --drop-every 5"),
    ("as it should be again", "crossdock simulate misbehave swift"),
)


def misbehave(
    who: Annotated[str, typer.Argument(metavar="CARRIER|BOOKING", help="A carrier's name, or a booking as for run.")],
    decline: Annotated[str, typer.Option(metavar="CODE", help="Decline every new booking with this code.")] = "",
    delay: Annotated[str, typer.Option(metavar="SPAN", help="Wait so long before every answer: 5s, 2m.")] = "",
    hang_before_booking: Annotated[
        bool, typer.Option("--hang-before-booking", help="Never answer Book, and book nothing.")
    ] = False,
    hang_after_booking: Annotated[bool, typer.Option("--hang-after-booking", help="Book, and never answer.")] = False,
    fail_after_booking: Annotated[
        bool, typer.Option("--fail-after-booking", help="Book, and answer with an error.")
    ] = False,
    refuse_cancellation: Annotated[bool, typer.Option("--refuse-cancellation", help="Call nothing off.")] = False,
    price_rise: Annotated[
        int, typer.Option(metavar="PERCENT", min=0, help="Charge so many percent more than quoted.")
    ] = 0,
    drop_every: Annotated[
        int, typer.Option(metavar="N", min=0, help="Never post every nth webhook; 1 for all of them.")
    ] = 0,
    duplicate_every: Annotated[int, typer.Option(metavar="N", min=0, help="Post every nth webhook twice.")] = 0,
    reorder_every: Annotated[
        int, typer.Option(metavar="N", min=0, help="Post every nth webhook after its follower.")
    ] = 0,
    clock_skew: Annotated[str, typer.Option(metavar="SPAN", help="Write times that are ahead: 10m, 365d.")] = "",
    lateness: Annotated[float, typer.Option(metavar="TIMES", min=0, help="Take so many times as long.")] = 0.0,
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


def _span(text: str, flag: str) -> Duration | None:
    return parse_span(text, flag) if text else None
