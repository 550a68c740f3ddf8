"""Options of select menus that ask the app for them (block_suggestion)."""

from slack_bolt.async_app import AsyncApp

from app.listeners.blocks import form
from app.listeners.options.category import suggest_categories


def register(app: AsyncApp) -> None:
    """Registers the sources of options."""
    app.options(form.CATEGORY)(suggest_categories)
