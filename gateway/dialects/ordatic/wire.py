"""Ordatic's webhooks as documented, member by member and in their order; knows no word of ours.

All events have one structure; the two that tell more than what happened to which order have a member of their own
in `data`. Lengths are ours: nothing longer can be kept in a member of its own.
"""

from typing import Annotated, Any

from crossdock.v1.report_pb2 import Issue
from pydantic import ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel

from gateway.dialects.inbound import MalformedMessage
from gateway.dialects.tolerance import NumberText, Wire, read_members

Text = Annotated[str, StringConstraints(max_length=255, strip_whitespace=True)]
Label = Annotated[str, StringConstraints(max_length=100)]
Prose = Annotated[str, StringConstraints(max_length=1000)]
Number = Annotated[
    NumberText,
    StringConstraints(max_length=100),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "maxLength": 100}]}),
]
"""Documented as a number; also taken as text."""


class OrdaticObject(Wire):
    """A JSON object of Ordatic's, with members in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Item(OrdaticObject):
    """An article that a refund is about."""

    name: Prose | None = Field(default=None, description="Refund Item name.")
    qty: Number | None = Field(default=None, description="Quantity of the item.")


class RefundItem(OrdaticObject):
    """One reason of a refund."""

    reason: Prose | None = Field(default=None, description="Refund item reason.")
    rider_amount: Number | None = Field(
        default=None, description="The monetary value of items that Rider will adjust on the invoice in cents."
    )
    partner_amount: Number | None = Field(
        default=None,
        description="The monetary value of items that the partner is liable towards their customers in cents.",
    )
    party_at_fault: Text | None = Field(default=None, description="Party at fault.")
    items: list[Item | None] | None = Field(default=None, description="Array of items Object.")


class RefundFee(OrdaticObject):
    """A fee of a refund."""

    name: Text | None = Field(default=None, description="Refund fee name.")
    amount: Number | None = Field(
        default=None, description="Refund fee amount. Of what type and unit is not told; read as cents like the others."
    )
    code: Label | None = Field(default=None, description="Refund fee Code.")


class Refund(OrdaticObject):
    """The refund Data Object. Its amounts are in cents of a currency that is not told."""

    id: Text | None = Field(default=None, description="The refund identifier.")
    date: Label | None = Field(default=None, description="Refund creation date.")
    total_rider_refund: Number | None = Field(
        default=None,
        description="Total monetary amount that Rider will adjust on the billing details report and invoice in cents.",
    )
    total_partner_refund: Number | None = Field(
        default=None, description="Total monetary amount that the partner is liable to their customers in cents."
    )
    reason: Prose | None = Field(default=None, description="Refund reason.")
    refund_items: list[RefundItem | None] | None = Field(default=None, description="Array of refund items data Object.")
    refund_fees: list[RefundFee | None] | None = Field(default=None, description="Array of refund Fees data Object.")


class Data(OrdaticObject):
    """What the event is about."""

    order_id: Text | None = Field(default=None, description="The orderId in which the status was updated.")
    proof_delivery: str | None = Field(
        default=None,
        description="Only with rider-proof-delivery: the proofDelivery string. UberDirect case: Long Base64 string "
        "that can be converted to a PNG image.",
    )
    refund: Refund | None = Field(default=None, description="Only with rider-refund: the refund Data Object.")


class OrdaticEvent(OrdaticObject):
    """The body of every call."""

    event_type: Text | None = Field(default=None, description="The type of event; see `statuses.EVENTS`.")
    store_id: Text | None = Field(default=None, description="The storeId where the event occurred.")
    data: Data | None = None


def parse(document: Any) -> tuple[OrdaticEvent, list[Issue]]:
    """The event, and an issue for each member that is not as documented.

    Raises `MalformedMessage` for what is not an object, or names no order.
    """
    if not isinstance(document, dict):
        raise MalformedMessage("the document is not an object")
    event, issues = read_members(OrdaticEvent, document)
    if event.data is None or not event.data.order_id:
        raise MalformedMessage("data.orderId names no order")
    return event, issues
