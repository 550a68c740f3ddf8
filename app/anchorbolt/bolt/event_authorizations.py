"""The installations that an event names: in a channel shared by Slack Connect its outer `team_id` may be another's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def authorizations_of(body: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """Returns `authorizations` of an event; None where it names none, or the request is no event."""
    named = body.get("authorizations") if body.get("type") == "event_callback" else None
    if not isinstance(named, list) or not named:
        return None
    return [one for one in named if isinstance(one, dict)]
