"""Makes one fresh request of every kind that Slack sends, in the order in which the demonstration sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from anchorbolt.emulator.requests import Request, Sample, build
from anchorbolt.emulator.samples import control, events, interactions
from anchorbolt.emulator.scene import Scene

__all__ = ["REQUESTS", "SAMPLES", "Sample", "make"]

# The samples that a listener may get, written down as requests.
REQUESTS: Mapping[str, Callable[[Scene], Request]] = MappingProxyType(
    {
        "app_mention": events.app_mention,
        "message": events.message,
        "reaction_added": events.reaction_added,
        "app_home_opened": events.app_home_opened,
        "assistant_thread_started": events.assistant_thread_started,
        "assistant_thread_context_changed": events.assistant_thread_context_changed,
        "assistant_message": events.assistant_message,
        "team_join": events.team_join,
        "command": interactions.command,
        "shortcut": interactions.shortcut,
        "message_action": interactions.message_action,
        "block_suggestion": interactions.block_suggestion,
        "view_submission": interactions.view_submission,
        "block_actions": interactions.block_actions,
        "view_closed": interactions.view_closed,
        "function_executed": events.function_executed,
    }
)


def _built(kind: str, scene: Scene) -> Sample:
    return replace(build(REQUESTS[kind](scene), scene), kind=kind)


SAMPLES: Mapping[str, Callable[[Scene], Sample]] = MappingProxyType(
    {
        "url_verification": control.url_verification,
        "ssl_check": control.ssl_check,
        **{kind: partial(_built, kind) for kind in REQUESTS},
        "app_rate_limited": control.app_rate_limited,
    }
)


def make(kind: str, scene: Scene | None = None) -> Sample:
    """Makes a fresh sample of a kind. Raises KeyError for a kind that is not in SAMPLES."""
    return SAMPLES[kind](scene or Scene())
