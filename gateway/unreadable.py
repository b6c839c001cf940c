"""The answer of a parser that will not guess. Knows nothing of what was being parsed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value that a vendor sent and that has no certain meaning.

    The event it came with still counts: the field becomes empty and this becomes an issue beside it.
    """

    value: str
    reason: str

    @classmethod
    def of(cls, value: object, reason: str) -> "Unreadable":
        """Keep a bounded, printable copy of whatever came, with the reason why it was not understood."""
        return cls(str(value)[:100], reason)
