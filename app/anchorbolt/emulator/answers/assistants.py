"""The methods of assistants, agents and custom functions: what they tell Slack is shown, and never read again."""

from __future__ import annotations

from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, decoded, failed, invalid, is_ts, missing
from anchorbolt.emulator.state.workspace import Workspace


def set_status(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Shows what the assistant does; an empty status shows nothing."""
    if arguments.get("status") is None:
        return invalid("missing required field: status")
    return _in_thread(arguments, workspace)


def set_title(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Names a thread with the assistant."""
    return missing(arguments, "title") or _in_thread(arguments, workspace)


def set_prompts(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Suggests what the user could ask."""
    prompts = decoded(arguments.get("prompts"))
    if not isinstance(prompts, list) or not all(isinstance(one, dict) and one.get("message") for one in prompts):
        return invalid("missing required field: prompts")
    channel = workspace.channels.find(arguments.get("channel_id"))
    return {"ok": True} if channel else failed("channel_not_found")


def set_session_status(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Shows what an agent does in a session."""
    return missing(arguments, "status") or _in_channel(arguments, workspace)


def rename_session(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Names a session with an agent."""
    return missing(arguments, "title") or _in_channel(arguments, workspace)


def complete_success(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Ends a custom function well."""
    if not isinstance(decoded(arguments.get("outputs", {})), dict):
        return invalid("must be an object [json-pointer:/outputs]")
    return missing(arguments, "function_execution_id") or {"ok": True}


def complete_error(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Ends a custom function with an error."""
    return missing(arguments, "function_execution_id", "error") or {"ok": True}


def _in_channel(arguments: Arguments, workspace: Workspace) -> Answer:
    return {"ok": True} if workspace.channels.find(arguments.get("channel_id")) else failed("channel_not_found")


def _in_thread(arguments: Arguments, workspace: Workspace) -> Answer:
    answer = _in_channel(arguments, workspace)
    ts = str(arguments.get("thread_ts") or "")
    return answer if not answer["ok"] or is_ts(ts) else failed("invalid_thread_ts")


METHODS: dict[str, Answering] = {
    "assistant.threads.setStatus": set_status,
    "assistant.threads.setTitle": set_title,
    "assistant.threads.setSuggestedPrompts": set_prompts,
    "agents.sessions.setStatus": set_session_status,
    "agents.sessions.rename": rename_session,
    "functions.completeSuccess": complete_success,
    "functions.completeError": complete_error,
}
