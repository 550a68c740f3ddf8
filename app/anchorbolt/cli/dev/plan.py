"""The plan of one run of `dev`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the app will serve, and what to do with it.

    `events_url` is None in Socket Mode. `listeners` is the setting LISTENERS: the package that all listeners are in.
    `durable`: whether a process can finish what the one before it has handed back.
    """

    events_url: str | None
    readyz_url: str
    secret: str = field(repr=False)
    listeners: str
    demo: bool
    verbose: bool
    durable: bool = True
