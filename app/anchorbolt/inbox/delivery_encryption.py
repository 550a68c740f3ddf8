"""Encrypts what is stored of a delivery, and decrypts it where it is run or shown (docs/encryption.md).

Its body, its headers and each line of its history are bound to its idempotency key and to their column. The statements
of the protocol know nothing of this: what they store and return is text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anchorbolt.encryption import Keys
from anchorbolt.errors import UndecryptableError
from anchorbolt.inbox.history import Past, read

if TYPE_CHECKING:  # the command line needs neither
    from anchorbolt.inbox.accept import Item
    from anchorbolt.inbox.lease import Held

BODY, HEADERS, HISTORY = "body", "headers", "history"


def place(key: str, column: str) -> str:
    """The place of a text of a delivery, by its idempotency key and its column."""
    return f"delivery/{key}/{column}"


def shown(keys: Keys, key: str, body: str | None, history: str | None) -> tuple[str | None, list[Past], str | None]:
    """Returns the body and the attempts of a delivery for an operator; neither, and why, where one cannot be read.

    `key`: its idempotency key. `body` and `history`: as they are stored.
    """
    try:
        return (
            body and keys.decrypt(body, place(key, BODY)),
            read(history, lambda line: keys.decrypt(line, place(key, HISTORY))),
            None,
        )
    except UndecryptableError as error:
        return None, [], str(error)


class DeliveryEncryption:
    """Encrypts and decrypts the texts of deliveries with some keys, at least one."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    def encrypted(self, item: Item) -> Item:
        """Returns a copy of an item, with its body and its headers encrypted."""
        headers = item.headers
        return replace(
            item,
            body=self.keys.encrypt(item.body, place(item.key, BODY)),
            headers=None if headers is None else self.keys.encrypt(headers, place(item.key, HEADERS)),
        )

    def encrypted_line(self, key: str, line: str) -> str:
        """Returns a line of a history encrypted, with its line break in the clear."""
        return self.keys.encrypt(line.removesuffix("\n"), place(key, HISTORY)) + "\n"

    def decrypted(self, held: Held) -> Held:
        """Returns what is held with its texts decrypted, or as it is where one of them cannot be decrypted."""
        stored = held.stored
        try:
            body = self.keys.decrypt(stored.body, place(stored.key, BODY))
            headers = stored.headers and self.keys.decrypt(stored.headers, place(stored.key, HEADERS))
        except UndecryptableError:
            return held
        return replace(held, stored=replace(stored, body=body, headers=headers))
