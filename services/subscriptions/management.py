"""What callers can do with subscriptions, in the caller's transaction; knows nothing of what is sent."""

from collections.abc import Iterable

import sqlalchemy as sa
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_pb2 import Subscription, SubscriptionSecret
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids, live_secrets, times
from services.callers import Caller
from services.db.outbound_tables import subscriptions as table
from services.errors import invalid
from services.etags import etag_of, require_etag
from services.events import log
from services.events.log import Cursor
from services.hub import Hub
from services.locations import rows as locations
from services.masks import apply_mask, require_unchanged
from services.paging import read_page
from services.shipments import rows as shipments
from services.subscriptions import journal, rows, secrets, sends, states
from services.subscriptions.rows import Stored
from services.subscriptions.rules import ASSIGNED, SET_ONCE, require_valid


async def create(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.CreateSubscriptionRequest
) -> contract.CreateSubscriptionResponse:
    """Stores a new subscription and tells its secret, once."""
    subscription_id, now = typeid.new_uuid7(), hub.now()
    made = Subscription(id=ids.write("subscription", subscription_id), etag=etag_of(1))
    apply_mask(request.subscription, made, FieldMask(), assigned=ASSIGNED)
    made.dialect = made.dialect or "cloudevents"
    made.created_by = caller.actor.id
    made.state = states.ACTIVE
    times.set_timestamp(made.create_time, now)
    made.state_time.CopyFrom(made.create_time)
    made.update_time.CopyFrom(made.create_time)
    require_valid(made, plain_http=bool(hub.settings.egress_allow))
    await _require_reach(connection, caller, made)
    cursor = await begin(connection, caller, request)
    stored = Stored(caller.tenant, subscription_id, made, b"", cursor)
    secret = secrets.new_secret(made.dialect, request.secret, now)
    _seal(hub, stored, Subscription(secrets=[secret], headers=made.headers))
    await rows.insert(connection, stored)
    return contract.CreateSubscriptionResponse(subscription=shown(stored, hub, [secret]))


async def begin(
    connection: AsyncConnection,
    caller: Caller,
    request: contract.CreateSubscriptionRequest | contract.ReplaySubscriptionRequest,
) -> Cursor:
    """The place in the log that a request names; the end when it names none. Raises INVALID_REQUEST for two."""
    moment = times.given_datetime(request, "start_time")
    if request.cursor and moment is not None:
        raise invalid("start_time", "cannot be combined with cursor", "start.exclusive")
    if request.cursor:
        return Cursor.decode(request.cursor)
    if moment is not None:
        return await log.before(connection, caller.tenant, moment)
    return await log.end(connection)


def forget_values(response: contract.CreateSubscriptionResponse) -> None:
    """Takes the secret out of an answer that is kept for repeated calls."""
    for secret in response.subscription.secrets:
        secret.ClearField("value")


async def get(connection: AsyncConnection, hub: Hub, caller: Caller, identifier: str) -> Subscription:
    """One subscription, without secrets."""
    return shown(await rows.find(connection, caller.tenant, identifier), hub)


async def read_list(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.ListSubscriptionsRequest
) -> contract.ListSubscriptionsResponse:
    """One page of the tenant's subscriptions, without secrets."""
    query = rows.select(caller.tenant)
    if request.dialect:
        query = query.where(table.c.dialect == request.dialect)
    if request.states:
        query = query.where(table.c.state.in_(list(request.states)))
    if request.shipment_id:
        query = query.where(table.c.shipment_id == ids.read("shipment", request.shipment_id))
    page = await read_page(connection, query, [query.selected_columns.subscription_id], request)
    return contract.ListSubscriptionsResponse(
        subscriptions=[shown(rows.stored(row), hub) for row in page.rows],
        next_page_token=page.next_token,
        previous_page_token=page.previous_token,
    )


async def update(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.UpdateSubscriptionRequest
) -> contract.UpdateSubscriptionResponse:
    """Changes the members that the mask names."""
    stored = await rows.find(connection, caller.tenant, request.subscription.id, hold=True)
    before = stored.subscription
    require_etag(request.subscription.etag, int(before.etag), "subscription", before.id)
    after = Subscription()
    after.CopyFrom(before)
    # Hidden values of headers stand in the sealed part: a header list that is sent back unchanged keeps them.
    sealed = secrets.unseal(hub.sealer, stored.tenant_id, stored.subscription_id, stored.sealed)
    touched = apply_mask(request.subscription, after, request.update_mask, assigned=ASSIGNED)
    require_unchanged(before, after, SET_ONCE, "subscription")
    if "headers" in touched:
        known = {header.name.lower(): header.value for header in sealed.headers}
        for header in after.headers:
            header.value = header.value or known.get(header.name.lower(), "")
    require_valid(after, plain_http=bool(hub.settings.egress_allow))
    await _require_reach(connection, caller, after)
    if after != before:
        stored.subscription = after
        if "headers" in touched:
            _seal(hub, stored, Subscription(secrets=sealed.secrets, headers=after.headers))
        await _store(connection, hub, stored)
    return contract.UpdateSubscriptionResponse(subscription=shown(stored, hub))


