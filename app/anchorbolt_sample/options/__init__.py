"""Options of select menus that ask the app for them (block_suggestion)."""

from slack_bolt.async_app import AsyncApp

from anchorbolt_sample.blocks import form
from anchorbolt_sample.options.category import suggest_categories


def register(app: AsyncApp) -> None:
    """Registers the sources of options."""
    app.options(form.CATEGORY)(suggest_categories)
