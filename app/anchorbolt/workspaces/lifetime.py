"""How long a token is valid that Slack gave."""

from __future__ import annotations

import math
from typing import Any

# What Slack gives each token that rotates: https://docs.slack.dev/authentication/using-token-rotation.
USUAL_SECONDS = 43_200.0
# A year. What is beyond it is no lifetime of Slack's.
_MOST_SECONDS = 31_536_000.0


def lifetime(expires_in: Any) -> float:
    """Returns the seconds that Slack's `expires_in` names, which may be a text.

    Where it is missing or cannot be a lifetime, the usual 12 hours count. Without any the token would never be
    refreshed, and all runs of that workspace would fail once it has expired.
    """
    named = named_lifetime(expires_in)
    return USUAL_SECONDS if named is None else named


def named_lifetime(expires_in: Any) -> float | None:
    """Returns the seconds that Slack's `expires_in` names; None where it is missing or cannot be a lifetime."""
    try:
        seconds = math.nan if isinstance(expires_in, bool) else float(expires_in)
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if 0 < seconds <= _MOST_SECONDS else None
