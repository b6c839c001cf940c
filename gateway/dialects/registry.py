"""Every dialect that the gateway knows, one line each; knows none of their words."""

from collections.abc import Mapping

from gateway.dialects.evermile import openapi as evermile_openapi
from gateway.dialects.evermile.read import read as read_evermile
from gateway.dialects.hubrise import openapi as hubrise_openapi
from gateway.dialects.hubrise import routes as hubrise_routes
from gateway.dialects.inbound import InboundDialect
from gateway.dialects.rest import RestDialect
from gateway.dialects.skipcart import openapi as skipcart_openapi
from gateway.dialects.skipcart.read import read as read_skipcart
from gateway.dialects.unmapped import keep_unread

_INBOUND = (
    InboundDialect(
        "skipcart",
        "skipcart/1",
        read_skipcart,
        b'{"statusCode":200}',
        "application/json",
        skipcart_openapi.DESCRIBED,
    ),
    InboundDialect("evermile", "evermile/1", read_evermile, described=evermile_openapi.DESCRIBED),
    # Verified and stored, not understood yet: see `gateway.dialects.unmapped`.
    InboundDialect("ordatic", "ordatic/0", keep_unread),
)

INBOUND: Mapping[str, InboundDialect] = {dialect.name: dialect for dialect in _INBOUND}
"""The dialects of webhooks that come in, by name."""

REST = (RestDialect("hubrise", hubrise_routes.mount, hubrise_openapi.fragment),)
"""The dialects in which others call us."""
