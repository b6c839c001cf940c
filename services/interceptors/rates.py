"""Holds each token to its rate, so that one busy caller leaves room for the others; knows no method.

A token may call as often as its limit says, and, after a pause, at once what it may in ten seconds. Each process
counts for itself. The deployment's own key has no limit.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from uuid import UUID

from prometheus_client import Counter

from services import callers
from services.errors import Problem
from services.interceptors.calls import Context, Layer, Method, Proceed

BURST_SECONDS = 10.0
MAX_REMEMBERED = 10_000

_REFUSED = Counter("crossdock_rpc_rate_limited", "Calls that were refused because their token used up its rate")


class Rates:
    """When each token's calls so far are paid for, at one call per interval. One per process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, max_remembered: int = MAX_REMEMBERED) -> None:
        self._clock = clock
        self._max_remembered = max_remembered
        self._paid_at: OrderedDict[UUID, float] = OrderedDict()

    def take(self, token_id: UUID, calls_per_minute: int) -> float:
        """Counts a call. Returns 0.0, or the seconds after which the next one fits; then it is not counted."""
        interval, now = 60.0 / calls_per_minute, self._clock()
        paid_at = max(self._paid_at.get(token_id, 0.0), now)
        early = paid_at + interval - now - max(BURST_SECONDS, interval)
        if early > 0:
            return early
        self._paid_at[token_id] = paid_at + interval
        self._paid_at.move_to_end(token_id)
        if len(self._paid_at) > self._max_remembered:
            self._paid_at.popitem(last=False)
        return 0.0


def rates(kept: Rates, default_calls_per_minute: int) -> Layer:
    """The layer, within the one that recognises callers. A default of 0 limits only tokens with their own limit."""

    def layer(_: Method, proceed: Proceed) -> Proceed:
        async def admit(request: bytes, context: Context) -> Any:
            caller = callers.current()
            limit = caller.calls_per_minute or default_calls_per_minute
            if limit and caller.token_id is not None and (seconds := kept.take(caller.token_id, limit)):
                _REFUSED.inc()
                raise Problem(
                    "TOO_MANY_REQUESTS",
                    f"the token may call {limit} times a minute",
                    {"limit": f"{limit}/min"},
                    retry_after=seconds,
                )
            return await proceed(request, context)

        return admit

    return layer
