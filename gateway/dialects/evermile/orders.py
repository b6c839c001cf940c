"""An order of Evermile's put into a patch of a delivery, and what of it has no member; pure, decides no status."""

from collections.abc import Mapping
from typing import Any

from crossdock.v1.delivery_pb2 import DELIVERY_KIND_OUTBOUND, DELIVERY_KIND_RETURN, Delivery
from crossdock.v1.proof_pb2 import PROOF_KIND_OTHER
from crossdock.v1.window_pb2 import WINDOW_KIND_COMMUNICATED
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.dialects.evermile.goods import read_costs, read_parcels, read_price
from gateway.dialects.evermile.members import Members, fill
from gateway.dialects.evermile.stops import add_slot, read_handoff, read_person, read_place, read_sender
from gateway.dialects.evermile.tracking import left_over, read_estimates, read_position, read_tracking
from gateway.dialects.evermile.wire import Order, OrderTrackingInfo, ScheduleInfo
from gateway.dialects.evermile.words import NO_PROOF, PROOF_KINDS, REQUIRED_PROOFS
from gateway.dialects.tolerance import as_kept
from gateway.times import parse_time
from gateway.unreadable import Unreadable

MAX_WORDS = 100
MAX_PROOFS = 100
MAX_REQUIRED_PROOFS = 20
DAY_LENGTH = len("2024-04-09")

_WITHOUT_MEMBER = (
    "actual_dropoff",
    "actual_pickup",
    "additional_properties",
    "estimated_pickup_within_store_hours",
    "happiness",
    "liability_coverage_cents",
    "proposal_types",
    "store_name",
    "used_credits",
    "username",
)
_SAID_TWICE = ("courier_location", "dropoff_eta", "label_url", "pickup_eta")
"""Members of the order that its tracking has too."""


def read_order(members: Members, order: Order, patch: Delivery, time: Timestamp | None) -> dict[str, Any]:
    """Fills the patch. Returns the members that the contract has no place for, as Evermile calls them."""
    _read_stops(members, order, patch)
    _read_consignment(members, order, patch)
    _read_parts(members, order, patch)
    _read_links(members, order, patch)
    _read_proofs(members, order, patch)
    if order.is_return is not None:
        patch.kind = DELIVERY_KIND_RETURN if order.is_return else DELIVERY_KIND_OUTBOUND
    fill(patch, courier_company=order.delivery_company, vehicle_type=order.actual_vehicle_type)
    if order.simulated_order:
        patch.simulated = True
    read_position(members, "/order/courierLocation", order.courier_location, patch, time)
    read_estimates(members, "/order", order.pickup_eta, order.dropoff_eta, patch)
    if order.order_tracking_info:
        read_tracking(members, "/order/orderTrackingInfo", order.order_tracking_info, patch, time)
    return _left_over(members, order, patch)


def _read_stops(members: Members, order: Order, patch: Delivery) -> None:
    pickup, dropoff = patch.consignment.pickup, patch.consignment.dropoff
    read_place(members, "/order/origin", order.origin, pickup)
    read_place(members, "/order/destination", order.destination, dropoff)
    read_person(members, "/order/pickupContactInfo", order.pickup_contact_info, pickup)
    read_person(members, "/order/customer", order.customer, dropoff)
    fill(dropoff, instructions=order.instructions)
    for stop, member, slot in (
        (pickup, "communicatedPickup", order.communicated_pickup),
        (dropoff, "communicatedDropoff", order.communicated_dropoff),
    ):
        add_slot(members, stop, WINDOW_KIND_COMMUNICATED, f"/order/{member}", slot)
    place, stop = (order.destination, dropoff) if order.is_return else (order.origin, pickup)
    if place and place.type == "store":
        fill(stop, external_id=order.store_id)


def _read_consignment(members: Members, order: Order, patch: Delivery) -> None:
    consignment = patch.consignment
    fill(
        consignment,
        requested_service_level=order.requested_sla,
        expected_vehicle_type=order.expected_vehicle_type,
        delivery_method=order.delivery_method,
        gift=order.is_gift,
        recipient_message=order.recipient_message,
        label_required=order.label_required,
        merchant_name=order.merchant_name,
    )
    # An empty list is not added: it would make a part of which nothing is told.
    for name, listed in (("handling", order.handling), ("notes", order.notes)):
        if entries := members.entries(f"/order/{name}", listed, MAX_WORDS):
            getattr(consignment, name).extend(each for _, each in entries)
    members.set_time(consignment, "label_print_time", "/order/labelPrintTime", order.label_print_time)
    if price := order.value or order.total_value:
        read_price(members, "/order/value" if order.value else "/order/totalValue", price, consignment.value)


