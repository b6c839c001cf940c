"""Which currencies there are; knows no amounts."""

from iso4217 import Currency


def is_currency(code: str) -> bool:
    """Whether ISO 4217 lists the code, written in capitals."""
    return code.isupper() and code in Currency.__members__
