"""The filters of ListOrders as a query; knows no pages."""

from typing import Any

import sqlalchemy as sa
from crossdock.v1.order_service_pb2 import ListOrdersRequest

from services import ids
from services.callers import Caller
from services.db.tables import order_references, orders
from services.times import given_datetime


def select(request: ListOrdersRequest, caller: Caller) -> sa.Select[Any]:
    """All orders within the caller's reach that the filters hold for, in no order."""
    query = sa.select(orders.c.order_id, orders.c.document).where(orders.c.tenant_id == caller.tenant)
    if caller.location_id is not None:
        query = query.where(orders.c.location_id == caller.location_id)
    if request.location_ids:
        wanted = [ids.read("location", identifier) for identifier in request.location_ids]
        query = query.where(orders.c.location_id.in_(wanted))
    if request.statuses:
        query = query.where(orders.c.status.in_(request.statuses))
    if request.private_ref:
        query = query.where(orders.c.private_ref == request.private_ref)
    if after := given_datetime(request, "created_after"):
        query = query.where(orders.c.create_time >= after)
    if before := given_datetime(request, "created_before"):
        query = query.where(orders.c.create_time < before)
    if request.reference_value:
        query = query.where(
            sa.exists().where(
                order_references.c.tenant_id == orders.c.tenant_id,
                order_references.c.order_id == orders.c.order_id,
                order_references.c.value == request.reference_value,
            )
        )
    return query
