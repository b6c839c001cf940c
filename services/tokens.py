"""The values of bearer tokens: how they are made, recognised and digested; knows no database.

A value is ``xd_``, 43 characters of 256 random bits and 6 characters of their CRC-32, all base 62. The
checksum refuses typing mistakes and junk without a look-up, and lets secret scanners be sure; it guards
nothing.
"""

import hashlib
import secrets
import zlib

PREFIX = "xd_"
SHOWN_LENGTH = len(PREFIX) + 4
"""How much of a value is kept in clear, to recognise it by."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BITS = 256
_RANDOM_LENGTH = 43
_CHECKSUM_LENGTH = 6
_LENGTH = len(PREFIX) + _RANDOM_LENGTH + _CHECKSUM_LENGTH


def new_value() -> str:
    """A value that nobody had before."""
    random = _base62(secrets.randbits(_BITS), _RANDOM_LENGTH)
    return PREFIX + random + _checksum(random)


def is_well_formed(value: str) -> bool:
    """Whether the value may be one of ours; False for junk of any kind."""
    if len(value) != _LENGTH or not value.startswith(PREFIX) or not value.isascii():
        return False
    random = value[len(PREFIX) : -_CHECKSUM_LENGTH]
    return value[-_CHECKSUM_LENGTH:] == _checksum(random)


def digest(value: str) -> bytes:
    """The SHA-256 that is stored in place of the value."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    characters = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return "".join(reversed(characters))
