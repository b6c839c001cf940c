"""Makes the demo account, once per database, with what a newcomer needs to try everything; knows no process.

What exists is found again by its name, so that an interrupted attempt is finished and a lost `demo.json` is
written again with fresh tokens and secrets.
"""

from typing import Any

import grpc
from crossdock.v1 import access_service_pb2 as access
from crossdock.v1 import location_service_pb2 as locations
from crossdock.v1 import webhook_service_pb2 as webhooks
from crossdock.v1.access_pb2 import AccessLevel, Scope, Tenant, Token
from crossdock.v1.contact_pb2 import Address, Contact, Phone
from crossdock.v1.location_pb2 import Location
from crossdock.v1.webhook_pb2 import AuthScheme, UnknownTargetPolicy, WebhookSource
from google.protobuf.duration_pb2 import Duration
from google.type.latlng_pb2 import LatLng
from google.type.postal_address_pb2 import PostalAddress

from cli.hub.folders import Folder, read_document, write_private
from cli.hub_client import HubClient

TENANT = "demo"
LOCATION = "7709"
SCHEMES: dict[str, "AuthScheme.ValueType"] = {
    "skipcart": AuthScheme.AUTH_SCHEME_PATH_SECRET,  # documents no authentication at all
    "evermile": AuthScheme.AUTH_SCHEME_STANDARD_WEBHOOKS,
    "ordatic": AuthScheme.AUTH_SCHEME_STATIC_AUTHORIZATION,
}
_SECRET_NAMES: dict[str, str] = {
    "PATH_SECRET": "path_secret",
    "STANDARD_WEBHOOKS": "secret",
    "STATIC_AUTHORIZATION": "authorization",
}
_LOCATION_SCOPES = (
    Scope.SCOPE_DELIVERIES_READ,
    Scope.SCOPE_DELIVERIES_WRITE,
    Scope.SCOPE_ORDERS_READ,
    Scope.SCOPE_ORDERS_WRITE,
    Scope.SCOPE_LOCATIONS_READ,
    Scope.SCOPE_EVENTS_READ,
    Scope.SCOPE_SHIPMENTS_READ,
    Scope.SCOPE_SHIPMENTS_WRITE,
)


async def find_or_make(folder: Folder, server: str, system_token: str) -> dict[str, Any]:
    """The demo account's ids and secrets, from `demo.json` if they are of this database."""
    kept = read_document(folder.demo)
    if kept is not None and await _is_of(server, kept):
        return kept
    async with HubClient(server, system_token) as hub:
        tenant_id = await _tenant(hub)
    async with HubClient(server, system_token, tenant_id=tenant_id) as hub:
        location_id = await _location(hub)
        made = {
            "tenant_id": tenant_id,
            "account_token": await _token(hub, AccessLevel.ACCESS_LEVEL_ACCOUNT, Scope.values()[1:], ""),
            "location_id": location_id,
            "location_external_id": LOCATION,
            "location_token": await _token(hub, AccessLevel.ACCESS_LEVEL_LOCATION, _LOCATION_SCOPES, location_id),
            "sources": {dialect: await _source(hub, dialect, location_id) for dialect in SCHEMES},
        }
    write_private(folder.demo, made)
    return made


def with_addresses(demo: dict[str, Any], http: str) -> dict[str, Any]:
    """The demo account with the URLs to which each source's sender posts."""
    sources = {
        dialect: {"id": source["id"], "url": http + source["path"] + _last_segment(source), **source}
        for dialect, source in demo["sources"].items()
    }
    return {**demo, "sources": sources}


def _last_segment(source: dict[str, str]) -> str:
    return f"/{source['path_secret']}" if "path_secret" in source else ""


async def _is_of(server: str, kept: dict[str, Any]) -> bool:
    try:
        async with HubClient(server, kept["account_token"]) as hub:
            caller = await hub.call(hub.access.GetCaller, access.GetCallerRequest())
    except KeyError:
        return False
    except grpc.aio.AioRpcError as error:
        if error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
            return False
        raise
    return caller.tenant.id == kept.get("tenant_id") and set(kept.get("sources", {})) == set(SCHEMES)


async def _tenant(hub: HubClient) -> str:
    tenant = Tenant(external_id=TENANT, display_name="Demo account")
    try:
        made = await hub.call(
            hub.access.CreateTenant, access.CreateTenantRequest(tenant=tenant, request_id=f"{TENANT} tenant")
        )
        return made.tenant.id
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
            raise
    page = ""
    while True:
        listed = await hub.call(hub.access.ListTenants, access.ListTenantsRequest(page_size=1000, page_token=page))
        for each in listed.tenants:
            if each.external_id == TENANT:
                return each.id
        page = listed.next_page_token
        if not page:
            raise LookupError(f"the tenant {TENANT!r} exists and is not listed")


async def _location(hub: HubClient) -> str:
    listed = await hub.call(hub.locations.ListLocations, locations.ListLocationsRequest(external_id=LOCATION))
    if listed.locations:
        return listed.locations[0].id
    location = Location(
        external_id=LOCATION,
        name="Harrison Avenue Kitchen",
        address=Address(
            postal_address=PostalAddress(
                region_code="US",
                administrative_area="MA",
                locality="Boston",
                postal_code="02118",
                address_lines=["345 Harrison Avenue"],
            ),
            position=LatLng(latitude=42.3452369, longitude=-71.0639399),
        ),
        contact=Contact(name="Front desk", phone=Phone(raw="+1 617-555-0142", e164="+16175550142")),
        time_zone="America/New_York",
        currency_code="USD",
        pickup_instructions="Counter at the back, ask for the order number.",
    )
    made = await hub.call(
        hub.locations.CreateLocation,
        locations.CreateLocationRequest(location=location, request_id=f"{TENANT} location"),
    )
    return made.location.id


async def _token(hub: HubClient, level: "AccessLevel.ValueType", scopes: Any, location_id: str) -> str:
    token = Token(display_name=TENANT, level=level, scopes=scopes, location_id=location_id)
    return (await hub.call(hub.access.CreateToken, access.CreateTokenRequest(token=token))).value


async def _source(hub: HubClient, dialect: str, location_id: str) -> dict[str, str]:
    name = f"Demo {dialect}"
    listed = await hub.call(
        hub.webhooks.ListWebhookSources, webhooks.ListWebhookSourcesRequest(dialect=dialect, page_size=1000)
    )
    source = next((each for each in listed.sources if each.display_name == name), None)
    if source is None:
        wanted = WebhookSource(
            dialect=dialect,
            display_name=name,
            location_id=location_id,
            unknown_target_policy=UnknownTargetPolicy.UNKNOWN_TARGET_POLICY_CREATE,
            auth_scheme=SCHEMES[dialect],
            default_currency_code="USD",
            default_region_code="US",
        )
        request = webhooks.CreateWebhookSourceRequest(source=wanted)
        source = (await hub.call(hub.webhooks.CreateWebhookSource, request)).source
    else:  # its secret was told to somebody who is gone
        rotation = webhooks.RotateWebhookSourceSecretRequest(source_id=source.id, overlap=Duration())
        source = (await hub.call(hub.webhooks.RotateWebhookSourceSecret, rotation)).source
    scheme = AuthScheme.Name(source.auth_scheme).removeprefix("AUTH_SCHEME_")
    return {
        "id": source.id,
        "path": source.path,
        "scheme": scheme,
        _SECRET_NAMES[scheme]: source.secrets[0].value,
    }
