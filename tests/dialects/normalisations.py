"""What a message that comes in and goes out again in the same dialect may have changed, and to what: nothing else.

A normalisation names members by a pattern over their JSON pointers, says why, and gives the value that is written
for the one that was read. `ABSENT` stands for a member that is not there.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

ABSENT: Final = "absent"
Expected = Callable[[Any, dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Normalisation:
    """One rule."""

    pointer: str
    why: str
    expected: Expected
    """What is written, by what was read in this place and the whole document."""

    def fits(self, pointer: str, read: Any, document: dict[str, Any], written: Any) -> bool:
        """Whether it explains a difference."""
        return bool(re.fullmatch(self.pointer, pointer)) and self.expected(read, document) == written


def _null(_read: Any, _document: dict[str, Any]) -> None:
    return None


def _if(word: Callable[[dict[str, Any]], bool], then: Any) -> Expected:
    """The value where a condition on the document holds, and no explanation elsewhere."""
    return lambda _read, document: then if word(document) else object()


def _released(document: dict[str, Any]) -> bool:
    return document["event_status"] in ("new", "partner_rejected", "pickup_not_ready")


def _over(document: dict[str, Any]) -> bool:
    closed = ("delivered", "returned")
    return document["event_status"] in closed or str(document["reason_code"]).startswith("Left")


def _told_when(document: dict[str, Any]) -> str:
    """The time of a message of Evermile's, that of its status, or that of the hub's clock."""
    times = (document.get("timestamp"), document.get("order", {}).get("status", {}).get("reporting_time"))
    return next((each for each in times if each and each.count(":") == 2), HUBS_CLOCK)


def _where_absent(value: Callable[[dict[str, Any]], Any]) -> Expected:
    return lambda read, document: value(document) if read == ABSENT else object()


def _location(member: str) -> Expected:
    return _where_absent(lambda document: float(document["order"]["courierLocation"][member]))


HUBS_CLOCK: Final = "2023-11-14T22:14:20.000Z"
_NO_WORDS: Final = (None, "driver_smiled")
_WORDS_FOR: Final = {"schedule_failed": "schedule_failed", "out_for_delivery": "enroute_to_delivery"}

NORMALISATIONS: Final[dict[str, tuple[Normalisation, ...]]] = {
    "skipcart": (
        Normalisation("/driver/phone", "a phone is told until the order is delivered or returned", _if(_over, None)),
        Normalisation(
            "/(driver|location|estimated_arrival)/.*",
            "a driver who was released is not told as the one who comes",
            _if(_released, None),
        ),
        Normalisation(
            "/delivery_details/delivered_on_utc",
            "goods that were left were delivered, at the time of the event",
            lambda read, document: document["event_time_utc"] if read is None and _over(document) else object(),
        ),
        Normalisation(
            "/estimated_arrival/time_utc",
            "on the way back the hub has no estimate of its own: kept as extension",
            _if(lambda document: document["event_status"] == "return_started", None),
        ),
        Normalisation(
            "/event_status",
            "a word that is missing or not documented is told in the word for what the order's status meant",
            lambda read, document: _WORDS_FOR[document["order_status"]] if read in _NO_WORDS else object(),
        ),
    ),
    "ordatic": (
        Normalisation("/(storeId|data/orderId)", "an identifier is text", lambda read, _document: str(read)),
        Normalisation(
            "/storeId",
            "where a message does not say from which store, the location tells",
            lambda read, _document: "7709" if read == ABSENT else object(),
        ),
        Normalisation(
            "/data/refund/(date|reason|total.*)",
            "a refund has every documented member",
            lambda read, _document: None if read == ABSENT else object(),
        ),
        Normalisation(
            "/data/refund/.*(date|Refund|Amount|amount)",
            "what is no time and no amount is not guessed: kept as extension",
            lambda read, _document: None if read in ("string", "number", "value", "2024-04-09") else object(),
        ),
        Normalisation(
            "/data/refund/.*(Refund|Amount|amount)",
            "an amount is a number",
            lambda read, _document: int(read) if str(read).isdigit() else object(),
        ),
        Normalisation(
            "/data/refund/.*qty", "a quantity is a number", lambda read, _document: 0 if read == "number" else read
        ),
        Normalisation(
            "/data/proofDelivery",
            "an image is told in Base64, without the form of an address around it",
            lambda read, _document: str(read).partition(";base64,")[2],
        ),
        Normalisation(
            "/(sentAt|data/rider/name)",
            "members that are not documented are kept, not told",
            lambda _read, _document: ABSENT,
        ),
    ),
    "evermile": (
        Normalisation(
            "/order/orderTrackingInfo/courierLocation/lat",
            "what the order and its tracking both have is told in both",
            _location("lat"),
        ),
        Normalisation(
            "/order/orderTrackingInfo/courierLocation/lng",
            "what the order and its tracking both have is told in both",
            _location("lng"),
        ),
        Normalisation(
            "/order/orderTrackingInfo/dropoffEta",
            "what the order and its tracking both have is told in both",
            _where_absent(lambda document: document["order"]["dropoffEta"]),
        ),
        Normalisation("/order/actual(Pickup|Dropoff)", "the hub knows when it heard of it", _where_absent(_told_when)),
        Normalisation(
            "/.*(phone|Phone)",
            "a telephone number is text",
            lambda read, _document: str(read) if isinstance(read, int) else object(),
        ),
        Normalisation(
            "/timestamp|/order/status/reporting_time",
            "a time that is missing or impossible is that of the message, or of the hub's clock",
            lambda read, document: _told_when(document) if read == ABSENT or str(read).count(":") > 2 else object(),
        ),
        Normalisation(
            "/trackingInfo/.*",
            "a time has milliseconds",
            lambda read, _document: str(read).replace(":00Z", ":00.000Z"),
        ),
        Normalisation(
            "/trackingInfo/dropoffWindowType",
            "a kind of window that is not documented is not told",
            lambda read, _document: ABSENT if read == "roughly" else object(),
        ),
        Normalisation("/.*", "null tells nothing", lambda read, _document: ABSENT if read is None else object()),
        Normalisation(
            "/order/(simulatedOrder|status/manuallyUpdated)", "what is not so is false", _where_absent(lambda _: False)
        ),
        Normalisation(
            "/order/id", "an order without identifier of Evermile's has the hub's", _where_absent(lambda _: "dlv_1")
        ),
        Normalisation(
            "/order/(external_order_id|status/(life_cycle_status|order_status|reportingTime))",
            "members in another spelling",
            lambda _read, _document: ABSENT,
        ),
        Normalisation(
            "/order/externalOrderId",
            "are written in the documented one",
            _where_absent(lambda document: document["order"]["external_order_id"]),
        ),
        Normalisation(
            "/order/status/lifeCycleStatus",
            "are written in the documented one",
            _where_absent(lambda document: document["order"]["status"]["life_cycle_status"]),
        ),
        Normalisation(
            "/order/status/orderStatus",
            "are written in the documented one",
            _where_absent(lambda document: document["order"]["status"]["order_status"]),
        ),
        Normalisation(
            "/order/status/reporting_time",
            "are written in the documented one",
            _where_absent(lambda document: document["order"]["status"].get("reportingTime")),
        ),
    ),
}
"""By dialect. A dialect that reads and writes has an entry, be it empty."""