async def delete(connection: AsyncConnection, caller: Caller, request: contract.DeleteSubscriptionRequest) -> None:
    """Removes a subscription with what it still waited to send."""
    stored = await rows.find(connection, caller.tenant, request.subscription_id, hold=True)
    require_etag(request.etag, int(stored.subscription.etag), "subscription", stored.subscription.id)
    await rows.delete(connection, stored.key)


async def pause(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.PauseSubscriptionRequest
) -> Subscription:
    """Stops sending; loses nothing."""
    stored = await rows.find(connection, caller.tenant, request.subscription_id, hold=True)
    if states.pause(stored.subscription, request.reason, hub.now()):
        told = f"paused: {request.reason}" if request.reason else "paused"
        await journal.tell(connection, stored, told, hub.now(), caller.actor)
        await _store(connection, hub, stored)
    return shown(stored, hub)


async def resume(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.ResumeSubscriptionRequest
) -> Subscription:
    """Sends on from the cursor; what waits for another try is tried at once."""
    stored = await rows.find(connection, caller.tenant, request.subscription_id, hold=True)
    if states.resume(stored.subscription, hub.now()):
        await journal.tell(connection, stored, "resumed", hub.now(), caller.actor)
        await sends.hasten(connection, stored.key, hub.now())
        await connection.execute(
            sa.update(table)
            .where(table.c.tenant_id == stored.tenant_id, table.c.subscription_id == stored.subscription_id)
            .values(slow_until=None)
        )
        await _store(connection, hub, stored)
    return shown(stored, hub)


async def rotate(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.RotateSubscriptionSecretRequest
) -> Subscription:
    """Makes a new secret and tells it, once; the one before stays live for the overlap."""
    stored = await rows.find(connection, caller.tenant, request.subscription_id, hold=True)
    now = hub.now()
    overlap = times.given_timedelta(request, "overlap")
    overlap = live_secrets.DEFAULT_OVERLAP if overlap is None else overlap
    newest = secrets.new_secret(stored.subscription.dialect, request.secret, now)
    sealed = secrets.unseal(hub.sealer, stored.tenant_id, stored.subscription_id, stored.sealed)
    kept = live_secrets.rotated(sealed.secrets, newest, overlap, now)
    _seal(hub, stored, Subscription(secrets=kept, headers=sealed.headers))
    await _store(connection, hub, stored)
    return shown(stored, hub, [newest, *live_secrets.without_values(kept[1:])])


def opened(stored: Stored, hub: Hub, tenant_external_id: str) -> Subscription:
    """The subscription for the gateway: its tenant, the values of its live secrets and all its headers."""
    sealed = secrets.unseal(hub.sealer, stored.tenant_id, stored.subscription_id, stored.sealed)
    told = shown(stored, hub, live_secrets.live(sealed.secrets, hub.now()))
    told.tenant_id, told.tenant_external_id = ids.write("tenant", stored.tenant_id), tenant_external_id
    del told.headers[:]
    told.headers.extend(sealed.headers)
    return told


async def _require_reach(connection: AsyncConnection, caller: Caller, subscription: Subscription) -> None:
    """Raises NOT_FOUND for what a filter names and is not the caller's."""
    for location_id in subscription.filter.location_ids:
        await locations.require(connection, caller, location_id)
    if subscription.shipment_id:
        await shipments.find(connection, caller, subscription.shipment_id)


async def _store(connection: AsyncConnection, hub: Hub, stored: Stored) -> None:
    stored.subscription.etag = etag_of(int(stored.subscription.etag) + 1)
    times.set_timestamp(stored.subscription.update_time, hub.now())
    await rows.update(connection, stored)


def _seal(hub: Hub, stored: Stored, sealed: Subscription) -> None:
    stored.sealed = secrets.seal(hub.sealer, stored.tenant_id, stored.subscription_id, sealed)
    subscription = stored.subscription
    del subscription.secrets[:]
    subscription.secrets.extend(live_secrets.without_values(sealed.secrets))
    secrets.hide_values(subscription.headers)


def shown(stored: Stored, hub: Hub, told: Iterable[SubscriptionSecret] | None = None) -> Subscription:
    """The subscription as callers see it; with these secrets in place of those that are live, without values."""
    made = Subscription()
    made.CopyFrom(stored.subscription)
    made.cursor = stored.cursor.encode()
    del made.secrets[:]
    made.secrets.extend(live_secrets.live(stored.subscription.secrets, hub.now()) if told is None else told)
    return made
