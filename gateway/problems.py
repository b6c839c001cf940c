"""The answers of the gateway's routes when they cannot serve: in the form of the caller's dialect, if it has one."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.edge import Envelope

RETRY_AFTER_SECONDS = 1


def problem(request: Request, code: HTTPStatus, message: str) -> Response:
    """An answer in the error envelope. 503 tells when to come again."""
    envelope: Envelope = request.state.envelope
    answer = envelope(code, message, request.state.request_id)
    if code is HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Starlette's refusals (no such route, another method) in the error envelope, with their headers."""
    assert isinstance(error, HTTPException)
    answer = problem(request, HTTPStatus(error.status_code), error.detail)
    answer.headers.update(error.headers or {})
    return answer
