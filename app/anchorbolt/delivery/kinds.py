"""The kinds of requests that Slack sends, and which of its payload types belongs to which."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """One word for each way that a request goes through the app.

    Its text is `str(kind)`: Python 3.11 takes five times as long for `kind.value`.
    """

    EVENT = "event"
    COMMAND = "command"
    ACTION = "action"
    SHORTCUT = "shortcut"
    VIEW = "view"
    OPTIONS = "options"
    CONTROL = "control"


# For code that runs for each request: to look up `Kind.EVENT` runs a method of the enum, and takes ten times as long as
# to look up a name of a module.
EVENT = Kind.EVENT
COMMAND = Kind.COMMAND
OPTIONS = Kind.OPTIONS
CONTROL = Kind.CONTROL


# The `type` of an interactive payload. A type that is not here is an action: Bolt tells whether anybody listens.
INTERACTIVE: dict[str, Kind] = {
    "block_actions": Kind.ACTION,
    "interactive_message": Kind.ACTION,
    "dialog_submission": Kind.ACTION,
    "dialog_cancellation": Kind.ACTION,
    "workflow_step_edit": Kind.ACTION,
    "shortcut": Kind.SHORTCUT,
    "message_action": Kind.SHORTCUT,
    "view_submission": Kind.VIEW,
    "view_closed": Kind.VIEW,
    "block_suggestion": Kind.OPTIONS,
    "dialog_suggestion": Kind.OPTIONS,
}
