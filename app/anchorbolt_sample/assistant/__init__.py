"""The assistant: the app as a partner in a conversation."""

from slack_bolt.async_app import AsyncApp, AsyncAssistant

from anchorbolt_sample.assistant.thread_started import greet
from anchorbolt_sample.assistant.user_message import answer


def register(app: AsyncApp) -> None:
    """Registers the assistant."""
    assistant = AsyncAssistant()
    assistant.thread_started(greet)
    assistant.user_message(answer)
    app.assistant(assistant)
