"""Keeps a telephone number as it was written, and its E.164 form when there is exactly one; calls nobody."""

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

# Letters are not taken: phonenumbers would read a masked "xxx" as the keypad digits 999.
_WRITTEN = re.compile(r"\+?[0-9 ()./\-]{4,40}(?: ?(?:ext\.?|x|X) ?[0-9]{1,7})?")


@dataclass(frozen=True, slots=True)
class Phone:
    """`raw` is what came, always. `e164` is None if that is masked, incomplete or could mean two numbers."""

    raw: str
    e164: str | None


# A driver's number comes with every message about each of their deliveries.
@lru_cache(maxsize=4096, typed=True)
def read_phone(value: str | int | None, *, region: str | None = None) -> Phone | None:
    """Read a number, national to `region` (an ISO 3166 code) or international with or without its plus.

    Text without a plus is national if it is valid so, else international. Some vendors send integers
    (447883196637), which lost the plus if they had one: those must be valid in one way only. None and blank
    text give None.
    """
    if value is None or isinstance(value, bool) or not str(value).strip():
        return None
    raw = str(value)
    text = raw.strip()
    if not _WRITTEN.fullmatch(text):
        return Phone(raw, None)
    if text.startswith("+"):
        number = _parse(text, None)
        return Phone(raw, _e164(number) if number and phonenumbers.is_possible_number(number) else None)
    numbers = (_parse(text, region) if region else None, _parse("+" + text, None))
    readings = [_e164(number) for number in numbers if number and phonenumbers.is_valid_number(number)]
    if isinstance(value, int) and len(set(readings)) > 1:
        return Phone(raw, None)
    return Phone(raw, readings[0] if readings else None)


def _parse(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
