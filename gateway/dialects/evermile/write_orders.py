"""A delivery as Evermile's order and live tracking, every member in the documented order; pure.

Members that are not known are null here; `write` leaves them out.
"""

from typing import Any, Final

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1.consignment_pb2 import Consignment, Schedule
from crossdock.v1.delivery_pb2 import DELIVERY_KIND_RETURN, DELIVERY_KIND_UNSPECIFIED, Delivery
from crossdock.v1.location_pb2 import Location
from crossdock.v1.subscription_pb2 import OutboundEvent

from gateway.dialects.evermile.steps import Step
from gateway.dialects.evermile.words import PROOF_KINDS, REQUIRED_PROOFS
from gateway.dialects.evermile.write_goods import write_costs, write_parcel, write_price
from gateway.dialects.evermile.write_stops import (
    WINDOW_WORDS,
    communicated,
    tracked,
    write_handoff,
    write_person,
    write_place,
    write_sender,
    write_slot,
)
from gateway.dialects.evermile.write_values import flag_of, number, phone, time, time_of
from gateway.dialects.structs import members_of

_PROOF_WORDS: Final = {kind: word for word, kind in PROOF_KINDS.items()}
_REQUIRED_WORDS: Final = {kind: word for word, kind in REQUIRED_PROOFS.items()}


def name_of(told: OutboundEvent) -> str:
    """What Evermile calls the order, else what we call the delivery: one trip, as theirs is."""
    return next((each.value for each in told.delivery.references if each.scope == "evermile.order"), told.delivery.id)


def write_order(told: OutboundEvent, step: Step) -> dict[str, Any]:
    """The details of a booked order."""
    delivery = told.delivery
    consignment = delivery.consignment
    pickup, dropoff = consignment.pickup, consignment.dropoff
    names = _names(told)
    # Of what Evermile carries, Evermile told the store and the company, or knew none.
    theirs = delivery.carrier_ref == "evermile"
    location = Location() if theirs else told.location
    return {
        "actualDropoff": _reached(delivery, pb.DELIVERY_STATUS_DELIVERED),
        "actualPickup": _reached(delivery, pb.DELIVERY_STATUS_PICKED_UP),
        "actualVehicleType": delivery.vehicle_type,
        "additionalProperties": None,
        "communicatedDropoff": write_slot(communicated(dropoff)),
        "communicatedPickup": write_slot(communicated(pickup)),
        "costBreakdown": write_costs(delivery),
        "courierLocation": _position(delivery),
        "customer": write_person(dropoff),
        "customerTrackingUrl": delivery.links.tracking_url,
        "deliveryCompany": delivery.courier_company or ("" if theirs else delivery.carrier),
        "deliveryMethod": consignment.delivery_method,
        "destination": write_place(dropoff),
        "dropoffEta": time_of(delivery.estimates, "dropoff_time"),
        "estimatedPickupWithinStoreHours": None,
        "expectedVehicleType": consignment.expected_vehicle_type,
        "externalOrderId": names[0] if names else None,
        "extraExternalIds": names if len(names) > 1 else None,
        "handling": list(consignment.handling),
        "handoffInfo": write_handoff(consignment.handoff),
        "handoffType": consignment.handoff.type,
        "happiness": None,
        "id": name_of(told),
        "instructions": dropoff.instructions,
        "isGift": flag_of(consignment, "gift"),
        "isReturn": None if delivery.kind == DELIVERY_KIND_UNSPECIFIED else delivery.kind == DELIVERY_KIND_RETURN,
        "labelPrintTime": time_of(consignment, "label_print_time"),
        "labelRequired": flag_of(consignment, "label_required"),
        "labelUrl": delivery.links.label_url,
        "liabilityCoverageCents": None,
        "merchantName": consignment.merchant_name,
        "notes": list(consignment.notes),
        "orderTrackingInfo": {
            "carrierDeliveryUrl": delivery.links.carrier_delivery_url,
            "carrierTrackingUrl": delivery.links.carrier_tracking_url,
            "labelUrl": delivery.links.label_url,
            **write_tracking(delivery, step),
        },
        "origin": write_place(pickup),
        "parcels": [write_parcel(each) for each in consignment.parcels],
        "pickupContactInfo": write_person(pickup),
        "pickupEta": time_of(delivery.estimates, "pickup_time"),
        "proofOfDelivery": _proofs(delivery),
        "proofOfDeliveryRequirement": [_REQUIRED_WORDS.get(each) for each in consignment.required_proofs],
        "proposalTypes": None,
        "recipientMessage": consignment.recipient_message,
        "requestedSla": consignment.requested_service_level,
        **_plan(consignment),
        "senderContactDetails": write_sender(consignment),
        "senderTrackingUrl": delivery.links.sender_tracking_url,
        "simulatedOrder": delivery.simulated,
        "status": _status(told, step),
        "storeId": _store(delivery) or location.external_id,
        "storeName": location.name,
        "totalValue": write_price(consignment.value),
        "trackingUrl": delivery.links.carrier_tracking_url,
        "usedCredits": None,
        "username": None,
        "value": write_price(consignment.value),
    }


