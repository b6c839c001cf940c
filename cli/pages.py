"""Reads lists page by page up to a limit; knows no list."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Protocol, TypeVar

import typer

LARGEST_PAGE = 1000

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most, the youngest first.")]


class _Page(Protocol):
    @property
    def next_page_token(self) -> str: ...


Page = TypeVar("Page", bound=_Page)


async def read_all(
    limit: int, read: Callable[[int, str], Awaitable[Page]], items: Callable[[Page], Sequence[Any]]
) -> list[Any]:
    """Up to `limit` items; `read` is given a page's size and token, `items` takes the items out of a page."""
    found: list[Any] = []
    token = ""
    while len(found) < limit:
        page = await read(min(limit - len(found), LARGEST_PAGE), token)
        found += items(page)
        token = page.next_page_token
        if not token:
            break
    return found[:limit]
