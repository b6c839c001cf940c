"""Evermile's webhooks as documented, member by member and in their order; knows no word of ours.

Three messages share one structure, and no member says which one it is: an order that was booked or changed, the
live tracking of an order, and one that has nothing but `orderId` and `timestamp`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from crossdock.v1.report_pb2 import Issue
from pydantic import Field

from gateway.dialects.evermile.forms import (
    EvermileObject,
    Flag,
    Name,
    Phone,
    Prose,
    ShortWord,
    Text,
    Time,
    Url,
    Whole,
    Word,
)
from gateway.dialects.evermile.spellings import respell
from gateway.dialects.evermile.wire_goods import Cost, Parcel, Price
from gateway.dialects.evermile.wire_places import (
    GeoLocation,
    HandoffInfo,
    Person,
    Place,
    SenderContactDetails,
    TimeSlot,
)
from gateway.dialects.inbound import MalformedMessage
from gateway.dialects.tolerance import read_members, unknown_members


class Happiness(EvermileObject):
    """Whether somebody was content. Its members are not camelCase."""

    kept_whole: ClassVar[bool] = True

    created_at: Time | None = Field(default=None, alias="created_at")
    created_by: Text | None = Field(default=None, alias="created_by")
    is_happy: Flag | None = Field(default=None, alias="is_happy")
    notes: Prose | None = None
    update_source: Word | None = Field(default=None, alias="update_source")


class TrackingInfo(EvermileObject):
    """Live tracking info for an order."""

    courier_location: GeoLocation | None = None
    courier_name: Name | None = None
    courier_phone: Phone | None = None
    dropoff_eta: Time | None = None
    dropoff_window_end: Time | None = None
    dropoff_window_start: Time | None = None
    dropoff_window_type: Word | None = Field(default=None, description="See `words.WINDOW_KINDS`.")
    is_courier_assigned: Flag | None = None
    is_on_way_to_pickup: Flag | None = None
    pickup_eta: Time | None = None
    pickup_window_end: Time | None = None
    pickup_window_start: Time | None = None
    vehicle_type: Word | None = None


class OrderTrackingInfo(EvermileObject):
    """Live tracking info within an order: three members more, the rest in the same order."""

    carrier_delivery_url: Url | None = None
    carrier_tracking_url: Url | None = None
    label_url: Url | None = None
    courier_location: GeoLocation | None = None
    courier_name: Name | None = None
    courier_phone: Phone | None = None
    dropoff_eta: Time | None = None
    dropoff_window_end: Time | None = None
    dropoff_window_start: Time | None = None
    dropoff_window_type: Word | None = Field(default=None, description="See `words.WINDOW_KINDS`.")
    is_courier_assigned: Flag | None = None
    is_on_way_to_pickup: Flag | None = None
    pickup_eta: Time | None = None
    pickup_window_end: Time | None = None
    pickup_window_start: Time | None = None
    vehicle_type: Word | None = None


class ProofOfDelivery(EvermileObject):
    """Evidence of one kind."""

    type: Word | None = Field(default=None, description="See `words.PROOF_KINDS`.")
    urls: list[Url | None] | None = None


class RouteInfo(EvermileObject):
    """The route that orders share."""

    external_id: Text | None = None
    id: Text | None = None
    num_orders: Whole | None = None


class Weekday(EvermileObject):
    """A day of the week."""

    day: Word | None = None


class ScheduleDetails(EvermileObject):
    """How a schedule repeats. Its dates are no more than text in the documentation."""

    kept_whole: ClassVar[bool] = True

    end_condition: Word | None = None
    end_date: Word | None = None
    frequency: Word | None = None
    occurrences_limit: Whole | None = None
    scheduled_date: Word | None = None
    weekdays: list[Weekday | None] | None = None


class ScheduleInfo(EvermileObject):
    """The schedule that an order is an occurrence of."""

    confirmed: Flag | None = None
    schedule_details: ScheduleDetails | None = None
    schedule_id: Text | None = None
    scheduled_date: Word | None = None


class Status(EvermileObject):
    """How far an order is, and who said so."""

    life_cycle_status: Text | None = Field(default=None, description="preCollection, tracking or final.")
    manually_updated: Flag | None = None
    order_status: Text | None = Field(default=None, description="See `statuses.STATUSES`.")
    reporter: Text | None = None
    reporting_time: Time | None = Field(default=None, alias="reporting_time")


class Order(EvermileObject):
    """The details of a booked order."""

    actual_dropoff: Time | None = None
    actual_pickup: Time | None = None
    actual_vehicle_type: Word | None = None
    additional_properties: dict[str, Any] | None = None
    communicated_dropoff: TimeSlot | None = None
    communicated_pickup: TimeSlot | None = None
    cost_breakdown: list[Cost | None] | None = None
    courier_location: GeoLocation | None = None
    customer: Person | None = None
    customer_tracking_url: Url | None = None
    delivery_company: Text | None = None
    delivery_method: Word | None = None
    destination: Place | None = None
    dropoff_eta: Time | None = None
    estimated_pickup_within_store_hours: Flag | None = None
    expected_vehicle_type: Word | None = None
    external_order_id: Text | None = None
    extra_external_ids: list[Text | None] | None = None
    handling: list[Word | None] | None = None
    handoff_info: HandoffInfo | None = None
    handoff_type: ShortWord | None = None
    happiness: Happiness | None = None
    id: Text | None = None
    instructions: Prose | None = None
    is_gift: Flag | None = None
    is_return: Flag | None = None
    label_print_time: Time | None = None
    label_required: Flag | None = None
    label_url: Url | None = None
    liability_coverage_cents: Whole | None = None
    merchant_name: Name | None = None
    notes: list[Prose | None] | None = None
    order_tracking_info: OrderTrackingInfo | None = None
    origin: Place | None = None
    parcels: list[Parcel | None] | None = None
    pickup_contact_info: Person | None = None
    pickup_eta: Time | None = None
    proof_of_delivery: list[ProofOfDelivery | None] | None = None
    proof_of_delivery_requirement: list[Word | None] | None = None
    proposal_types: list[Word | None] | None = None
    recipient_message: Prose | None = None
    requested_sla: Word | None = None
    route_info: RouteInfo | None = None
    route_order_index: Whole | None = None
    schedule_info: ScheduleInfo | None = None
    sender_contact_details: SenderContactDetails | None = None
    sender_tracking_url: Url | None = None
    simulated_order: Flag | None = None
    status: Status | None = None
    store_id: Text | None = None
    store_name: Name | None = None
    total_value: Price | None = None
    tracking_url: Url | None = None
    used_credits: Flag | None = None
    username: Text | None = None
    value: Price | None = None


class EvermileMessage(EvermileObject):
    """The body of every call."""

    order: Order | None = None
    order_id: Text | None = Field(default=None, description="The ID of the order.")
    timestamp: Time | None = Field(default=None, description="The time this callback was sent in ISO8601 format.")
    tracking_info: TrackingInfo | None = None
    update_kind: Text | None = Field(default=None, description='The details which were updated, such as "DropoffEta".')

    @property
    def names(self) -> list[str]:
        """What it calls its order, the most trusted first, each once: Evermile's own identifier and the sender's."""
        order = self.order or Order()
        own = order.id or self.order_id
        return list(filter(None, dict.fromkeys((own, order.external_order_id, *(order.extra_external_ids or ())))))

    @property
    def tells_nothing(self) -> bool:
        """True for a message that has nothing but the order's identifier and the time."""
        return self.model_fields_set <= {"order_id", "timestamp"}


class Parsed(NamedTuple):
    """A document taken apart."""

    message: EvermileMessage
    issues: list[Issue]
    """One for each member that is not as documented."""
    document: Mapping[str, Any]
    """The document in the documented spelling."""
    unknown: dict[str, Any]
    """Members that are not documented, in their places."""


def parse(document: Any) -> Parsed:
    """Takes a document apart. Raises `MalformedMessage` for what is not an object, or names no order at all."""
    if not isinstance(document, dict):
        raise MalformedMessage("the document is not an object")
    message, issues = read_members(EvermileMessage, document)
    unknown = unknown_members(message)
    if unknown:
        document, respelled = respell(EvermileMessage, document)
        if respelled:
            message, issues = read_members(EvermileMessage, document)
            unknown = unknown_members(message)
            issues += respelled
    if not message.names:
        raise MalformedMessage("neither order.id, order.externalOrderId nor orderId names an order")
    return Parsed(message, issues, document, unknown)
