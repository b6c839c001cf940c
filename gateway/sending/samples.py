"""Makes up what a test message tells of: a delivery that nobody has; pure.

The services make up a test's event and nothing around it, and not every dialect has words for every status: so there
are several, and the first that can be told is.
"""

from collections.abc import Iterator

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1.actor_pb2 import ACTOR_KIND_MERCHANT
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.subscription_pb2 import OutboundEvent

from runtime import typeid

STATUSES = (
    pb.DELIVERY_STATUS_DRIVER_ASSIGNED,
    pb.DELIVERY_STATUS_PICKUP_EN_ROUTE,
    pb.DELIVERY_STATUS_DELIVERED,
    pb.DELIVERY_STATUS_CANCELLED,
)
"""What the made-up delivery came to. The last is what the roles are told that riders do not concern."""


def samples(told: OutboundEvent) -> Iterator[OutboundEvent]:
    """The test event with a delivery, in every status of STATUSES."""
    for status in STATUSES:
        sample = OutboundEvent()
        sample.CopyFrom(told)
        delivery = _delivery(told, status)
        sample.delivery.CopyFrom(delivery)
        sample.event.delivery_id, sample.event.status = delivery.id, status
        sample.event.previous_status = pb.DELIVERY_STATUS_DISPATCHED
        if not sample.event.changed_paths:
            sample.event.changed_paths.extend(["status", "courier", "milestones"])
        sample.order.private_ref = "TEST-ORDER"
        sample.location.name, sample.location.external_id = "Test store", "TEST-STORE"
        sample.location.time_zone, sample.location.currency_code = "UTC", "USD"
        yield sample


def _delivery(told: OutboundEvent, status: "pb.DeliveryStatus.ValueType") -> Delivery:
    identifier = typeid.encode("dlv", typeid.decode("evt", told.event.id))
    delivery = Delivery(id=identifier, status=status, carrier="Test carrier")
    delivery.references.add(scope="order", value="TEST-ORDER")
    delivery.courier.external_id, delivery.courier.name = "TEST-DRIVER", "Test Driver"
    for each in (pb.DELIVERY_STATUS_DISPATCHED, status):
        delivery.milestones.add(status=each, time=told.event.event_time)
    if status == pb.DELIVERY_STATUS_CANCELLED:
        delivery.status_reason.actor.kind = ACTOR_KIND_MERCHANT
    delivery.create_time.CopyFrom(told.event.event_time)
    delivery.update_time.CopyFrom(told.event.event_time)
    return delivery
