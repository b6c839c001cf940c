"""The outermost layer: every failure leaves as one well-formed status, and nothing of our inside with it."""

import asyncio
import re
import secrets
from typing import Any

import grpc
import structlog

from services.errors import Problem
from services.faults import problem_of
from services.interceptors.calls import Context, Method, Proceed, metadata_value
from services.statuses import cut, write_status

log = structlog.get_logger()

_REQUEST_ID = re.compile(r"[\w.:/+=-]{1,100}", re.ASCII)


def errors(method: Method, proceed: Proceed) -> Proceed:
    """Tells the caller a ``Problem`` as it is and anything else as INTERNAL, with the request's id.

    Who was cancelled has nobody left to tell.
    """
    name = method.name

    async def serve(request: bytes, context: Context) -> Any:
        request_id = _request_id(context)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            return await proceed(request, context)
        except (asyncio.CancelledError, grpc.aio.AbortError):
            raise
        except Exception as error:  # noqa: BLE001  the last line of defence: grpc would tell its text to the client
            problem = problem_of(error, name, request_id)
        return await answer_problem(context, problem)

    return serve


async def answer_problem(context: Context, problem: Problem) -> None:
    """Ends the call with the problem's status."""
    details = write_status(problem).SerializeToString()
    await context.abort(problem.code, cut(problem.message), (("grpc-status-details-bin", details),))


def _request_id(context: Context) -> str:
    given = metadata_value(context, "x-request-id")
    return given if given is not None and _REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"
