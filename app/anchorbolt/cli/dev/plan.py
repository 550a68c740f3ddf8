"""What one run of `dev` is to do."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the app will be, and what to play. `listeners` is the setting: the package that all listeners are in.

    `events_url` is None in Socket Mode: the app comes to Slack.
    """

    events_url: str | None
    readyz_url: str
    secret: str = field(repr=False)
    listeners: str
    demo: bool
    verbose: bool
