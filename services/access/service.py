"""AccessService: tenants, for operators, and the tokens of a tenant."""

from typing import Any

from crossdock.v1 import access_service_pb2 as contract
from crossdock.v1.access_pb2 import AccessLevel
from crossdock.v1.access_service_pb2_grpc import AccessServiceServicer
from grpc.aio import ServicerContext

from services import callers, ids
from services.access import bearers, tenants
from services.access.grants import require_grantable
from services.errors import not_found
from services.hub import Hub
from services.idempotency import once
from services.locations import rows as locations

_CREATE_TENANT = "/crossdock.v1.AccessService/CreateTenant"
Context = ServicerContext[Any, Any]


class AccessServicer(AccessServiceServicer):
    """Serves tenants and tokens from the database."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def CreateTenant(
        self, request: contract.CreateTenantRequest, context: Context
    ) -> contract.CreateTenantResponse:
        async with self._hub.transaction() as connection:
            return await once(
                connection,
                callers.current(),
                _CREATE_TENANT,
                request,
                lambda: tenants.create(connection, self._hub, request),
            )

    async def GetTenant(self, request: contract.GetTenantRequest, context: Context) -> contract.GetTenantResponse:
        caller = callers.current()
        tenant_id = ids.read("tenant", request.tenant_id)
        if caller.level != AccessLevel.ACCESS_LEVEL_SYSTEM and tenant_id != caller.tenant:
            raise not_found("tenant", request.tenant_id)
        async with self._hub.transaction() as connection:
            tenant = await tenants.find(connection, request.tenant_id)
        return contract.GetTenantResponse(tenant=tenant)

    async def ListTenants(self, request: contract.ListTenantsRequest, context: Context) -> contract.ListTenantsResponse:
        async with self._hub.transaction() as connection:
            return await tenants.read_list(connection, request)

    async def CreateToken(self, request: contract.CreateTokenRequest, context: Context) -> contract.CreateTokenResponse:
        caller, now = callers.current(), self._hub.now()
        # What has no limit of its own takes its maker's, or a slow token could make itself a fast one.
        request.token.calls_per_minute = request.token.calls_per_minute or caller.calls_per_minute
        require_grantable(request.token, caller, now)
        async with self._hub.transaction() as connection:
            location_id = None
            if request.token.location_id:
                location_id = await locations.require(connection, caller, request.token.location_id)
            return await bearers.create(connection, caller.tenant, request.token, location_id, now)

    async def ListTokens(self, request: contract.ListTokensRequest, context: Context) -> contract.ListTokensResponse:
        async with self._hub.transaction() as connection:
            return await bearers.read_list(connection, callers.current(), request, self._hub.now())

    async def RevokeToken(self, request: contract.RevokeTokenRequest, context: Context) -> contract.RevokeTokenResponse:
        async with self._hub.transaction() as connection:
            token = await bearers.revoke(connection, callers.current().tenant, request.token_id, self._hub.now())
        return contract.RevokeTokenResponse(token=token)

    async def GetCaller(self, request: contract.GetCallerRequest, context: Context) -> contract.GetCallerResponse:
        caller = callers.current()
        response = contract.GetCallerResponse(level=caller.level)
        async with self._hub.transaction() as connection:
            if caller.tenant_id is not None:
                tenant = await tenants.find(connection, ids.write("tenant", caller.tenant_id))
                response.tenant.CopyFrom(tenant)
                if caller.token_id is not None:
                    token_id = ids.write("token", caller.token_id)
                    response.token.CopyFrom(await bearers.find(connection, caller.tenant_id, token_id))
        return response
