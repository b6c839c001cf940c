"""The answers of the gateway's own routes when they cannot serve: the error envelope, and what it is worth to say."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.edge import error_body

RETRY_AFTER_SECONDS = 1


def problem(request: Request, code: HTTPStatus, message: str) -> Response:
    """An answer in the error envelope. 503 tells when to come again."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if code is HTTPStatus.SERVICE_UNAVAILABLE else None
    body = error_body(code, message, request.state.request_id)
    return Response(body, code, headers, "application/json")


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Starlette's refusals (no such route, another method) in the error envelope, with their headers."""
    assert isinstance(error, HTTPException)
    answer = problem(request, HTTPStatus(error.status_code), error.detail)
    answer.headers.update(error.headers or {})
    return answer
