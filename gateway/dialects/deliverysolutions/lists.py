"""Reads the body of a list into our filters and writes its page; knows no request. The moment of the call is given."""

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from crossdock.v1.shipment_service_pb2 import ListShipmentsRequest, ListShipmentsResponse

from gateway.dialects.deliverysolutions import wire
from gateway.dialects.deliverysolutions.statuses import FILTERS
from gateway.dialects.deliverysolutions.wire import Document, Invalid
from gateway.dialects.deliverysolutions.write import shipment

DEFAULT_LIMIT: Final = 1000
DEFAULT_SPAN: Final = timedelta(hours=24)
LONGEST_SPAN: Final = timedelta(days=30)
"""Of `lastUpdatedAt`; the services refuse more."""
_TOKEN: Final = re.compile(r"([0-9]*)~(.+)", re.DOTALL)
_ONE_MILLISECOND: Final = timedelta(milliseconds=1)


def request(document: Document, now: datetime) -> ListShipmentsRequest:
    """What the body asks for; without any filter, what was created in the last 24 hours. Raises `Invalid`."""
    given = wire.parse(wire.ListQuery, document)
    made = ListShipmentsRequest(
        page_size=given.limit or DEFAULT_LIMIT,
        external_ids=given.order_external_ids or (),
        group_id=given.group_id or "",
        location_external_ids=given.location_external_ids or (),
    )
    _read_windows(given, made)
    for each in given.status or ():
        found = FILTERS[each]
        made.statuses.extend(status for status in found.statuses if status not in made.statuses)
        made.phases.extend(phase for phase in found.phases if phase not in made.phases)
    if given.status and not made.statuses and not made.phases:
        made.created_before.FromMilliseconds(0)  # no shipment has these words, and none is as old
    since, made.page_token = _token_parts(given.pagination_token)
    if not _has_filter(given):
        # The pages that follow are of the same list, not of one that begins a little later.
        made.created_after.FromDatetime(since or _whole_milliseconds(now - DEFAULT_SPAN))
    return made


def page(response: ListShipmentsResponse, asked: ListShipmentsRequest, document: Document, tenant: str) -> Document:
    """The documented answer."""
    defaulted = not _has_filter(wire.parse(wire.ListQuery, document))
    since = asked.created_after.ToMilliseconds() if defaulted else None
    return {
        "data": [shipment(each, tenant) for each in response.shipments],
        "paginationToken": {
            "next": _token(response.next_page_token, since),
            "previous": _token(response.previous_page_token, since),
        },
    }


def _read_windows(given: wire.ListQuery, made: ListShipmentsRequest) -> None:
    if faults := tuple(_window_faults(given)):
        raise Invalid(*faults)
    for window, after, before in (
        (given.last_updated_at, made.updated_after, made.updated_before),
        (given.created_at, made.created_after, made.created_before),
    ):
        if window and window.starts_at:
            after.FromDatetime(window.starts_at)
        if window and window.ends_at:
            before.FromDatetime(_behind(window))
    if given.pickup_time and given.pickup_time.starts_at:
        made.pickup_after.FromDatetime(given.pickup_time.starts_at)
    if given.delivery_time and given.delivery_time.ends_at:
        made.dropoff_before.FromDatetime(given.delivery_time.ends_at)


def _behind(window: wire.TimeWindow) -> datetime:
    """Where a window ends: theirs is included, ours is not. A span as long as it may be stays as long as it may be."""
    assert window.ends_at
    if window.starts_at and window.ends_at - window.starts_at == LONGEST_SPAN:
        return window.ends_at
    return window.ends_at + _ONE_MILLISECOND


def _window_faults(given: wire.ListQuery) -> Iterator[tuple[str, str]]:
    starts = given.pickup_time and given.pickup_time.starts_at
    ends = given.delivery_time and given.delivery_time.ends_at
    if (given.pickup_time or given.delivery_time) and not starts:
        yield "pickupTime.startsAt", "is required if pickupTime or deliveryTime is present"
    if (given.pickup_time or given.delivery_time) and not ends:
        yield "deliveryTime.endsAt", "is required if pickupTime or deliveryTime is present"
    for name, window in (("lastUpdatedAt", given.last_updated_at), ("createdAt", given.created_at)):
        if window and window.starts_at and window.ends_at and window.ends_at < window.starts_at:
            yield f"{name}.endsAt", "is before startsAt"


def _has_filter(given: wire.ListQuery) -> bool:
    filters = set(wire.ListQuery.model_fields) - {"limit", "pagination_token"}
    return any(getattr(given, name) not in (None, [], "", wire.TimeWindow()) for name in filters)


def _whole_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _token(token: str, since: int | None) -> str | None:
    if not token:
        return None
    return base64.urlsafe_b64encode(f"{'' if since is None else since}~{token}".encode()).decode()


def _token_parts(token: str | None) -> tuple[datetime | None, str]:
    if not token:
        return None, ""
    refused = Invalid(("paginationToken", "is not a token of this list"))
    try:
        form = _TOKEN.fullmatch(base64.b64decode(token, altchars=b"-_", validate=True).decode())
    except (ValueError, binascii.Error):
        raise refused from None
    if form is None or len(form[1]) > 15:
        raise refused
    return (datetime.fromtimestamp(int(form[1]) / 1000, UTC) if form[1] else None), form[2]
