"""Counts, times and logs every call; sees requests from outside only, never what is in them."""

import asyncio
import time
from typing import Any

import grpc
import structlog
from prometheus_client import Counter, Gauge, Histogram

from runtime.metrics import RPC_SECONDS_BUCKETS
from services.errors import Problem
from services.faults import problem_of
from services.interceptors.calls import Context, Layer, Method, Proceed, seconds_left

log = structlog.get_logger()

_CALLS = Counter("crossdock_rpc_calls", "Calls that ended, by method and gRPC code", ["method", "code"])
_SECONDS = Histogram(
    "crossdock_rpc_seconds",
    "Time to answer a call, by method; for streams, how long they were open",
    ["method"],
    buckets=RPC_SECONDS_BUCKETS,
)
_UNDER_WAY = Gauge("crossdock_rpc_under_way", "Calls under way, by method", ["method"])


def observing(*, log_calls: bool) -> Layer:
    """The layer. Without ``log_calls`` only calls that fail on our side are logged; all are counted."""

    def layer(method: Method, proceed: Proceed) -> Proceed:
        name = method.name
        seconds, under_way = _SECONDS.labels(name), _UNDER_WAY.labels(name)
        calls = {code: _CALLS.labels(name, code.name) for code in grpc.StatusCode}

        def ended(code: grpc.StatusCode, began: float, **facts: Any) -> None:
            took = time.perf_counter() - began
            seconds.observe(took)
            calls[code].inc()
            ours = code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE)
            if log_calls or ours:
                write = log.error if ours else log.info
                write("call", method=name, code=code.name, milliseconds=round(took * 1000, 2), **facts)

        async def observe(request: bytes, context: Context) -> Any:
            began = time.perf_counter()
            under_way.inc()
            try:
                response = await proceed(request, context)
            except (asyncio.CancelledError, grpc.aio.AbortError):
                ended(_code_of_cancelled(context), began)
                raise
            except Exception as error:  # noqa: BLE001  told as a problem, logged with its traceback
                problem = error if isinstance(error, Problem) else problem_of(error, name, _request_id())
                # Only what nobody foresaw comes with its traceback.
                ended(problem.code, began, reason=problem.reason, exc_info=None if problem is error else error)
                raise problem from None
            finally:
                under_way.dec()
            ended(grpc.StatusCode.OK, began)
            return response

        return observe

    return layer


def _code_of_cancelled(context: Context) -> grpc.StatusCode:
    """Who called is gone: its own deadline passed, or it cancelled."""
    left = seconds_left(context)
    late = left is not None and left <= 0
    return grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED


def _request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
