"""Encrypts what the database keeps of tokens and of deliveries, with the keys of TOKEN_KEYS.

AES-256-GCM of the library `cryptography`. Each ciphertext is bound to its place, such as a column of one row: copied to
another place it does not decrypt. It names the key that it was encrypted with.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from anchorbolt.errors import NoKeyError, UndecryptableError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# What an encrypted text begins with; no JSON and no form begins so.
MARK = "enc1:"
KEY_BYTES = 32
KEY_NAME_CHARACTERS = 8
_NONCE_BYTES = 12
HOW_TO_MAKE_ONE = "`openssl rand -base64 32` makes a key"


class Keys:
    """Several keys: the first encrypts, all decrypt. Without any, texts stay as they are (`Keys()`)."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        """`keys`: of KEY_BYTES bytes each."""
        self._ciphers = {_name_of(key): _cipher(key) for key in keys}
        self.first = next(iter(self._ciphers), "")  # its name, which gives nothing of it away

    def __bool__(self) -> bool:
        """Whether any keys are set, so that something can be encrypted."""
        return bool(self._ciphers)

    def encrypt(self, text: str, place: str) -> str:
        """Returns the text encrypted with the first key.

        Args:
            text: any text.
            place: where it is stored, such as `installation/T123/bot_token`.
        """
        if not self._ciphers:
            return text
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self.first].encrypt(nonce, text.encode(), place.encode())
        return f"{MARK}{self.first}:{base64.b64encode(nonce + sealed).decode()}"

    def decrypt(self, text: str, place: str) -> str:
        """Returns the text that was encrypted for this place; a text that is not encrypted as it is.

        Raises NoKeyError where its key is not there, and UndecryptableError where it was changed, or encrypted for
        another place.
        """
        if not is_encrypted(text):
            return text
        name, sealed = key_name(text), text[len(MARK) :].partition(":")[2]
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise NoKeyError(f"TOKEN_KEYS has no key {name}, with which this was encrypted: add it again")
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as in _cipher

        try:
            raw = binascii.a2b_base64(sealed)  # not strict, which costs more than all the rest: the tag finds changes
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError):  # binascii.Error is a ValueError
            raise UndecryptableError("this was changed, or was encrypted for another place") from None

    def has(self, name: str) -> bool:
        """Whether the key of this name is among these."""
        return name in self._ciphers

    def has_key_of(self, text: str) -> bool:
        """Whether the key that an encrypted text names is among these."""
        return self.has(key_name(text))

    def is_current(self, text: str) -> bool:
        """Whether a text is encrypted with the first key, so that nothing is to be done when keys are rotated."""
        return text.startswith(f"{MARK}{self.first}:")


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - 6 MiB, only where keys are set

    return AESGCM(key)


def is_encrypted(text: str) -> bool:
    """Whether a stored text is encrypted."""
    return text.startswith(MARK)


def key_name(text: str) -> str:
    """Returns the name of the key that an encrypted text names; it gives nothing of the key away."""
    return text[len(MARK) :].partition(":")[0]


def parse(value: str) -> tuple[bytes, ...]:
    """Reads TOKEN_KEYS: keys in Base64, separated by commas. Raises ValueError, which never holds a key."""
    keys = []
    for part in filter(None, map(str.strip, value.split(","))):
        try:
            key = base64.b64decode(part, validate=True)
        except binascii.Error:
            raise ValueError(f"is a list of keys in Base64, separated by commas; {HOW_TO_MAKE_ONE}") from None
        if len(key) != KEY_BYTES:
            raise ValueError(f"has a key of {len(key)} bytes, and a key has {KEY_BYTES}; {HOW_TO_MAKE_ONE}")
        keys.append(key)
    return tuple(keys)


def _name_of(key: bytes) -> str:
    """A name for a key that gives nothing of it away: the database holds it beside each ciphertext."""
    return hashlib.sha256(b"anchorbolt key name" + key).hexdigest()[:KEY_NAME_CHARACTERS]
