"""WebhookService: sources of webhooks and the messages that came through them."""

from typing import Any

from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.webhook_service_pb2_grpc import WebhookServiceServicer
from grpc.aio import ServicerContext

from services import callers
from services.db import races
from services.hub import Hub
from services.idempotency import once
from services.webhooks import messages, sources
from services.webhooks.ingest import ingest

_CREATE_SOURCE = "/crossdock.v1.WebhookService/CreateWebhookSource"
Context = ServicerContext[Any, Any]


class WebhookServicer(WebhookServiceServicer):
    """Serves sources and messages from the database."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def CreateWebhookSource(
        self, request: contract.CreateWebhookSourceRequest, context: Context
    ) -> contract.CreateWebhookSourceResponse:
        caller = callers.current()
        async with self._hub.transaction() as connection:
            return await once(
                connection,
                caller,
                _CREATE_SOURCE,
                request,
                lambda: sources.create(connection, self._hub, caller, request),
                scrub=sources.forget_values,
            )

    async def GetWebhookSource(
        self, request: contract.GetWebhookSourceRequest, context: Context
    ) -> contract.GetWebhookSourceResponse:
        async with self._hub.transaction() as connection:
            return await sources.get(connection, self._hub, callers.current(), request.source_id)

    async def ListWebhookSources(
        self, request: contract.ListWebhookSourcesRequest, context: Context
    ) -> contract.ListWebhookSourcesResponse:
        async with self._hub.transaction() as connection:
            return await sources.read_list(connection, self._hub, callers.current(), request)

    async def UpdateWebhookSource(
        self, request: contract.UpdateWebhookSourceRequest, context: Context
    ) -> contract.UpdateWebhookSourceResponse:
        async with self._hub.transaction() as connection:
            return await sources.update(connection, self._hub, callers.current(), request)

    async def RotateWebhookSourceSecret(
        self, request: contract.RotateWebhookSourceSecretRequest, context: Context
    ) -> contract.RotateWebhookSourceSecretResponse:
        async with self._hub.transaction() as connection:
            return await sources.rotate(connection, self._hub, callers.current(), request)

    async def ResolveWebhookSource(
        self, request: contract.ResolveWebhookSourceRequest, context: Context
    ) -> contract.ResolveWebhookSourceResponse:
        async with self._hub.transaction() as connection:
            return await sources.resolve(connection, self._hub, request.source_id)

    async def IngestWebhook(
        self, request: contract.IngestWebhookRequest, context: Context
    ) -> contract.IngestWebhookResponse:
        return (await ingest(self._hub, [request]))[0]

    async def BatchIngestWebhooks(
        self, request: contract.BatchIngestWebhooksRequest, context: Context
    ) -> contract.BatchIngestWebhooksResponse:
        return contract.BatchIngestWebhooksResponse(results=await ingest(self._hub, request.webhooks))

    async def ListWebhooks(
        self, request: contract.ListWebhooksRequest, context: Context
    ) -> contract.ListWebhooksResponse:
        async with self._hub.transaction() as connection:
            return await messages.read_list(connection, callers.current(), request)

    async def GetWebhook(self, request: contract.GetWebhookRequest, context: Context) -> contract.GetWebhookResponse:
        async with self._hub.transaction() as connection:
            webhook = await messages.get(connection, callers.current(), request.webhook_id)
        return contract.GetWebhookResponse(webhook=webhook)

    async def ReplayWebhook(
        self, request: contract.ReplayWebhookRequest, context: Context
    ) -> contract.ReplayWebhookResponse:
        caller = callers.current()

        async def replay() -> contract.ReplayWebhookResponse:
            async with self._hub.transaction(commit=not request.validate_only) as connection:
                return await messages.replay(connection, self._hub, caller, request)

        response = await races.run(replay)
        self._hub.events_appended()
        return response
