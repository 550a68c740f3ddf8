"""How long the end of a pod may take, as the settings say."""

from __future__ import annotations

from anchorbolt.settings.of_master import MasterSettings

# How long requests in flight have after the deadline of the last one that was accepted.
FINISH_MARGIN_SECONDS = 1.0
# More than the other steps of life.py take together, so that only a worker that hangs is killed.
END_MARGIN_SECONDS = 13.0


def finish_seconds(settings: MasterSettings) -> float:
    """How many seconds requests in flight have at the end."""
    return settings.ack_deadline_seconds + FINISH_MARGIN_SECONDS


def end_seconds(settings: MasterSettings) -> float:
    """How many seconds the server may take from SIGTERM to its end. The grace period of a pod must be longer."""
    return finish_seconds(settings) + settings.drain_timeout_seconds + END_MARGIN_SECONDS
