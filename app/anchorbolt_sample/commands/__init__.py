"""Slash commands."""

from slack_bolt.async_app import AsyncApp

from anchorbolt_sample.commands.approval import open_form


def register(app: AsyncApp) -> None:
    """Registers the slash commands."""
    app.command("/approval")(open_form)
