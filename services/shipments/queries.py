"""The filters of ListShipments as a query; knows no pages."""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.shipment_service_pb2 import ListShipmentsRequest

from runtime import typeid
from services.callers import Caller
from services.db.dispatch_tables import shipments
from services.errors import Problem
from services.times import given_datetime

ORDER = (shipments.c.create_time, shipments.c.shipment_id)
"""The key of the list. Every filter that is common has an index that ends in it, or is narrow."""
MAX_RANGE = timedelta(days=30)
ON_THE_WAY = timedelta(minutes=1)
"""How long a call may take from a caller who counts thirty days back from its own now."""


def select(
    request: ListShipmentsRequest, caller: Caller, locations: Iterable[UUID] | None, now: datetime
) -> sa.Select[Any]:
    """All shipments within the caller's reach that the filters hold for, in no order.

    ``locations`` are those with the external ids that the request names; None when it names none. Raises
    TIME_RANGE_TOO_LONG.
    """
    query = sa.select(*ORDER, shipments.c.document).where(shipments.c.tenant_id == caller.tenant)
    if caller.location_id is not None:
        query = query.where(shipments.c.location_id == caller.location_id)
    if locations is not None:
        query = query.where(shipments.c.location_id.in_(locations))
    return query.where(*_members(request), *_moments(request, now))


def _members(request: ListShipmentsRequest) -> Iterator[sa.ColumnElement[bool]]:
    columns = shipments.c
    if request.external_ids:
        yield columns.external_id.in_(request.external_ids)
    if request.group_id:
        yield columns.group_id == request.group_id
    if request.location_ids:
        yield columns.location_id.in_(_known("loc", request.location_ids))
    if request.order_id:
        yield columns.order_id.in_(_known("ord", [request.order_id]))
    if request.carrier_ref:
        yield columns.carrier_ref == request.carrier_ref
    if request.needs_attention:
        yield columns.needs_attention
    if request.statuses or request.phases:
        yield sa.or_(columns.status.in_(request.statuses), columns.phase.in_(request.phases))


def _moments(request: ListShipmentsRequest, now: datetime) -> Iterator[sa.ColumnElement[bool]]:
    columns = shipments.c
    picked_up, handed_out = given_datetime(request, "pickup_after"), given_datetime(request, "dropoff_before")
    if picked_up is not None:
        yield columns.pickup_time >= picked_up
    if handed_out is not None:
        yield columns.dropoff_time <= handed_out
    if picked_up is not None and handed_out is not None:
        yield columns.pickup_time <= handed_out  # follows, and lets the index of pickups end there
    if (moment := given_datetime(request, "created_after")) is not None:
        yield columns.create_time >= moment
    if (moment := given_datetime(request, "created_before")) is not None:
        yield columns.create_time < moment
    after, before = given_datetime(request, "updated_after"), given_datetime(request, "updated_before")
    if after is not None:
        _require_short(after, before or now - ON_THE_WAY)
        yield columns.update_time >= after
    if before is not None:
        yield columns.update_time < before
        yield columns.create_time < before  # follows, and lets the index of the order begin there


def _require_short(after: datetime, before: datetime) -> None:
    if before - after > MAX_RANGE:
        raise Problem(
            "TIME_RANGE_TOO_LONG",
            "from updated_after on it may not be more than 30 days",
            {"field": "updated_after", "limit": "30 days"},
        )


def _known(prefix: str, identifiers: Iterable[str]) -> list[UUID]:
    """The UUIDs of the ids that are ids; the others match nothing."""
    found = []
    for identifier in identifiers:
        with contextlib.suppress(typeid.InvalidId):
            found.append(typeid.decode(prefix, identifier))
    return found
