"""Every dialect that the gateway knows, one line each; knows none of their words."""

from collections.abc import Mapping

from gateway import signers
from gateway.dialects.cloudevents import openapi as cloudevents_openapi
from gateway.dialects.cloudevents.write import MEDIA_TYPE as CLOUDEVENTS
from gateway.dialects.cloudevents.write import write as write_cloudevent
from gateway.dialects.deliverysolutions import errors as deliverysolutions_errors
from gateway.dialects.deliverysolutions import openapi as deliverysolutions_openapi
from gateway.dialects.deliverysolutions import routes as deliverysolutions_routes
from gateway.dialects.deliverysolutions.write_events import message as write_deliverysolutions
from gateway.dialects.evermile import openapi as evermile_openapi
from gateway.dialects.evermile.read import read as read_evermile
from gateway.dialects.evermile.write import write as write_evermile
from gateway.dialects.hubrise import conventions as hubrise_conventions
from gateway.dialects.hubrise import openapi as hubrise_openapi
from gateway.dialects.hubrise import routes as hubrise_routes
from gateway.dialects.hubrise.write_callbacks import write_event as write_hubrise
from gateway.dialects.inbound import InboundDialect
from gateway.dialects.ordatic import openapi as ordatic_openapi
from gateway.dialects.ordatic.read import read as read_ordatic
from gateway.dialects.ordatic.write import write as write_ordatic
from gateway.dialects.outbound import OutboundDialect
from gateway.dialects.rest import RestDialect
from gateway.dialects.skipcart import openapi as skipcart_openapi
from gateway.dialects.skipcart.read import read as read_skipcart
from gateway.dialects.skipcart.write import write as write_skipcart
from gateway.openapi.fragments import schema_ref

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
    InboundDialect("ordatic", "ordatic/1", read_ordatic, described=ordatic_openapi.DESCRIBED, carries_images=True),
)

INBOUND: Mapping[str, InboundDialect] = {dialect.name: dialect for dialect in _INBOUND}
"""The dialects of webhooks that come in, by name."""

_OUTBOUND = (
    OutboundDialect(
        "cloudevents", write_cloudevent, signers.standard_webhooks, CLOUDEVENTS, cloudevents_openapi.SCHEMA
    ),
    # Skipcart documents no signature. Ours does not disturb a client of theirs.
    OutboundDialect("skipcart", write_skipcart, signers.standard_webhooks, schema=schema_ref("skipcart.SkipcartEvent")),
    OutboundDialect("evermile", write_evermile, signers.svix, schema=schema_ref("evermile.EvermileMessage")),
    OutboundDialect("hubrise", write_hubrise, signers.hubrise, schema=hubrise_openapi.CALLBACK),
    OutboundDialect(
        "deliverysolutions",
        write_deliverysolutions,
        signers.deliverysolutions,
        schema=schema_ref("DeliverySolutions.Shipment"),
    ),
    OutboundDialect(
        "ordatic",
        write_ordatic,
        signers.authorization,
        schema=schema_ref("ordatic.OrdaticEvent"),
        carries_pictures=True,
    ),
)

OUTBOUND: Mapping[str, OutboundDialect] = {dialect.name: dialect for dialect in _OUTBOUND}
"""The dialects in which subscribers are told what happened, by name."""

REST = (
    RestDialect("hubrise", "/hubrise", hubrise_conventions.envelope, hubrise_routes.mount, hubrise_openapi.fragment),
    RestDialect(
        "deliverysolutions",
        "/deliverysolutions",
        deliverysolutions_errors.envelope,
        deliverysolutions_routes.mount,
        deliverysolutions_openapi.fragment,
    ),
)
"""The dialects in which others call us."""
