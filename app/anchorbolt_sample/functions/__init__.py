"""Functions: steps that people put into workflows (function_executed)."""

from slack_bolt.async_app import AsyncApp

from anchorbolt_sample.functions.request_approval import ask_for_approval


def register(app: AsyncApp) -> None:
    """Registers the workflow steps."""
    app.function("request_approval")(ask_for_approval)
