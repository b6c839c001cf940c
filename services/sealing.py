"""Secrets at rest: AES-256-GCM under the deployment's key; knows nothing of what the secrets are for.

A sealed value is the version, 4 bytes that name the key, a 12-byte nonce, and the ciphertext with its tag.
The context (whose secret it is) is authenticated with it: a sealed value that is copied to another row does
not open.
"""

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_VERSION = b"\x01"
_ID_BYTES = 4
_NONCE_BYTES = 12


class SealBroken(Exception):
    """The value was sealed with another key or in another context, or was changed."""


class Sealer:
    """Seals with its key and opens with former ones too, which are kept while values are sealed again."""

    def __init__(self, key: bytes, former_keys: Sequence[bytes] = ()) -> None:
        for each in (key, *former_keys):
            if len(each) != KEY_BYTES:
                raise ValueError(f"an encryption key has {KEY_BYTES} bytes, not {len(each)}")
        self._ciphers = {_key_id(each): AESGCM(each) for each in (*former_keys, key)}
        self._id = _key_id(key)

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """The value as it may be stored; another one each time."""
        nonce = os.urandom(_NONCE_BYTES)
        header = _VERSION + self._id
        return header + nonce + self._ciphers[self._id].encrypt(nonce, plain, header + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """The value that was sealed in the same context. Raises SealBroken."""
        header, rest = sealed[: 1 + _ID_BYTES], sealed[1 + _ID_BYTES :]
        cipher = self._ciphers.get(header[1:])
        if cipher is None or header[:1] != _VERSION:
            raise SealBroken("sealed with a key that this deployment does not have")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], header + context)
        except (InvalidTag, ValueError):
            raise SealBroken("changed, or sealed for something else") from None


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"crossdock sealing key" + key).digest()[:_ID_BYTES]
