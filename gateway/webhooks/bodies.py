"""How large the body of each request may be: webhooks that carry images have a limit of their own; reads no body.

A body and what was read from it go to the services in one message of at most 17 MiB. An image in base64 is three
quarters of its text, so a body of 8 MiB needs 14.
"""

from collections.abc import Callable, Mapping

from starlette.types import Scope

from gateway.config import Settings
from gateway.dialects.inbound import InboundDialect
from gateway.edge import BodyLimits


def body_limits(settings: Settings, dialects: Mapping[str, InboundDialect]) -> Callable[[Scope], BodyLimits]:
    """The limits by the path of a request."""
    usual = BodyLimits(max_bytes=settings.max_body_bytes, seconds=settings.body_seconds)
    most = max(settings.max_body_bytes, settings.max_image_body_bytes)
    wide = BodyLimits(max_bytes=most, seconds=settings.body_seconds)
    paths = tuple(f"/webhooks/{dialect.name}/" for dialect in dialects.values() if dialect.carries_images)
    return lambda scope: wide if scope["path"].startswith(paths) else usual
