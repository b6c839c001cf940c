"""SubscriptionService: who is told what happened, what was sent, and the sender's own pair of calls."""

from typing import Any

from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_service_pb2_grpc import SubscriptionServiceServicer
from grpc.aio import ServicerContext

from services import callers, times
from services.hub import Hub
from services.idempotency import once
from services.subscriptions import attempts, leasing, management, pulling, repeating, reporting, rows

_SERVICE = "/crossdock.v1.SubscriptionService/"
Context = ServicerContext[Any, Any]


class SubscriptionServicer(SubscriptionServiceServicer):
    """Serves subscriptions of the caller's tenant, and all of them to the deployment's own senders."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def CreateSubscription(
        self, request: contract.CreateSubscriptionRequest, context: Context
    ) -> contract.CreateSubscriptionResponse:
        caller = callers.current()
        async with self._hub.transaction(commit=not request.validate_only) as connection:
            response = await once(
                connection,
                caller,
                _SERVICE + "CreateSubscription",
                request,
                lambda: management.create(connection, self._hub, caller, request),
                scrub=management.forget_values,
            )
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
        caller = callers.current()
        async with self._hub.transaction(commit=not request.validate_only) as connection:
            response = await once(
                connection,
                caller,
                _SERVICE + "UpdateSubscription",
                request,
                lambda: management.update(connection, self._hub, caller, request),
            )
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
        caller = callers.current()
        async with self._hub.transaction() as connection:
            response = await once(
                connection,
                caller,
                _SERVICE + "RedeliverEvent",
                request,
                lambda: repeating.redeliver(connection, self._hub, caller, request),
            )
        self._hub.board.nudge()
        return response

    async def ReplaySubscription(
        self, request: contract.ReplaySubscriptionRequest, context: Context
    ) -> contract.ReplaySubscriptionResponse:
        caller = callers.current()
        async with self._hub.transaction(commit=not request.validate_only) as connection:
            response = await once(
                connection,
                caller,
                _SERVICE + "ReplaySubscription",
                request,
                lambda: repeating.replay(connection, self._hub, caller, request),
            )
        self._hub.board.nudge()
        return response

    async def RedriveFailures(
        self, request: contract.RedriveFailuresRequest, context: Context
    ) -> contract.RedriveFailuresResponse:
        caller = callers.current()
        async with self._hub.transaction(commit=not request.validate_only) as connection:
            response = await once(
                connection,
                caller,
                _SERVICE + "RedriveFailures",
                request,
                lambda: repeating.redrive(connection, self._hub, caller, request),
            )
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
