"""Makes the request that Slack would send from the few fields that somebody wrote down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from anchorbolt.emulator.requests import commands, events, interactions
from anchorbolt.emulator.requests.fields import Fields, Request, RequestFormatError, as_text
from anchorbolt.emulator.requests.sample import Sample
from anchorbolt.emulator.scene import Scene

# The field that names a request's kind, and the function that makes it: from the value of that field, the other fields,
# and the scene. Where two are there, the first one of this order counts: an event may have any field, and an action or
# options may be in a view.
KINDS: Mapping[str, Callable[[str, Fields, Scene], Sample]] = MappingProxyType(
    {
        "event": events.event,
        "function": events.function,
        "action": interactions.action,
        "options": interactions.options,
        "command": commands.command,
        "view": interactions.view_submission,
        "view_closed": interactions.view_closed,
        "shortcut": interactions.shortcut,
        "message_shortcut": interactions.message_shortcut,
    }
)


def build(request: Request, scene: Scene | None = None) -> Sample:
    """Makes a fresh request of Slack's.

    Args:
        request: the field that names its kind (`command: /deploy`, `event: app_mention`, ...) and further fields of
            that kind; docs/testing.md lists them.
        scene: the made-up workspace, for all that the request does not say.

    Raises RequestFormatError, which says what is wrong with it.
    """
    fields = dict(request)
    kind = next((kind for kind in KINDS if kind in fields), None)
    if kind is None:
        raise RequestFormatError(f"a request names its kind by one of these fields: {', '.join(KINDS)}")
    name = as_text(kind, fields.pop(kind))
    if not name:
        raise RequestFormatError(f"{kind} is empty: it names what the listener listens to")
    return KINDS[kind](name, Fields(kind, fields), scene or Scene())
