"""Registers nobody: what is for a user must be answered with 404 then, so that the user is told."""

from slack_bolt.async_app import AsyncApp


def register(app: AsyncApp) -> None:
    """Nothing."""
