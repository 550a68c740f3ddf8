"""What a listener is told about the run that it is in: the value of `context["delivery"]`."""

from __future__ import annotations

from dataclasses import dataclass

from anchorbolt.delivery.kinds import Kind


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of one delivery. `attempt` counts from 1; `crashes` are earlier runs that a dead pod cut short."""

    key: str
    kind: Kind
    attempt: int = 1
    is_last: bool = False
    crashes: int = 0