def _read_parts(members: Members, order: Order, patch: Delivery) -> None:
    consignment = patch.consignment
    read_costs(members, "/order/costBreakdown", order.cost_breakdown, patch)
    read_parcels(members, "/order/parcels", order.parcels, patch)
    read_handoff(members, "/order/handoffInfo", order.handoff_info, order.handoff_type, consignment)
    read_sender(members, "/order/senderContactDetails", order.sender_contact_details, consignment)
    if route := order.route_info:
        size = members.whole("/order/routeInfo/numOrders", route.num_orders)
        fill(consignment.route, external_id=route.id, label=route.external_id, size=size)
    index = members.whole("/order/routeOrderIndex", order.route_order_index)
    if index is not None:
        consignment.route.index = index
    if order.schedule_info:
        _read_schedule(members, order.schedule_info, patch)


def _read_schedule(members: Members, told: ScheduleInfo, patch: Delivery) -> None:
    """The planned day stays as it was written; it is a moment only where it is written as one."""
    schedule = patch.consignment.schedule
    fill(schedule, external_id=told.schedule_id, confirmed=told.confirmed, scheduled_raw=told.scheduled_date)
    if told.scheduled_date and not _is_day(told.scheduled_date):
        members.set_time(schedule, "scheduled_time", "/order/scheduleInfo/scheduledDate", told.scheduled_date)
    if told.schedule_details:
        schedule.recurrence.update(as_kept(told.schedule_details.model_dump(by_alias=True, exclude_none=True)))


def _is_day(text: str) -> bool:
    return len(text) == DAY_LENGTH and not isinstance(parse_time(f"{text}T00:00:00Z"), Unreadable)


def _read_links(members: Members, order: Order, patch: Delivery) -> None:
    tracking = order.order_tracking_info or OrderTrackingInfo()
    within = "/order/orderTrackingInfo"
    label = ("/order/labelUrl", order.label_url) if order.label_url else (f"{within}/labelUrl", tracking.label_url)
    page = ("/order/customerTrackingUrl", order.customer_tracking_url)
    for name, (pointer, url) in {
        "tracking_url": page if order.customer_tracking_url else ("/order/trackingUrl", order.tracking_url),
        "sender_tracking_url": ("/order/senderTrackingUrl", order.sender_tracking_url),
        "carrier_tracking_url": (f"{within}/carrierTrackingUrl", tracking.carrier_tracking_url),
        "carrier_delivery_url": (f"{within}/carrierDeliveryUrl", tracking.carrier_delivery_url),
        "label_url": label,
    }.items():
        if safe := members.page(pointer, url):
            setattr(patch.links, name, safe)


def _read_proofs(members: Members, order: Order, patch: Delivery) -> None:
    for pointer, proof in members.entries("/order/proofOfDelivery", order.proof_of_delivery, MAX_PROOFS):
        kind = PROOF_KINDS.get(proof.type or "", PROOF_KIND_OTHER)
        for place, url in members.entries(f"{pointer}/urls", proof.urls, MAX_PROOFS):
            if page := members.page(place, url):
                patch.proofs.add(kind=kind, kind_raw=proof.type or "", url=page)
        if not proof.urls:
            members.tell(pointer, "no_proof", "a proof without an address is not one that can be looked at")
    asked = members.entries(
        "/order/proofOfDeliveryRequirement", order.proof_of_delivery_requirement, MAX_REQUIRED_PROOFS
    )
    for pointer, word in asked:
        if word in REQUIRED_PROOFS:
            patch.consignment.required_proofs.append(REQUIRED_PROOFS[word])
        elif word != NO_PROOF:
            members.tell(pointer, "unknown_word", f"{word[:40]!r} is no kind of proof known here")


def _left_over(members: Members, order: Order, patch: Delivery) -> dict[str, Any]:
    told = _dump(order)
    names = {name: field.alias or name for name, field in Order.model_fields.items()}
    kept = {
        names[name]: told[names[name]] for name in _WITHOUT_MEMBER if told.get(names[name]) not in (None, "", [], {})
    }
    for name in ("actual_dropoff", "actual_pickup"):
        members.instant(f"/order/{names[name]}", getattr(order, name))
    if order.store_id not in ("", None, patch.consignment.pickup.external_id, patch.consignment.dropoff.external_id):
        kept["storeId"] = order.store_id
    if order.value and order.total_value and order.value != order.total_value:
        kept["totalValue"] = told["totalValue"]
    if order.tracking_url and order.tracking_url not in (patch.links.tracking_url, patch.links.carrier_tracking_url):
        kept["trackingUrl"] = order.tracking_url
    if NO_PROOF in (order.proof_of_delivery_requirement or ()):
        kept["proofOfDeliveryRequirement"] = told["proofOfDeliveryRequirement"]
    if tracking := order.order_tracking_info:
        kept |= left_over(tracking, patch)
        if different := _said_differently(order, tracking):
            kept["orderTrackingInfo"] = different
    return kept


def _said_differently(order: Order, tracking: OrderTrackingInfo) -> Mapping[str, Any]:
    told, within = _dump(order), _dump(tracking)
    aliases = (Order.model_fields[name].alias or name for name in _SAID_TWICE)
    return {each: within[each] for each in aliases if each in within and told.get(each, within[each]) != within[each]}


def _dump(model: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = model.model_dump(by_alias=True, exclude_none=True)
    return dumped
