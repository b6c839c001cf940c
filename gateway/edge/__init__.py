"""What every HTTP request passes before a route sees it: identity, limits, headers, last resort, log."""

from gateway.edge.bodies import BodyLimits
from gateway.edge.envelopes import Envelope, Envelopes
from gateway.edge.measures import HttpMeasures
from gateway.edge.middleware import Edge
from gateway.edge.templates import RouteTemplates

__all__ = ["BodyLimits", "Edge", "Envelope", "Envelopes", "HttpMeasures", "RouteTemplates"]
