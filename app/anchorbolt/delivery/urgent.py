"""Urgent events: they act on a run that is going on, so they wait neither behind it nor for its slot.

Each has a lane of its own whose name says that it is urgent; the inbox and the worker tell urgent lanes by that name.
"""

from __future__ import annotations

# A user has clicked the stop button of an agent session, and the app is to stop the run that answers in its thread.
# https://docs.slack.dev/reference/events/agent_session_stopped/
URGENT_EVENTS = frozenset({"agent_session_stopped"})

# No other lane's name begins with it (lanes.py). The index `lane_urgent` (inbox/tables.py) is made for this sign: it
# cannot be changed without a migration.
URGENT_SIGN = "!"


def is_urgent(lane: str) -> bool:
    """Whether the lane of this name is that of an urgent event."""
    return lane.startswith(URGENT_SIGN)
