"""What can be done with webhook sources, in the caller's transaction; knows nothing of their messages."""

from datetime import timedelta

from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.webhook_pb2 import FetchHeader, SourceSecret, UnknownTargetPolicy, WebhookSource
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids, live_secrets, times
from services.callers import Caller
from services.etags import etag_of, require_etag
from services.hub import Hub
from services.locations import rows as locations
from services.masks import apply_mask, require_unchanged
from services.paging import read_page
from services.webhooks import fetching, secrets, source_rows
from services.webhooks.source_rows import Stored as Source
from services.webhooks.source_rows import find_anywhere as find
from services.webhooks.source_rules import ASSIGNED, SET_ONCE, require_valid

__all__ = ["Source", "create", "find", "forget_values", "get", "read_list", "resolve", "rotate", "update"]


async def create(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.CreateWebhookSourceRequest
) -> contract.CreateWebhookSourceResponse:
    """Stores a new source and tells its secret, once."""
    source_id, now = typeid.new_uuid7(), hub.now()
    source = WebhookSource(id=ids.write("webhook source", source_id), etag=etag_of(1))
    apply_mask(request.source, source, FieldMask(), assigned=ASSIGNED)
    require_valid(source)
    if not source.unknown_target_policy:
        source.unknown_target_policy = UnknownTargetPolicy.UNKNOWN_TARGET_POLICY_PARK
    if source.location_id:
        await locations.require(connection, caller, source.location_id)
    source.path = f"/webhooks/{source.dialect}/{source.id}"
    times.set_timestamp(source.create_time, now)
    source.update_time.CopyFrom(source.create_time)
    secret = secrets.new_secret(source.auth_scheme, request.secret, now)
    stored = Source(caller.tenant, source_id, source, b"")
    _keep_secrets(hub, stored, [secret], fetching.taken(source, []))
    await source_rows.insert(connection, stored)
    return contract.CreateWebhookSourceResponse(source=_shown(stored, [secret]))


def forget_values(response: contract.CreateWebhookSourceResponse) -> None:
    """Takes the secret out of an answer that is kept for repeated calls."""
    for secret in response.source.secrets:
        secret.ClearField("value")


async def get(
    connection: AsyncConnection, hub: Hub, caller: Caller, identifier: str
) -> contract.GetWebhookSourceResponse:
    """One source, without the values of its secrets."""
    stored = await source_rows.find(connection, caller.tenant, identifier)
    return contract.GetWebhookSourceResponse(source=_now(stored.source, hub))


async def read_list(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.ListWebhookSourcesRequest
) -> contract.ListWebhookSourcesResponse:
    """One page of the tenant's sources, without the values of their secrets."""
    query = source_rows.select(caller.tenant, request.dialect)
    page = await read_page(connection, query, [query.selected_columns.source_id], request)
    return contract.ListWebhookSourcesResponse(
        sources=[_now(WebhookSource.FromString(row.document), hub) for row in page.rows],
        next_page_token=page.next_token,
        previous_page_token=page.previous_token,
    )


async def update(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.UpdateWebhookSourceRequest
) -> contract.UpdateWebhookSourceResponse:
    """Changes the members that the mask names."""
    stored = await source_rows.find(connection, caller.tenant, request.source.id, lock=True)
    before = stored.source
    require_etag(request.source.etag, int(before.etag), "webhook source", before.id)
    after = WebhookSource()
    after.CopyFrom(before)
    apply_mask(request.source, after, request.update_mask, assigned=ASSIGNED)
    require_unchanged(before, after, SET_ONCE, "source")
    require_valid(after)
    if after.location_id:
        await locations.require(connection, caller, after.location_id)
    present = secrets.unseal_headers(hub.sealer, stored.tenant_id, stored.source_id, stored.sealed)
    headers = fetching.taken(after, present)
    if after != before or headers != present:
        stored.source = after
        _keep_headers(hub, stored, headers)
        await _store_change(connection, hub, stored)
    return contract.UpdateWebhookSourceResponse(source=_now(stored.source, hub))


async def rotate(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.RotateWebhookSourceSecretRequest
) -> contract.RotateWebhookSourceSecretResponse:
    """Makes a new secret and tells it, once; the one before stays live for the overlap."""
    stored = await source_rows.find(connection, caller.tenant, request.source_id, lock=True)
    now = hub.now()
    overlap = (
        timedelta(seconds=request.overlap.seconds, microseconds=request.overlap.nanos // 1000)
        if request.HasField("overlap")
        else live_secrets.DEFAULT_OVERLAP
    )
    newest = secrets.new_secret(stored.source.auth_scheme, request.secret, now)
    present = secrets.unseal(hub.sealer, stored.tenant_id, stored.source_id, stored.sealed)
    kept = live_secrets.rotated(present, newest, overlap, now)
    _keep_secrets(hub, stored, kept)
    await _store_change(connection, hub, stored)
    told = [newest, *live_secrets.without_values(kept[1:])]
    return contract.RotateWebhookSourceSecretResponse(source=_shown(stored, told))


async def resolve(connection: AsyncConnection, hub: Hub, identifier: str) -> contract.ResolveWebhookSourceResponse:
    """What the gateway needs to verify a source of any tenant: its live secrets, with their values."""
    stored = (await find(connection, [identifier]))[identifier]
    present = secrets.unseal(hub.sealer, stored.tenant_id, stored.source_id, stored.sealed)
    source = _shown(stored, live_secrets.live(present, hub.now()))
    source.tenant_id = ids.write("tenant", stored.tenant_id)
    return contract.ResolveWebhookSourceResponse(source=source)


async def _store_change(connection: AsyncConnection, hub: Hub, stored: Source) -> None:
    stored.source.etag = etag_of(int(stored.source.etag) + 1)
    times.set_timestamp(stored.source.update_time, hub.now())
    await source_rows.update(connection, stored)
    hub.sources.forget(stored.source.id)


def _keep_headers(hub: Hub, stored: Source, headers: list[FetchHeader]) -> None:
    present = secrets.unseal(hub.sealer, stored.tenant_id, stored.source_id, stored.sealed)
    stored.sealed = secrets.seal(hub.sealer, stored.tenant_id, stored.source_id, present, headers)


def _keep_secrets(hub: Hub, stored: Source, kept: list[SourceSecret], headers: list[FetchHeader] | None = None) -> None:
    """Seals the secrets anew, with the headers for fetching, which stay as they are unless others are given."""
    if headers is None:
        headers = secrets.unseal_headers(hub.sealer, stored.tenant_id, stored.source_id, stored.sealed)
    stored.sealed = secrets.seal(hub.sealer, stored.tenant_id, stored.source_id, kept, headers)
    del stored.source.secrets[:]
    stored.source.secrets.extend(live_secrets.without_values(kept))


def _shown(stored: Source, told: list[SourceSecret]) -> WebhookSource:
    source = WebhookSource()
    source.CopyFrom(stored.source)
    del source.secrets[:]
    source.secrets.extend(told)
    return source


def _now(source: WebhookSource, hub: Hub) -> WebhookSource:
    """The source without the secrets that ended since it was stored."""
    live = live_secrets.live(source.secrets, hub.now())
    del source.secrets[:]
    source.secrets.extend(live)
    return source
