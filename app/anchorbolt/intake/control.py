"""What Slack tells the app about itself, and nobody listens to."""

from __future__ import annotations

from anchorbolt.delivery import Control
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger

log = get_logger("intake")


def note(control: Control) -> None:
    """Says and counts what an operator should know of it."""
    if control.type == "app_rate_limited":
        metrics.app_rate_limited.add()
        log.warning(
            "Slack holds events back: over 30,000 an hour for this workspace",
            team_id=control.payload.get("team_id"),
            minute_rate_limited=control.payload.get("minute_rate_limited"),
        )
