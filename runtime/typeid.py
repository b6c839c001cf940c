"""Owns the shape of public ids, `prefix_` and 26 characters of a UUIDv7 (TypeID 0.3); knows no prefix and no
database.

The specification: https://github.com/jetify-com/typeid/tree/main/spec
"""

import datetime as dt
import os
import threading
import time
import uuid

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32: no i, l, o, u
LENGTH = 26

_PAIRS = [high + low for high in ALPHABET for low in ALPHABET]  # ten bits each: thirteen look-ups make an id
_INVALID = ord("!")
_TO_PYTHON_BASE32 = bytearray([_INVALID] * 256)  # `int(…, 32)` is the fastest decoder, but counts 0-9a-v
for _position, _character in enumerate(ALPHABET):
    _TO_PYTHON_BASE32[ord(_character)] = ord("0123456789abcdefghijklmnopqrstuv"[_position])
_TRANSLATION = bytes(_TO_PYTHON_BASE32)

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_COUNTER_BITS = 74  # the bits of a UUIDv7 behind its 48 of time and its 6 of version and variant
_COUNTER_LIMIT = 1 << _COUNTER_BITS
_POOL_BYTES = 4096


class InvalidId(ValueError):
    """The text is not an id with the prefix that was asked for; the message says what is wrong with it."""


class Uuid7Sequence:
    """UUIDv7 that only grow, whatever the clock does: within a millisecond, or while the clock is behind, a
    counter counts on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = -1
        self._counter = 0
        self._pool = b""
        self._used = 0

    def next(self, now_ms: int) -> uuid.UUID:
        with self._lock:
            if now_ms > self._milliseconds:
                self._milliseconds = now_ms
                # The top bit starts at zero, so that the counter has room.
                self._counter = self._random(10) >> (80 - _COUNTER_BITS + 1)
            else:
                self._counter += 1 + self._random(4)
                if self._counter >= _COUNTER_LIMIT:
                    self._milliseconds += 1
                    self._counter = self._random(10) >> (80 - _COUNTER_BITS + 1)
            return _assemble(self._milliseconds, self._counter)

    def forget(self) -> None:
        """Use no more of the randomness at hand: a process that was forked off has the same."""
        self._pool = b""

    def _random(self, size: int) -> int:
        # A call of the kernel for each id would cost more than all the rest of it.
        if self._used + size > len(self._pool):
            self._pool, self._used = os.urandom(_POOL_BYTES), 0
        begin, self._used = self._used, self._used + size
        return int.from_bytes(self._pool[begin : self._used])


_sequence = Uuid7Sequence()
os.register_at_fork(after_in_child=_sequence.forget)


def new_uuid7(now_ms: int | None = None) -> uuid.UUID:
    """A new UUIDv7, greater than all that this process made before.

    With `now_ms` (milliseconds since 1970) it carries exactly that time and stands outside of the order.
    """
    if now_ms is None:
        return _sequence.next(time.time_ns() // 1_000_000)
    return _assemble(now_ms, int.from_bytes(os.urandom(10)) >> (80 - _COUNTER_BITS))


def first_of(moment: dt.datetime) -> uuid.UUID:
    """The smallest UUIDv7 of a moment's millisecond: all that were made before are smaller."""
    milliseconds = (moment - _EPOCH) // dt.timedelta(milliseconds=1)
    return _assemble(max(milliseconds, 0), 0)


def moment_of(value: uuid.UUID) -> dt.datetime:
    """When a UUIDv7 was made, to the millisecond."""
    return dt.datetime.fromtimestamp((value.int >> 80) / 1000, dt.UTC)


def encode(prefix: str, value: uuid.UUID) -> str:
    """`value` as text that sorts as the UUID does."""
    n = value.int
    p = _PAIRS
    high = n >> 60  # small integers are cheaper to shift: 70 bits here, 60 there
    return (
        f"{prefix}_{p[high >> 60]}{p[high >> 50 & 1023]}{p[high >> 40 & 1023]}{p[high >> 30 & 1023]}"
        f"{p[high >> 20 & 1023]}{p[high >> 10 & 1023]}{p[high & 1023]}{p[n >> 50 & 1023]}{p[n >> 40 & 1023]}"
        f"{p[n >> 30 & 1023]}{p[n >> 20 & 1023]}{p[n >> 10 & 1023]}{p[n & 1023]}"
    )


def decode(prefix: str, text: str) -> uuid.UUID:
    """The UUID in `text`, which must be what `encode(prefix, …)` gives: no capitals, no look-alike
    characters.
    """
    start = len(prefix) + 1
    if len(text) == start + LENGTH and text.startswith(prefix) and text[start - 1] == "_":
        try:
            number = int(text[start:].encode("ascii").translate(_TRANSLATION), 32)
        except ValueError:  # UnicodeEncodeError is one
            raise _complaint(prefix, text) from None
        if number < 1 << 128:
            return uuid.UUID(int=number)
    raise _complaint(prefix, text)


def _complaint(prefix: str, text: str) -> InvalidId:
    shown = repr(text if len(text) <= 100 else f"{text[:100]}…")
    found, underscore, suffix = text.rpartition("_")
    if not underscore or found != prefix:
        return InvalidId(f"{shown} is not an id of the form {prefix}_…")
    if len(suffix) != LENGTH:
        return InvalidId(f"{shown} has {len(suffix)} characters after {prefix}_ instead of {LENGTH}")
    for character in suffix:
        if character not in ALPHABET:
            return InvalidId(f"{shown} contains {character!r}, which no id contains ({ALPHABET})")
    return InvalidId(f"{shown} is greater than the greatest id, {prefix}_7{'z' * (LENGTH - 1)}")


def _assemble(milliseconds: int, counter: int) -> uuid.UUID:
    high, low = counter >> 62, counter & ((1 << 62) - 1)
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)
