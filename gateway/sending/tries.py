"""One try to tell one subscriber of one event, from its message to the attempt that is reported; knows no order."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import grpc
import structlog
from crossdock.v1.subscription_pb2 import Attempt, OutboundEvent, Subscription

from gateway.dialects.outbound import OutboundDialect
from gateway.egress import Answer, Egress, EgressFailed
from gateway.sending import messages, outcomes
from gateway.sending.hosts import Host, name_of, without_query
from gateway.sending.measures import SendingMeasures
from gateway.sending.messages import NoSuchDialect, Unsigned
from gateway.sending.pictures import Pictures
from gateway.signers import UnusableSecret

DEFAULT_SECONDS = 15.0
EXCERPT_CHARACTERS = 1000

_log = structlog.get_logger("crossdock.sending")


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


class Tries:
    """Makes tries, no more than ``concurrency`` of them at a time."""

    def __init__(
        self,
        egress: Egress,
        dialects: Mapping[str, OutboundDialect],
        pictures: Pictures,
        measures: SendingMeasures,
        *,
        concurrency: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._egress = egress
        self._dialects = dialects
        self._pictures = pictures
        self._measures = measures
        self._slots = asyncio.Semaphore(concurrency)
        self._now = now

    async def make(self, subscription: Subscription, told: OutboundEvent, host: Host) -> Attempt:
        """The try, over. Whatever goes wrong is its outcome; raises nothing but the cancellation of its task."""
        attempt = Attempt(
            subscription_id=subscription.id,
            event_id=told.event.id,
            delivery_id=told.event.delivery_id,
            message_id=told.message_id,
            number=told.attempt_number,
            cause=told.cause,
        )
        message = await self._write(attempt, subscription, told)
        if message is not None:
            async with host.slots, self._slots:
                self._measures.in_flight.inc()
                try:
                    await self._post(attempt, subscription, message, host)
                finally:
                    self._measures.in_flight.dec()
        self._tell(attempt, subscription, told)
        return attempt

    async def _write(self, attempt: Attempt, subscription: Subscription, told: OutboundEvent) -> Unsigned | None:
        try:
            dialect = self._dialects.get(subscription.dialect)
            if dialect is not None and dialect.carries_pictures:
                await self._pictures.bring(subscription.tenant_id, told)
            message = messages.write(told, subscription, self._dialects)
        except grpc.aio.AioRpcError as error:
            _log.warning("a picture could not be brought", event_id=told.event.id, code=error.code().name)
            attempt.outcome, attempt.error = outcomes.UNREACHABLE, "the picture could not be brought"
        except NoSuchDialect as error:
            attempt.outcome, attempt.error = outcomes.UNREACHABLE, str(error)
        except Exception:  # noqa: BLE001  a mistake in a dialect: tried again as the schedule says, until it is mended
            _log.exception("a message could not be written", dialect=subscription.dialect, event_id=told.event.id)
            attempt.outcome, attempt.error = outcomes.UNREACHABLE, "the message could not be written"
        else:
            if message is None:
                attempt.outcome = outcomes.NOT_APPLICABLE
            return message
        attempt.start_time.FromDatetime(self._now())
        return None

    async def _post(self, attempt: Attempt, subscription: Subscription, message: Unsigned, host: Host) -> None:
        began, now = time.monotonic(), self._now()
        attempt.start_time.FromDatetime(now)
        attempt.url, attempt.request_size = without_query(subscription.url), len(message.body)
        seconds = subscription.timeout.ToTimedelta().total_seconds() if subscription.HasField("timeout") else 0
        try:
            answer = await self._egress.post(
                subscription.url,
                messages.headers(message, subscription, now),
                message.body,
                timeout_seconds=seconds or DEFAULT_SECONDS,
                # Whoever gets it twice knows it by its id.
                repeatable=True,
            )
        except UnusableSecret as error:
            attempt.outcome, attempt.error = outcomes.UNREACHABLE, f"the message could not be signed: {error}"
        except EgressFailed as error:
            attempt.outcome, attempt.error = outcomes.of_failure(error), str(error)[:EXCERPT_CHARACTERS]
            host.note(answered=False)
        else:
            host.note(answered=True)
            _read(attempt, answer, self._now())
        attempt.latency.FromNanoseconds(int((time.monotonic() - began) * 1e9))

    def _tell(self, attempt: Attempt, subscription: Subscription, told: OutboundEvent) -> None:
        outcome = outcomes.word(attempt.outcome)
        self._measures.attempts.labels(subscription.dialect or "cloudevents", outcome).inc()
        if attempt.outcome == outcomes.NOT_APPLICABLE:
            return
        self._measures.seconds.observe(attempt.latency.ToNanoseconds() / 1e9)
        if attempt.outcome == outcomes.SUCCEEDED:
            recorded = told.event.record_time.ToNanoseconds()
            self._measures.age_seconds.observe(max(0.0, self._now().timestamp() - recorded / 1e9))
            return
        _log.warning(
            "a try failed",
            subscription_id=subscription.id,
            event_id=told.event.id,
            number=attempt.number,
            outcome=outcome,
            http_status=attempt.http_status,
            host=name_of(subscription.url),
            error=attempt.error,
        )


def _read(attempt: Attempt, answer: Answer, now: datetime) -> None:
    attempt.http_status = answer.status
    attempt.outcome = outcomes.of_status(answer.status)
    attempt.response_excerpt = answer.excerpt[:EXCERPT_CHARACTERS]
    if attempt.outcome in outcomes.SETTLED:
        return
    if 300 <= answer.status < 400:
        attempt.error = f"answered {answer.status}: redirects are not followed"
    else:
        attempt.error = f"answered {answer.status}"
    if (asked := outcomes.read_retry_after(answer.headers.get("retry-after", ""), now)) is not None:
        attempt.retry_after.FromTimedelta(asked)
