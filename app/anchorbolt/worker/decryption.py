"""Deliveries that are stored encrypted: decrypted before they run, and what becomes of those that cannot be.

While keys are changed, pods that do not have the new one yet run beside pods that do (docs/encryption.md). What such a
pod claims and cannot read is handed back, for a pod that can. That has an end: a key that nobody has must not keep
lanes waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from anchorbolt.delivery import Delivery, headers
from anchorbolt.encryption import Keys, key_name
from anchorbolt.errors import UndecryptableError
from anchorbolt.inbox.delivery_encryption import BODY, HEADERS, DeliveryEncryption, place
from anchorbolt.inbox.lease import End, Held, Stored
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.worker.verdict import Reason, Verdict

log = get_logger("worker")

# How long this process hands back what names a key that it does not have: longer than a rollout takes.
PATIENCE_SECONDS = 600.0
# How long the lane then waits for another claim.
PAUSE_SECONDS = 2.0

NO_KEYS = Keys()


class Decryption:
    """Decrypts what is held, and judges what cannot be decrypted. `encryption`: None where no keys are set."""

    def __init__(self, encryption: DeliveryEncryption | None, clock: Callable[[], float]) -> None:
        """`encryption`: by the keys of this process; None: there are none. `clock`: monotonic, in seconds."""
        self._encryption = encryption
        self._clock = clock
        self._missing_since: dict[str, float] = {}  # by the names of keys that we do not have

    def judge(self, stored: Stored) -> Verdict:
        """Decides what becomes of a delivery whose body is still encrypted: handed back, or a dead letter."""
        keys = self._encryption.keys if self._encryption is not None else NO_KEYS
        said = _why(keys, stored)
        if not keys.has_key_of(stored.body):
            name = key_name(stored.body)
            since = self._missing_since.get(name)
            if since is None:
                since = self._missing_since[name] = self._clock()
                log.error(
                    "deliveries cannot be decrypted here: they wait for a pod with their key, then are dead letters",
                    error=said,
                    wait_seconds=PATIENCE_SECONDS,
                )
            if self._clock() - since < PATIENCE_SECONDS:
                return Verdict(End.HANDED_BACK, f"waits for a pod that can decrypt it: {said}", PAUSE_SECONDS)
            said = f"{said}, then run `anchorbolt inbox replay`"
        return Verdict(End.DEAD, f"cannot be decrypted: {said}", reason=Reason.UNREADABLE)

    def decrypted(self, held: Held, delivery: Delivery | None) -> Held:
        """Returns what is held with its texts decrypted, or as it is where that cannot be done.

        `delivery`: of what has just arrived here, and need not be decrypted.
        """
        if self._encryption is None:
            return held
        if delivery is not None:
            written = headers.written(delivery.headers)
            return replace(held, stored=replace(held.stored, body=delivery.body, headers=written))
        return self._encryption.decrypted(held)


def _why(keys: Keys, stored: Stored) -> str:
    try:
        keys.decrypt(stored.body, place(stored.key, BODY))
        keys.decrypt(stored.headers or "", place(stored.key, HEADERS))
    except UndecryptableError as error:
        return str(error)
    return "this was changed"
