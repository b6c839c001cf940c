"""`crossdock sources fetch`: from where alone, and with which credentials, a source's pictures are fetched."""

from typing import Annotated

import typer
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.webhook_pb2 import FetchHeader, WebhookSource
from google.protobuf.field_mask_pb2 import FieldMask

from cli.connection import BearerToken, ForTenant, Json, Server, Tls, as_caller, call
from cli.examples import examples
from cli.output import as_json, print_facts, print_json

EXAMPLES = examples(
    ("Skipcart's signatures and photos",
     "CROSSDOCK_FETCH_VALUE=… crossdock sources fetch src_01j… --host api.carrier.example --header authorization"),
    ("no more", "crossdock sources fetch src_01j…"),
)  # fmt: skip


def fetch(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The id (src_…).")],
    host: Annotated[
        list[str] | None, typer.Option(metavar="HOST[:PORT]", help="Where the pictures are; several times for several.")
    ] = None,
    header: Annotated[str, typer.Option(metavar="NAME", help="The header with the credentials.")] = "",
    secret: Annotated[
        str, typer.Option("--value", envvar="CROSSDOCK_FETCH_VALUE", help="Its value; kept sealed, never shown.")
    ] = "",
    server: Server = "",
    token: BearerToken = "",
    tls: Tls = False,
    tenant: ForTenant = "",
    as_json_: Json = False,
) -> None:
    """Say from which hosts a source's pictures are fetched, and with which header. It goes to no other host.

    What was said before is replaced.
    """
    headers = [FetchHeader(name=header.lower(), value=secret)] if header else []
    request = contract.UpdateWebhookSourceRequest(
        source=WebhookSource(id=source, fetch_hosts=host or [], fetch_headers=headers),
        update_mask=FieldMask(paths=["fetch_hosts", "fetch_headers"]),
    )
    changed = call(
        as_caller(server, token, tls, tenant), lambda hub: hub.call(hub.webhooks.UpdateWebhookSource, request)
    ).source
    if as_json_:
        print_json(as_json(changed))
        return
    print_facts(
        [
            ("id", changed.id),
            ("fetched from", ", ".join(changed.fetch_hosts) or "nowhere with credentials"),
            ("with", ", ".join(each.name for each in changed.fetch_headers)),
        ]
    )
