"""Live tracking put into the contract, told alone or within an order; pure, and guesses no courier's identity."""

from typing import Any

from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.window_pb2 import WINDOW_KIND_UNSPECIFIED
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.dialects.evermile.members import Members, fill
from gateway.dialects.evermile.stops import add_window, read_degrees
from gateway.dialects.evermile.wire import OrderTrackingInfo, TrackingInfo
from gateway.dialects.evermile.wire_places import GeoLocation
from gateway.dialects.evermile.words import WINDOW_KINDS


def read_tracking(
    members: Members, pointer: str, told: TrackingInfo | OrderTrackingInfo, patch: Delivery, time: Timestamp | None
) -> None:
    """Courier, position, estimates and windows. What the patch has already came from the order itself and stays."""
    _read_courier(members, pointer, told, patch)
    if not patch.HasField("position"):
        read_position(members, f"{pointer}/courierLocation", told.courier_location, patch, time)
    read_estimates(members, pointer, told.pickup_eta, told.dropoff_eta, patch)
    # Evermile tells of the drop-off's window alone how binding it is.
    add_window(
        members,
        patch.consignment.pickup,
        WINDOW_KIND_UNSPECIFIED,
        (f"{pointer}/pickupWindowStart", told.pickup_window_start),
        (f"{pointer}/pickupWindowEnd", told.pickup_window_end),
    )
    word = told.dropoff_window_type
    if word and word not in WINDOW_KINDS:
        members.tell(f"{pointer}/dropoffWindowType", "unknown_word", f"{word[:40]!r} is no kind of window known here")
    add_window(
        members,
        patch.consignment.dropoff,
        WINDOW_KINDS.get(word or "", WINDOW_KIND_UNSPECIFIED),
        (f"{pointer}/dropoffWindowStart", told.dropoff_window_start),
        (f"{pointer}/dropoffWindowEnd", told.dropoff_window_end),
    )


def read_position(
    members: Members, pointer: str, location: GeoLocation | None, patch: Delivery, time: Timestamp | None
) -> None:
    """Where the courier is, as of the time of the message."""
    if degrees := read_degrees(members, pointer, location):
        patch.position.latitude, patch.position.longitude = degrees
        if time is not None:
            patch.position.time.CopyFrom(time)


def read_estimates(members: Members, pointer: str, pickup: str | None, dropoff: str | None, patch: Delivery) -> None:
    """When the courier is expected, where the patch does not know it yet."""
    for name, member, text in (("pickup_time", "pickupEta", pickup), ("dropoff_time", "dropoffEta", dropoff)):
        known = patch.HasField("estimates") and patch.estimates.HasField(name)  # type: ignore[arg-type]
        if not known and (time := members.instant(f"{pointer}/{member}", text)) is not None:
            getattr(patch.estimates, name).FromDatetime(time)


def left_over(told: TrackingInfo | OrderTrackingInfo, patch: Delivery) -> dict[str, Any]:
    """What no member of ours says; see also `statuses.courier_status`.

    A vehicle alone is no courier, and the word for a window no window.
    """
    has_window = told.dropoff_window_start or told.dropoff_window_end
    members = {
        "dropoffWindowType": None if has_window else told.dropoff_window_type,
        "isCourierAssigned": told.is_courier_assigned,
        "isOnWayToPickup": told.is_on_way_to_pickup,
        "vehicleType": None if patch.HasField("courier") else told.vehicle_type,
    }
    return {name: value for name, value in members.items() if value not in (None, "")}


def _read_courier(members: Members, pointer: str, told: TrackingInfo | OrderTrackingInfo, patch: Delivery) -> None:
    """Members are set one by one: an empty courier would tell that a driver is known."""
    if told.courier_name:
        fill(patch.courier, name=told.courier_name)
    if told.courier_phone:
        members.set_phone(patch.courier, f"{pointer}/courierPhone", told.courier_phone)
    if told.vehicle_type and patch.HasField("courier"):
        patch.courier.vehicle.type = told.vehicle_type
