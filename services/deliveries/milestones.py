"""The times at which a delivery first reached each status on its present way; decides no status."""

from collections.abc import Callable, Collection, Iterable

from crossdock.v1.delivery_pb2 import Delivery, Milestone
from google.protobuf.timestamp_pb2 import Timestamp

from services.deliveries.statuses import CLOSED_RANK, RANKS, Status


def find(delivery: Delivery, status: Status) -> Milestone | None:
    """The milestone of a status, if it was reached or inferred."""
    for milestone in delivery.milestones:
        if milestone.status == status:
            return milestone
    return None


def reach(delivery: Delivery, status: Status, time: Timestamp) -> None:
    """Records a reported status: the first report counts, and any report more than an inference."""
    milestone = find(delivery, status)
    if milestone is None:
        _append(delivery, status, time, synthetic=False)
    elif milestone.synthetic:
        milestone.synthetic = False
        milestone.time.CopyFrom(time)
        delivery.milestones.sort(key=_order)


def infer(delivery: Delivery, statuses: Collection[Status], time: Timestamp) -> None:
    """Records statuses that nobody reported, where nothing is recorded yet."""
    if not statuses:
        return
    known = {milestone.status for milestone in delivery.milestones}
    for status in statuses:
        if status not in known:
            _append(delivery, status, time, synthetic=True)


def dictate(delivery: Delivery, explicit: Iterable[Milestone]) -> None:
    """Sets times that a caller gave explicitly; they replace whatever was recorded.

    Inferred ones are nobody's word: they come from callers who send a whole delivery back.
    """
    for given in explicit:
        if not given.status or not given.HasField("time") or given.synthetic:
            continue
        milestone = find(delivery, given.status) or delivery.milestones.add(status=given.status)
        milestone.time.CopyFrom(given.time)
        milestone.synthetic = False
        milestone.overridden = True
    delivery.milestones.sort(key=_order)


def forget(delivery: Delivery, *, after: Status) -> None:
    """Drops what lies ahead of a status to which the way goes back, and any other end of it."""
    rank = RANKS[after]
    _keep(delivery, lambda status: RANKS[status] < min(rank + 1, CLOSED_RANK) or status == after)


def forget_from(delivery: Delivery, first: Status) -> None:
    """Drops what was reached from a status on."""
    _keep(delivery, lambda status: RANKS[status] < RANKS[first])


def _keep(delivery: Delivery, wanted: Callable[[Status], bool]) -> None:
    for index in range(len(delivery.milestones) - 1, -1, -1):
        if not wanted(delivery.milestones[index].status):
            del delivery.milestones[index]


def _append(delivery: Delivery, status: Status, time: Timestamp, *, synthetic: bool) -> None:
    known = delivery.milestones
    last = known[-1] if known else None
    added = known.add(status=status, time=time, synthetic=synthetic)
    if last is not None and _order(last) > _order(added):
        known.sort(key=_order)


def _order(milestone: Milestone) -> tuple[int, int, int, int]:
    return milestone.time.seconds, milestone.time.nanos, RANKS[milestone.status], milestone.status
