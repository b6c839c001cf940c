"""SubscriptionService: who is told what happened, what was sent, and the sender's own pair of calls."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_service_pb2_grpc import SubscriptionServiceServicer
from google.protobuf.message import Message
from grpc.aio import ServicerContext
from sqlalchemy.ext.asyncio import AsyncConnection

from services import callers, times
from services.callers import Caller
from services.hub import Hub
from services.idempotency import once
from services.subscriptions import attempts, leasing, management, pulling, repeating, reporting, rows

_SERVICE = "/crossdock.v1.SubscriptionService/"
Context = ServicerContext[Any, Any]
Response = TypeVar("Response", bound=Message)


class SubscriptionServicer(SubscriptionServiceServicer):
    """Serves subscriptions of the caller's tenant, and all of them to the deployment's own senders."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def CreateSubscription(
        self, request: contract.CreateSubscriptionRequest, context: Context
    ) -> contract.CreateSubscriptionResponse:
        response = await self._once("CreateSubscription", request, management.create, management.forget_values)
        self._hub.board.reload()
        return response

    async def GetSubscription(
        self, request: contract.GetSubscriptionRequest, context: Context
    ) -> contract.GetSubscriptionResponse:
        async with self._hub.transaction() as connection:
            found = await management.get(connection, self._hub, callers.current(), request.subscription_id)
        return contract.GetSubscriptionResponse(subscription=found)

    async def ListSubscriptions(
        self, request: contract.ListSubscriptionsRequest, context: Context
    ) -> contract.ListSubscriptionsResponse:
        async with self._hub.transaction() as connection:
            return await management.read_list(connection, self._hub, callers.current(), request)

    async def UpdateSubscription(
        self, request: contract.UpdateSubscriptionRequest, context: Context
    ) -> contract.UpdateSubscriptionResponse:
        response = await self._once("UpdateSubscription", request, management.update)
        self._hub.board.reload()
        return response

    async def DeleteSubscription(
        self, request: contract.DeleteSubscriptionRequest, context: Context
    ) -> contract.DeleteSubscriptionResponse:
        async with self._hub.transaction() as connection:
            await management.delete(connection, callers.current(), request)
        self._hub.board.reload()
        return contract.DeleteSubscriptionResponse()

    async def PauseSubscription(
        self, request: contract.PauseSubscriptionRequest, context: Context
    ) -> contract.PauseSubscriptionResponse:
        async with self._hub.transaction() as connection:
            paused = await management.pause(connection, self._hub, callers.current(), request)
        self._hub.events_appended()
        self._hub.board.reload()
        return contract.PauseSubscriptionResponse(subscription=paused)

    async def ResumeSubscription(
        self, request: contract.ResumeSubscriptionRequest, context: Context
    ) -> contract.ResumeSubscriptionResponse:
        async with self._hub.transaction() as connection:
            resumed = await management.resume(connection, self._hub, callers.current(), request)
        self._hub.events_appended()
        self._hub.board.reload()
        return contract.ResumeSubscriptionResponse(subscription=resumed)

    async def RotateSubscriptionSecret(
        self, request: contract.RotateSubscriptionSecretRequest, context: Context
    ) -> contract.RotateSubscriptionSecretResponse:
        async with self._hub.transaction() as connection:
            rotated = await management.rotate(connection, self._hub, callers.current(), request)
        return contract.RotateSubscriptionSecretResponse(subscription=rotated)

    async def TestSubscription(
        self, request: contract.TestSubscriptionRequest, context: Context
    ) -> contract.TestSubscriptionResponse:
        attempt = await repeating.test(self._hub, callers.current(), request.subscription_id)
        return contract.TestSubscriptionResponse(attempt=attempt)

    async def GetSubscriptionStats(
        self, request: contract.GetSubscriptionStatsRequest, context: Context
    ) -> contract.GetSubscriptionStatsResponse:
        async with self._hub.transaction() as connection:
            stored = await rows.find(connection, callers.current().tenant, request.subscription_id)
            stats = await attempts.figures(connection, stored.key, self._hub.now())
            untaken, first = await pulling.count_untaken(connection, stored)
            stats.backlog_count = min(stats.backlog_count + untaken, pulling.MAX_BACKLOG)
            if first is not None:
                stats.oldest_backlog_time.CopyFrom(first.event.record_time)
            if (oldest := await attempts.oldest_untried(connection, stored.key)) is not None:
                times.set_timestamp(stats.oldest_backlog_time, oldest)
        return contract.GetSubscriptionStatsResponse(stats=stats)

    async def ListAttempts(
        self, request: contract.ListAttemptsRequest, context: Context
    ) -> contract.ListAttemptsResponse:
        async with self._hub.transaction() as connection:
            stored = await rows.find(connection, callers.current().tenant, request.subscription_id)
            return await attempts.read_list(connection, stored.key, request)

    async def RedeliverEvent(
        self, request: contract.RedeliverEventRequest, context: Context
    ) -> contract.RedeliverEventResponse:
        response = await self._once("RedeliverEvent", request, repeating.redeliver)
        self._hub.board.nudge()
        return response

    async def ReplaySubscription(
        self, request: contract.ReplaySubscriptionRequest, context: Context
    ) -> contract.ReplaySubscriptionResponse:
        response = await self._once("ReplaySubscription", request, repeating.replay)
        self._hub.board.nudge()
        return response

    async def RedriveFailures(
        self, request: contract.RedriveFailuresRequest, context: Context
    ) -> contract.RedriveFailuresResponse:
        response = await self._once("RedriveFailures", request, repeating.redrive)
        self._hub.board.nudge()
        return response

    async def PullEvents(self, request: contract.PullEventsRequest, context: Context) -> contract.PullEventsResponse:
        return await pulling.pull(self._hub, callers.current(), request)

    async def AcknowledgeEvents(
        self, request: contract.AcknowledgeEventsRequest, context: Context
    ) -> contract.AcknowledgeEventsResponse:
        async with self._hub.transaction() as connection:
            stored = await pulling.acknowledge(connection, callers.current(), request)
        return contract.AcknowledgeEventsResponse(subscription=management.shown(stored, self._hub))

    async def LeaseSubscriptions(
        self, request: contract.LeaseSubscriptionsRequest, context: Context
    ) -> contract.LeaseSubscriptionsResponse:
        return await leasing.lease(self._hub, request)

    async def ReportAttempts(
        self, request: contract.ReportAttemptsRequest, context: Context
    ) -> contract.ReportAttemptsResponse:
        return await reporting.report(self._hub, request)

    async def _once(
        self,
        method: str,
        request: Any,
        work: Callable[[AsyncConnection, Hub, Caller, Any], Awaitable[Response]],
        scrub: Callable[[Response], None] | None = None,
    ) -> Response:
        """The work of a repeatable method, in one transaction; a dry run of it leaves nothing."""
        caller = callers.current()
        async with self._hub.transaction(commit=not getattr(request, "validate_only", False)) as connection:
            return await once(
                connection,
                caller,
                _SERVICE + method,
                request,
                lambda: work(connection, self._hub, caller, request),
                scrub=scrub,
            )
