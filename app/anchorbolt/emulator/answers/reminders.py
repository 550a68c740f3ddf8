"""The methods about reminders: reminders.*."""

from __future__ import annotations

from typing import Any

from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, failed, missing, number
from anchorbolt.emulator.scene import BOT_USER_ID, fresh_id
from anchorbolt.emulator.state.workspace import Workspace


def add_reminder(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Makes a reminder. A time in words is told as now, because the emulator reads numbers only."""
    if refused := missing(arguments, "text", "time"):
        return refused
    kept: dict[str, Any] = {"id": fresh_id("Rm"), "creator": BOT_USER_ID, "user": arguments.get("user") or BOT_USER_ID}
    kept |= {
        "text": arguments["text"],
        "recurring": False,
        "time": number(arguments, "time", int(now)),
        "complete_ts": 0,
    }
    workspace.reminders[kept["id"]] = kept
    return {"ok": True, "reminder": kept}


def reminder(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """A reminder: `reminders.info`."""
    kept = workspace.reminders.get(str(arguments.get("reminder") or ""))
    return {"ok": True, "reminder": kept} if kept else failed("not_found")


def complete_reminder(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Marks a reminder as done."""
    kept = workspace.reminders.get(str(arguments.get("reminder") or ""))
    if kept is None:
        return failed("not_found")
    workspace.reminders[kept["id"]] = kept | {"complete_ts": int(now)}
    return {"ok": True}


def delete_reminder(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Deletes a reminder: `reminders.delete`."""
    return {"ok": True} if workspace.reminders.pop(str(arguments.get("reminder") or ""), None) else failed("not_found")


def reminders(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The reminders: `reminders.list`."""
    return {"ok": True, "reminders": list(workspace.reminders.values())}


METHODS: dict[str, Answering] = {
    "reminders.add": add_reminder,
    "reminders.info": reminder,
    "reminders.complete": complete_reminder,
    "reminders.delete": delete_reminder,
    "reminders.list": reminders,
}
