"""Our CloudEvents for readers of the OpenAPI document."""

from typing import Final

from gateway.dialects.cloudevents.write import OTHER_TYPE, SOURCE, TYPES
from gateway.openapi.fragments import Json, schema_ref

SCHEMA: Final[Json] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "description": "The event's identifier, the same over all tries."},
        "source": {"const": SOURCE},
        "type": {
            "type": "string",
            "examples": [*TYPES.values(), OTHER_TYPE],
            "description": "What the event is mainly about. New types may come.",
        },
        "subject": {"type": "string", "description": "What the event is about, as its path under `/v1`."},
        "time": {"type": "string", "format": "date-time", "description": "When it happened."},
        "datacontenttype": {"const": "application/json"},
        "sequence": {
            "type": "string",
            "description": "The event's number, of 20 digits: puts events in order as text.",
        },
        "partitionkey": {"type": "string", "description": "The identifier of what the event is about."},
        "data": {
            "type": "object",
            "required": ["event"],
            "description": "The event, and what it is about as that is now; a thin message has a short event alone.",
            "properties": {
                "event": schema_ref("Event"),
                "delivery": schema_ref("Delivery"),
                "shipment": schema_ref("Shipment"),
            },
        },
    },
}
"""CloudEvents 1.0, structured JSON."""
