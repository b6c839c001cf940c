"""`crossdock tenants`: the accounts of a deployment, for its operators."""

from typing import Annotated

import typer
from crossdock.v1 import access_service_pb2 as contract
from crossdock.v1.access_pb2 import Tenant

from cli.connection import Json, Server, Tls, as_operator, call
from cli.examples import examples
from cli.hub_client import HubClient
from cli.output import as_json, print_facts, print_json, print_list, print_table
from cli.pages import Limit, read_all
from cli.words import moment

app = typer.Typer(help="Tenants, with the deployment's own key: create, list.", no_args_is_help=True)


@app.command(
    epilog=examples(
        ("a new account", "crossdock tenants create acme --name 'Acme Groceries'"),
        ("with the key of a deployment elsewhere",
         "CROSSDOCK_SYSTEM_TOKEN=… crossdock tenants create acme --server hub.internal:7411 --tls"),
    )
)  # fmt: skip
def create(
    external_id: Annotated[str, typer.Argument(help="Your own identifier of it; unique.")],
    name: Annotated[str, typer.Option(help="What it is called.")] = "",
    server: Server = "",
    tls: Tls = False,
    as_json_: Json = False,
) -> None:
    """Add a tenant."""
    request = contract.CreateTenantRequest(tenant=Tenant(external_id=external_id, display_name=name))
    made = call(as_operator(server, tls), lambda hub: hub.call(hub.access.CreateTenant, request)).tenant
    if as_json_:
        print_json(as_json(made))
        return
    print_facts([("id", made.id), ("external id", made.external_id), ("name", made.display_name)])


@app.command("list", epilog=examples(("every account", "crossdock tenants list")))
def list_tenants(limit: Limit = 50, server: Server = "", tls: Tls = False, as_json_: Json = False) -> None:
    """List tenants, the youngest first."""

    async def read(hub: HubClient) -> list[Tenant]:
        async def page(size: int, page_token: str) -> contract.ListTenantsResponse:
            request = contract.ListTenantsRequest(page_size=size, page_token=page_token)
            return await hub.call(hub.access.ListTenants, request)

        return await read_all(limit, page, lambda each: each.tenants)

    found = call(as_operator(server, tls), read)
    if as_json_:
        print_list("tenants", found)
        return
    print_table(
        ("ID", "EXTERNAL ID", "NAME", "CREATED"),
        [(each.id, each.external_id, each.display_name, moment(each.create_time)) for each in found],
        "no tenants",
    )
