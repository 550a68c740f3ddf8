"""Makes one fresh request of every kind that Slack sends, in the order in which the demonstration sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from anchorbolt.emulator.samples import commands, control, events, interactions, steps
from anchorbolt.emulator.samples.sample import Sample
from anchorbolt.emulator.scene import Scene

__all__ = ["SAMPLES", "Sample", "make"]

SAMPLES: Mapping[str, Callable[[Scene], Sample]] = MappingProxyType(
    {
        "url_verification": control.url_verification,
        "ssl_check": control.ssl_check,
        "app_mention": events.app_mention,
        "message": events.message,
        "reaction_added": events.reaction_added,
        "app_home_opened": events.app_home_opened,
        "assistant_thread_started": steps.assistant_thread_started,
        "assistant_thread_context_changed": steps.assistant_thread_context_changed,
        "assistant_message": steps.assistant_message,
        "team_join": events.team_join,
        "command": commands.command,
        "shortcut": interactions.shortcut,
        "message_action": interactions.message_action,
        "block_suggestion": interactions.block_suggestion,
        "view_submission": interactions.view_submission,
        "block_actions": interactions.block_actions,
        "view_closed": interactions.view_closed,
        "function_executed": steps.function_executed,
        "app_rate_limited": control.app_rate_limited,
    }
)


def make(kind: str, scene: Scene | None = None) -> Sample:
    """Makes a fresh sample of a kind. Raises KeyError for a kind that is not in SAMPLES."""
    return SAMPLES[kind](scene or Scene())
