"""Actions: the buttons of our messages and of the home tab (block_actions)."""

from slack_bolt.async_app import AsyncApp

from anchorbolt_sample.actions.decide import decide
from anchorbolt_sample.actions.request_approval import open_form
from anchorbolt_sample.blocks import card, invitation


def register(app: AsyncApp) -> None:
    """Registers the buttons."""
    app.block_action(card.APPROVE)(decide)
    app.block_action(card.REJECT)(decide)
    app.block_action(invitation.ACTION_ID)(open_form)