def write_tracking(delivery: Delivery, step: Step | None) -> dict[str, Any]:
    """Live tracking of an order."""
    pickup, dropoff = tracked(delivery.consignment.pickup), tracked(delivery.consignment.dropoff)
    courier = delivery.courier
    return {
        "courierLocation": _position(delivery),
        "courierName": courier.name or " ".join(filter(None, (courier.first_name, courier.last_name))),
        "courierPhone": phone(courier.phone),
        "dropoffEta": time_of(delivery.estimates, "dropoff_time"),
        "dropoffWindowEnd": time_of(dropoff, "end_time"),
        "dropoffWindowStart": time_of(dropoff, "start_time"),
        "dropoffWindowType": WINDOW_WORDS.get(dropoff.kind),
        "isCourierAssigned": step.courier_assigned if step else None,
        "isOnWayToPickup": step.on_way_to_pickup if step else None,
        "pickupEta": time_of(delivery.estimates, "pickup_time"),
        "pickupWindowEnd": time_of(pickup, "end_time"),
        "pickupWindowStart": time_of(pickup, "start_time"),
        "vehicleType": courier.vehicle.type,
    }


def _names(told: OutboundEvent) -> list[str]:
    """What the sender calls the order, each once."""
    known = (*told.delivery.references, *told.order.references)
    return list(
        dict.fromkeys(filter(None, (*(each.value for each in known if each.scope == "order"), told.order.private_ref)))
    )


def _reached(delivery: Delivery, status: pb.DeliveryStatus.ValueType) -> str | None:
    """When it did something, as far as anybody told and nobody had to infer it."""
    return next((time(each.time) for each in delivery.milestones if each.status == status and not each.synthetic), None)


def _position(delivery: Delivery) -> dict[str, Any]:
    return {"lat": number(delivery.position.latitude), "lng": number(delivery.position.longitude)}


def _proofs(delivery: Delivery) -> list[dict[str, Any]]:
    """Proofs with an address, those of one kind together: an image that is stored here has no address of theirs."""
    found: dict[str, list[str]] = {}
    for proof in delivery.proofs:
        word = _PROOF_WORDS.get(proof.kind) or proof.kind_raw
        if word and proof.url:
            found.setdefault(word, []).append(proof.url)
    return [{"type": word, "urls": urls} for word, urls in found.items()]


def _plan(consignment: Consignment) -> dict[str, Any]:
    """The route that it shares, and the schedule that it is part of."""
    route, schedule = consignment.route, consignment.schedule
    return {
        "routeInfo": {"externalId": route.label, "id": route.external_id, "numOrders": route.size or None},
        "routeOrderIndex": route.index if route.HasField("index") else None,
        "scheduleInfo": {
            "confirmed": flag_of(schedule, "confirmed"),
            "scheduleDetails": members_of(schedule.recurrence),
            "scheduleId": schedule.external_id,
            "scheduledDate": _planned(schedule),
        },
    }


def _planned(schedule: Schedule) -> str | None:
    return schedule.scheduled_raw or time_of(schedule, "scheduled_time")


def _status(told: OutboundEvent, step: Step) -> dict[str, Any]:
    event, delivery = told.event, told.delivery
    still = delivery.status == event.status and delivery.HasField("status_time")
    return {
        "lifeCycleStatus": step.life_cycle_status,
        "manuallyUpdated": event.report.override or delivery.HasField("manual_override"),
        "orderStatus": step.order_status,
        "reporter": event.report.actor.display_name or event.actor.display_name,
        "reporting_time": time(delivery.status_time if still else event.event_time),
    }


def _store(delivery: Delivery) -> str:
    """The end of the trip that is the sender's own place."""
    stops = delivery.consignment
    return stops.dropoff.external_id if delivery.kind == DELIVERY_KIND_RETURN else stops.pickup.external_id
