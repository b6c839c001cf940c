"""`crossdock deliveries`: what is under way, how far it is, and how it came to be there."""

from typing import Annotated

import typer
from crossdock.v1 import delivery_service_pb2 as contract
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.reference_pb2 import ExternalReference

from cli.connection import BearerToken, Json, Server, Tls, as_caller, call
from cli.examples import examples
from cli.hub_client import HubClient
from cli.output import as_json, print_facts, print_json, print_list, print_table
from cli.pages import Limit, read_all
from cli.words import moment, parse_moment, values, word

app = typer.Typer(help="Deliveries: list, show, explain.", no_args_is_help=True)

DeliveryId = Annotated[
    str, typer.Argument(metavar="DELIVERY", help="An id (dlv_…), or another system's name for it as SCOPE:VALUE.")
]


@app.command(
    "list",
    epilog=examples(
        ("what is under way now", "crossdock deliveries list --status picked_up,dropoff_en_route"),
        ("what a person should look at, for a program", "crossdock deliveries list --attention --json"),
    ),
)
def list_deliveries(
    status: Annotated[list[str] | None, typer.Option(help="Only with this status; several with commas.")] = None,
    location: Annotated[list[str] | None, typer.Option(metavar="LOCATION", help="Only of this location.")] = None,
    order: Annotated[str, typer.Option(metavar="ORDER", help="Only of this order.")] = "",
    carrier: Annotated[str, typer.Option(metavar="CODE", help="Only of this carrier, by its code.")] = "",
    attention: Annotated[bool, typer.Option("--attention", help="Only those that a person should look at.")] = False,
    since: Annotated[str, typer.Option(metavar="WHEN", help="Only created since: 2h, 7d, or a time.")] = "",
    limit: Limit = 50,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    as_json_: Json = False,
) -> None:
    """List deliveries, the youngest first."""
    request = contract.ListDeliveriesRequest(
        statuses=values(DeliveryStatus, status, "--status"),
        location_ids=location or [],
        order_id=order,
        carrier_ref=carrier,
        needs_attention=attention,
        created_after=parse_moment(since, "--since") if since else None,
    )

    async def read(hub: HubClient) -> list[Delivery]:
        async def page(size: int, page_token: str) -> contract.ListDeliveriesResponse:
            request.page_size, request.page_token = size, page_token
            return await hub.call(hub.deliveries.ListDeliveries, request)

        return await read_all(limit, page, lambda each: each.deliveries)

    found = call(as_caller(server, token, tls), read)
    if as_json_:
        print_list("deliveries", found)
        return
    print_table(
        ("ID", "STATUS", "SINCE", "CARRIER", "REFERENCES", "ATTENTION"),
        [
            (
                each.id,
                word(DeliveryStatus, each.status),
                moment(each.status_time),
                each.carrier or each.carrier_ref,
                _references(each),
                ", ".join(attention.reason for attention in each.attention),
            )
            for each in found
        ],
        "no deliveries",
    )


@app.command(
    epilog=examples(
        ("one delivery", "crossdock deliveries show dlv_01jt8k2v4mfz9r5s7w3x6y0abc"),
        ("the same by the carrier's name for it, whole", "crossdock deliveries show skipcart.order:237126 --json"),
    )
)
def show(
    delivery: DeliveryId,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    as_json_: Json = False,
) -> None:
    """Show one delivery."""
    found = call(as_caller(server, token, tls), lambda hub: find(hub, delivery))
    if as_json_:
        print_json(as_json(found))
        return
    print_facts(_facts(found))
    print()
    print_table(
        ("MILESTONE", "TIME", ""),
        [
            (word(DeliveryStatus, each.status), moment(each.time), "inferred" if each.synthetic else "")
            for each in found.milestones
        ],
        "no milestones yet",
    )


@app.command(
    epilog=examples(
        ("why it has the status that it has", "crossdock deliveries explain skipcart.order:237126"),
        ("for a program", "crossdock deliveries explain dlv_01jt8k2v4mfz9r5s7w3x6y0abc --json"),
    )
)
def explain(
    delivery: DeliveryId,
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    as_json_: Json = False,
) -> None:
    """Tell how a delivery came to its present state: every report, and what became of it by which rule."""

    async def ask(hub: HubClient) -> contract.ExplainDeliveryResponse:
        delivery_id = (await find(hub, delivery)).id if ":" in delivery else delivery
        return await hub.call(hub.deliveries.ExplainDelivery, contract.ExplainDeliveryRequest(delivery_id=delivery_id))

    told = call(as_caller(server, token, tls), ask)
    if as_json_:
        print_json(as_json(told))
        return
    print_facts([("delivery", told.delivery.id), ("summary", told.summary)])
    print()
    print_table(
        ("NO", "HAPPENED", "RECORDED", "WHO", "SAID", "BECAME", "STATUS", "BECAUSE"),
        [
            (
                str(step.number),
                moment(step.event_time),
                moment(step.record_time),
                step.who,
                step.said,
                word(Disposition, step.disposition),
                word(DeliveryStatus, step.status),
                step.because,
            )
            for step in told.steps
        ],
        "nothing happened yet",
    )


async def find(hub: HubClient, name: str) -> Delivery:
    """The delivery with this id, or with this reference when the name has a colon."""
    scope, colon, value = name.partition(":")
    if colon:
        reference = contract.GetDeliveryByReferenceRequest(reference=ExternalReference(scope=scope, value=value))
        return (await hub.call(hub.deliveries.GetDeliveryByReference, reference)).delivery
    return (await hub.call(hub.deliveries.GetDelivery, contract.GetDeliveryRequest(delivery_id=name))).delivery


def _references(delivery: Delivery) -> str:
    return ", ".join(f"{each.scope}:{each.value}" for each in delivery.references)


def _facts(delivery: Delivery) -> list[tuple[str, str]]:
    status = word(DeliveryStatus, delivery.status)
    courier, vehicle = delivery.courier, delivery.courier.vehicle
    return [
        ("id", delivery.id),
        ("status", f"{status} since {moment(delivery.status_time)}" if delivery.HasField("status_time") else status),
        ("carrier's word", delivery.carrier_status_raw),
        ("carrier", delivery.carrier or delivery.carrier_ref),
        ("references", _references(delivery)),
        ("location", delivery.location_id),
        ("order", delivery.order_id),
        ("courier", courier.name or f"{courier.first_name} {courier.last_name}".strip()),
        ("vehicle", " ".join(filter(None, (vehicle.color, vehicle.make, vehicle.model, vehicle.license_plate)))),
        ("pickup", _expected(moment(delivery.estimates.pickup_time))),
        ("dropoff", _expected(moment(delivery.estimates.dropoff_time))),
        ("tracking", delivery.links.tracking_url),
        ("attention", ", ".join(each.reason for each in delivery.attention)),
        ("events", str(delivery.last_event_number)),
        ("changed", moment(delivery.update_time)),
    ]


def _expected(time: str) -> str:
    return f"expected {time}" if time else ""
