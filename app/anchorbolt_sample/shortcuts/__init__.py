"""Shortcuts: the global one, and the one on a message."""

from slack_bolt.async_app import AsyncApp

from anchorbolt_sample.shortcuts.request_approval import open_form
from anchorbolt_sample.shortcuts.request_approval_from_message import open_form_about_message


def register(app: AsyncApp) -> None:
    """Registers the shortcuts."""
    app.global_shortcut("request_approval")(open_form)
    app.message_shortcut("request_approval_from_message")(open_form_about_message)
