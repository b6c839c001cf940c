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
}
"""By dialect. A dialect that reads and writes has an entry, be it empty."""
