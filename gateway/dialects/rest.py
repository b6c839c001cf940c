"""What a REST dialect is: routes of its own under a prefix, and what the OpenAPI document says of them."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import BaseRoute

from gateway.openapi.fragments import Fragment
from gateway.services_client import ServicesClient


@dataclass(frozen=True, slots=True)
class RestDialect:
    """A format in which others call us."""

    name: str
    mount: Callable[[ServicesClient], BaseRoute]
    """Makes its routes, which call these services."""
    fragment: Callable[[], Fragment]
    """Describes them."""
