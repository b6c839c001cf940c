"""What a REST dialect is: routes and errors of its own under a prefix, and what the OpenAPI document says of them."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import BaseRoute

from gateway.edge import Envelope
from gateway.openapi.fragments import Fragment
from gateway.services_client import ServicesClient


@dataclass(frozen=True, slots=True)
class RestDialect:
    """A format in which others call us."""

    name: str
    prefix: str
    """What all of its addresses begin with."""
    envelope: Envelope
    """The form of errors beneath it that none of its routes made."""
    mount: Callable[[ServicesClient], BaseRoute]
    """Makes its routes, which call these services."""
    fragment: Callable[[], Fragment]
    """Describes them."""
