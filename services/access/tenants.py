"""Tenants as rows; knows no tokens."""

import sqlalchemy as sa
from crossdock.v1 import access_service_pb2 as contract
from crossdock.v1.access_pb2 import Tenant
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids, times
from services.db.tables import tenants
from services.db.violations import unique
from services.errors import invalid, not_found
from services.hub import Hub
from services.paging import read_page


async def create(
    connection: AsyncConnection, hub: Hub, request: contract.CreateTenantRequest
) -> contract.CreateTenantResponse:
    """Stores a new tenant."""
    if not request.tenant.external_id:
        raise invalid("tenant.external_id", "is required", "required")
    tenant_id, now = typeid.new_uuid7(), hub.now()
    tenant = Tenant(
        id=ids.write("tenant", tenant_id),
        external_id=request.tenant.external_id,
        display_name=request.tenant.display_name,
        create_time=times.to_timestamp(now),
    )
    with unique("tenants_external_id_key", "tenant", "external_id", tenant.external_id):
        await connection.execute(
            sa.insert(tenants).values(
                tenant_id=tenant_id,
                external_id=tenant.external_id,
                document=tenant.SerializeToString(),
                create_time=now,
            )
        )
    return contract.CreateTenantResponse(tenant=tenant)


async def find(connection: AsyncConnection, identifier: str) -> Tenant:
    """The tenant with this id. Raises NOT_FOUND."""
    query = sa.select(tenants.c.document).where(tenants.c.tenant_id == ids.read("tenant", identifier))
    document = (await connection.execute(query)).scalar_one_or_none()
    if document is None:
        raise not_found("tenant", identifier)
    return Tenant.FromString(document)


async def read_list(connection: AsyncConnection, request: contract.ListTenantsRequest) -> contract.ListTenantsResponse:
    """One page of all tenants."""
    query = sa.select(tenants.c.tenant_id, tenants.c.document)
    page = await read_page(connection, query, [tenants.c.tenant_id], request)
    return contract.ListTenantsResponse(
        tenants=[Tenant.FromString(row.document) for row in page.rows],
        next_page_token=page.next_token,
        previous_page_token=page.previous_token,
    )
