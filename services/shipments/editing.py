"""What may still be changed of a shipment, and what a change means for its dispatch; pure."""

from collections.abc import Iterable
from datetime import datetime

from crossdock.v1 import shipment_pb2
from crossdock.v1.consignment_pb2 import Consignment, Stop
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_CREATED
from crossdock.v1.shipment_pb2 import Shipment, ShipmentPhase
from crossdock.v1.window_pb2 import WindowKind

from services.deliveries.changes import changed_members
from services.errors import Problem
from services.shipments import requests
from services.shipments.windows import CARRIERS_WINDOWS

FREE = frozenset(
    (
        "external_id",
        "group_id",
        "order_attributes",
        "references",
        "brand_external_id",
        "locale",
        "external_create_time",
        "extensions",
    )
)
"""Members of the sender's own, which no carrier acts upon: they change at any time."""
_ASKED = frozenset(("consignment", "signature", "return_location_external_id"))
"""Members that a carrier that has the shipment is asked about; it may refuse."""


def merge(before: Shipment, after: Shipment, paths: Iterable[str]) -> None:
    """Settles what a change leaves open: members that follow from others, and what carriers told."""
    touched = set(paths)
    names = {path.partition(".")[0] for path in touched}
    # Either name of the location tells the other.
    if "location_external_id" in names and "location_id" not in names:
        after.ClearField("location_id")
    elif "location_id" in names and "location_external_id" not in names:
        after.ClearField("location_external_id")
    if names & {"location_id", "location_external_id"} and not _tells(touched, "pickup"):
        _forget(after.consignment.pickup)
    if after.return_location_external_id != before.return_location_external_id and not _tells(touched, "return_stop"):
        after.consignment.ClearField("return_stop")
    for name in ("pickup", "dropoff"):
        _keep_told_windows(getattr(before.consignment, name), getattr(after.consignment, name))


def changes(before: Shipment, after: Shipment) -> list[str]:
    """The members that a caller changed."""
    return [name for name in changed_members(before, after) if name not in requests.ASSIGNED]


def require_changeable(before: Shipment, after: Shipment) -> bool:
    """Whether the carrier has to agree. Raises FIELD_LOCKED and DISPATCH_UNDER_WAY for what cannot be changed now."""
    bound = [name for name in changes(before, after) if name not in FREE]
    if not bound:
        return False
    if before.phase == shipment_pb2.SHIPMENT_PHASE_BOOKING:
        raise Problem(
            "DISPATCH_UNDER_WAY",
            "the shipment is being booked: try again in a moment",
            {"shipment_id": before.id, "phase": ShipmentPhase.Name(before.phase)},
        )
    if before.phase == shipment_pb2.SHIPMENT_PHASE_CLOSED:
        raise _locked(bound[0], "the shipment is over")
    if before.phase != shipment_pb2.SHIPMENT_PHASE_BOOKED:
        return False
    for name in bound:
        if name not in _ASKED:
            raise _locked(name, "a carrier has the shipment")
    if list(before.consignment.parcels) != list(after.consignment.parcels):
        raise _locked("consignment.parcels", "a carrier has the shipment")
    return not asks_the_same(before.consignment, after.consignment)


def asks_the_same(one: Consignment, other: Consignment) -> bool:
    """Whether two consignments differ in nothing but what carriers told of their times."""
    return _asked(one) == _asked(other)


def _asked(consignment: Consignment) -> Consignment:
    asked = Consignment()
    asked.CopyFrom(consignment)
    for stop in (asked.pickup, asked.dropoff):
        windows = [window for window in stop.windows if window.kind not in CARRIERS_WINDOWS]
        del stop.windows[:]
        stop.windows.extend(windows)
    return asked


def reconsider(before: Shipment, after: Shipment, now: datetime) -> bool:
    """Puts a shipment back to where the change makes its dispatch begin; False when that stays where it is."""
    bound = set(changes(before, after)) - FREE
    if before.phase in requests.DISPATCHABLE and bound & {"hold", "release_time"}:
        after.phase = requests.phase_of(after, now)
        if after.phase != shipment_pb2.SHIPMENT_PHASE_RECEIVED:
            after.status = DELIVERY_STATUS_CREATED
    elif before.phase == shipment_pb2.SHIPMENT_PHASE_QUOTED and bound:
        after.phase = shipment_pb2.SHIPMENT_PHASE_RECEIVED  # the quotes in hand were for something else
    return after.phase != before.phase


def _tells(paths: Iterable[str], stop: str) -> bool:
    whole = {"consignment", f"consignment.{stop}"}
    return any(path in whole or path.startswith(f"consignment.{stop}.") for path in paths)


def _forget(stop: Stop) -> None:
    """Leaves the windows only: the place is told by the location."""
    windows = list(stop.windows)
    stop.Clear()
    stop.windows.extend(windows)


def _keep_told_windows(before: Stop, after: Stop) -> None:
    """What carriers promise and expect is not the sender's to erase."""
    kinds = {window.kind for window in after.windows} | {WindowKind.WINDOW_KIND_REQUESTED}
    if told := [window for window in before.windows if window.kind not in kinds]:
        after.windows.extend(told)
        after.windows.sort(key=lambda window: window.kind)


def _locked(name: str, why: str) -> Problem:
    path = f"shipment.{name}"
    return Problem("FIELD_LOCKED", f"{path} cannot be changed any more: {why}", {"field": path})
