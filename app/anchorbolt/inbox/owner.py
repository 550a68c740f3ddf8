"""The owner of leases: one process, from its start to its end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Owner:
    """One process as the inbox knows it.

    `name`: no other process has it, nor this one after a restart. `lease_seconds`: how long a lease lasts that is not
    renewed. `epochs`: a number for each claim of this process, none of them twice; accept and claim share them.
    """

    name: str
    lease_seconds: float
    epochs: Iterator[int] = field(default_factory=lambda: itertools.count(1))
