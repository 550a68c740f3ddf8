"""Views: a modal that was submitted, a modal that was closed."""

from slack_bolt.async_app import AsyncApp

from anchorbolt_sample.blocks import form
from anchorbolt_sample.views.approval_closed import keep_what_was_written
from anchorbolt_sample.views.approval_submission import ask_for_approval


def register(app: AsyncApp) -> None:
    """Registers what views lead to."""
    app.view_submission(form.CALLBACK_ID)(ask_for_approval)
    app.view_closed(form.CALLBACK_ID)(keep_what_was_written)
