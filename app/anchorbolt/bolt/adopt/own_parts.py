"""Whether a team has added something to its app: then the app is what LISTENERS means, and no function beside it."""

from __future__ import annotations

from slack_bolt import App, Assistant
from slack_bolt.async_app import AsyncApp, AsyncAssistant
from slack_bolt.middleware import CustomMiddleware
from slack_bolt.middleware.async_custom_middleware import AsyncCustomMiddleware
from slack_bolt.workflows.step.async_step_middleware import AsyncWorkflowStepMiddleware
from slack_bolt.workflows.step.step_middleware import WorkflowStepMiddleware

_ADDED = (
    CustomMiddleware,
    AsyncCustomMiddleware,
    Assistant,
    AsyncAssistant,
    WorkflowStepMiddleware,
    AsyncWorkflowStepMiddleware,
)
_OF_BOLT = "slack_bolt."


def has_own_parts(app: App | AsyncApp) -> bool:
    """Whether an app has listeners, or middleware that Bolt has not put there itself."""
    if isinstance(app, App):
        return bool(app._listeners) or any(map(_is_added, app._middleware_list))
    return bool(app._async_listeners) or any(map(_is_added, app._async_middleware_list))


def _is_added(middleware: object) -> bool:
    return isinstance(middleware, _ADDED) or not type(middleware).__module__.startswith(_OF_BOLT)
