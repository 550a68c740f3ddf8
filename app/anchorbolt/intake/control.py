"""Control requests: what Slack tells the app about the connection between them. No listener gets these."""

from __future__ import annotations

from anchorbolt.delivery import Control
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger

log = get_logger("intake")


def note(control: Control) -> None:
    """Logs and counts `app_rate_limited`, which an operator should know of. The other types need no attention."""
    if control.type == "app_rate_limited":
        metrics.app_rate_limited.add()
        log.warning(
            "Slack holds events back: over 30,000 an hour for this workspace",
            team_id=control.payload.get("team_id"),
            minute_rate_limited=control.payload.get("minute_rate_limited"),
        )
