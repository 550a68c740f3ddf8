"""Counts the events of the busiest workspaces in the last hour: Slack drops events beyond 30,000 a workspace."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping

from anchorbolt.telemetry.logs import get_logger

log = get_logger("telemetry")

# https://docs.slack.dev/apis/events-api/#rate-limiting
EVENTS_AN_HOUR = 30_000
WARN_AT = 0.8
HOUR_SECONDS = 3600
SLICES = 12
# How many workspaces are counted in each twelfth of the hour; those that come later in it are not among the busiest.
MOST_WORKSPACES = 1_000
SHOWN = 5


class Workspaces:
    """Counts events by workspace in bounded memory. The metric shows only ranks, never a team id."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._current: dict[str, int] = {}
        self._ends_at = clock() + HOUR_SECONDS / SLICES
        self._slices: deque[tuple[float, dict[str, int]]] = deque()

    def count(self, team_id: object) -> None:
        """Counts one event of a workspace."""
        if not isinstance(team_id, str):
            return
        current = self._current
        if team_id in current:
            current[team_id] += 1
        elif len(current) < MOST_WORKSPACES:
            current[team_id] = 1

    def turn(self) -> None:
        """Begins a new slice when it is due, and logs workspaces near the limit. To be called from time to time."""
        now = self._clock()
        if now < self._ends_at:
            return
        self._slices.append((now, self._current))
        self._current = {}
        self._ends_at = now + HOUR_SECONDS / SLICES
        for team_id, events in self.busiest():
            if events >= WARN_AT * EVENTS_AN_HOUR:
                log.warning("workspace near Slack's limit of 30,000 events an hour", team_id=team_id, events=events)

    def busiest(self, most: int = SHOWN) -> list[tuple[str, int]]:
        """The `most` workspaces with the most events in the last hour, as team id and count, the busiest first."""
        oldest = self._clock() - HOUR_SECONDS
        while self._slices and self._slices[0][0] <= oldest:
            self._slices.popleft()
        totals: dict[str, int] = dict(self._current)
        for _, events in self._slices:
            for team_id, count in events.items():
                totals[team_id] = totals.get(team_id, 0) + count
        return sorted(totals.items(), key=lambda item: item[1], reverse=True)[:most]

    def by_rank(self) -> Mapping[tuple[str, ...], float]:
        """The counts by rank, for the gauge; unused ranks are 0."""
        counts = [events for _, events in self.busiest()]
        counts += [0] * (SHOWN - len(counts))
        return {(str(rank),): float(events) for rank, events in enumerate(counts, start=1)}
