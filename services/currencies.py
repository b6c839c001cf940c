"""Which currencies there are, and how amounts are counted in their minor units; knows no prices."""

from google.type.money_pb2 import Money
from iso4217 import Currency

_NANOS = 1_000_000_000


def is_currency(code: str) -> bool:
    """Whether ISO 4217 lists the code, written in capitals."""
    return code.isupper() and code in Currency.__members__


def digits(code: str) -> int:
    """How many decimal digits a currency has; 2 for one that is unknown or has none by nature, such as gold."""
    exponent = Currency[code].exponent if is_currency(code) else None
    return 2 if exponent is None else int(exponent)


def minor_units(amount: Money) -> int:
    """An amount in the smallest units of its currency, what is smaller cut off towards zero."""
    scale: int = 10 ** digits(amount.currency_code)
    nanos = amount.units * _NANOS + amount.nanos
    return abs(nanos) * scale // _NANOS * (1 if nanos >= 0 else -1)


def money_of(minor: int, code: str) -> Money:
    """So many of the smallest units of a currency."""
    scale: int = 10 ** digits(code)
    units, rest = divmod(abs(minor), scale)
    sign = 1 if minor >= 0 else -1
    return Money(currency_code=code, units=sign * units, nanos=sign * rest * (_NANOS // scale))
