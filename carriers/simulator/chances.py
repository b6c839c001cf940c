"""Chance that repeats: the same seed and the same words give the same draw, in every process and any order; pure."""

import hashlib
import uuid
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Draws for one thing, named by its parts (a carrier, a reference …)."""

    def __init__(self, seed: int, *parts: str) -> None:
        self._key = "\x1f".join((str(seed), *parts))

    def share(self, word: str) -> float:
        """From 0 up to, and without, 1."""
        return self._draw(word) / 2**64

    def between(self, word: str, least: float, most: float) -> float:
        """Evenly spread."""
        return least + (most - least) * self.share(word)

    def pick(self, word: str, choices: Sequence[T]) -> T:
        """One of several."""
        return choices[self._draw(word) % len(choices)]

    def digits(self, word: str, count: int) -> str:
        """A number of so many digits, the first of which is not 0."""
        least = 10 ** (count - 1)
        return str(least + self._draw(word) % (9 * least))

    def identifier(self, word: str) -> str:
        """A UUID."""
        return str(uuid.UUID(bytes=self._digest(word)[:16], version=4))

    def _draw(self, word: str) -> int:
        return int.from_bytes(self._digest(word)[:8], "big")

    def _digest(self, word: str) -> bytes:
        return hashlib.blake2b(f"{self._key}\x1f{word}".encode(), digest_size=16).digest()
