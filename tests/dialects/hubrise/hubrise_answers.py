"""How HubRise's answers are looked at."""

import httpx


def only(answer: httpx.Response) -> dict[str, str]:
    """The one field error of a 422 in the documented form."""
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert list(body) == ["message", "errors", "error_type"]
    assert (body["message"], body["error_type"]) == ("Validation failed", "unprocessable_entity")
    [error] = body["errors"]
    assert list(error) == ["field", "message"]
    return dict(error)


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and type of a refusal."""
    return answer.status_code, answer.json()["error_type"]
