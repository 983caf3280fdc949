"""ID numbers at rest: AES-256-GCM with the key's name in front, and a blind index to find them again.

Stored form: b"<key name>:" + 12-byte nonce + ciphertext, the row's id as associated data, so that a
ciphertext moved to another row does not open. The blind index is HMAC-SHA256 with a key of its own over the
normalised value. Keys come from the environment: `CARELINE_ID_KEYS` = "name:base64[,name:base64…]", the first
one encrypts, all decrypt (rotation); `CARELINE_INDEX_KEY` = base64.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from foundation.common.errors import BadSetting


def current_key_name() -> str:
    """Name of the key new values are encrypted with."""
    return next(iter(settings.CARELINE_ID_KEYS))


def encrypt(plain: str, *, row_id: int) -> bytes:
    """`plain` under the current key, bound to the row."""
    name = current_key_name()
    nonce = os.urandom(12)
    sealed = AESGCM(settings.CARELINE_ID_KEYS[name]).encrypt(nonce, plain.encode(), str(row_id).encode())
    return name.encode() + b":" + nonce + sealed


def decrypt(stored: bytes | memoryview, *, row_id: int) -> str:
    """The clear value. Raises BadSetting when its key is no longer configured, ValueError when it was tampered with."""
    name, _, rest = bytes(stored).partition(b":")
    key = settings.CARELINE_ID_KEYS.get(name.decode("ascii", "replace"))
    if key is None:
        raise BadSetting(f"CARELINE_ID_KEYS has no key named {name!r}; put it back behind the current one")
    try:
        return AESGCM(key).decrypt(rest[:12], rest[12:], str(row_id).encode()).decode()
    except InvalidTag as error:
        raise ValueError("an encrypted value does not belong to its row or was changed") from error


def key_name_of(stored: bytes | memoryview) -> str:
    """Which key a stored value is under."""
    return bytes(stored).partition(b":")[0].decode("ascii", "replace")


def blind_index(normalised: str) -> bytes:
    """32 bytes by which equal values are found without being readable."""
    return hmac.new(settings.CARELINE_INDEX_KEY, normalised.encode(), hashlib.sha256).digest()
