"""The methods about the bookmarks of channels: bookmarks.*."""

from __future__ import annotations

from typing import Any

from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, failed, missing
from anchorbolt.emulator.scene import APP_ID, BOT_USER_ID, fresh_id
from anchorbolt.emulator.state.workspace import Workspace


def add_bookmark(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Adds a bookmark to a channel."""
    if refused := missing(arguments, "channel_id", "title", "type"):
        return refused
    channel = workspace.channels.find(arguments["channel_id"])
    if channel is None:
        return failed("channel_not_found")
    if arguments["type"] == "link" and not arguments.get("link"):
        return failed("invalid_link")
    kept: dict[str, Any] = {
        "id": fresh_id("Bk"),
        "channel_id": channel.id,
        "app_id": APP_ID,
        "rank": "i",
        "icon_url": None,
    }
    kept |= {name: arguments.get(name) for name in ("title", "type", "link", "emoji", "entity_id")}
    kept |= {"date_created": int(now), "date_updated": 0, "last_updated_by_user_id": BOT_USER_ID}
    workspace.bookmarks[kept["id"]] = kept
    return {"ok": True, "bookmark": kept}


def edit_bookmark(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Changes a bookmark: `bookmarks.edit`."""
    kept = _bookmark(arguments, workspace)
    if kept is None:
        return failed("not_found")
    changes = {name: arguments[name] for name in ("title", "link", "emoji") if arguments.get(name)}
    workspace.bookmarks[kept["id"]] = kept = kept | changes | {"date_updated": int(now)}
    return {"ok": True, "bookmark": kept}


def remove_bookmark(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Removes a bookmark: `bookmarks.remove`."""
    kept = _bookmark(arguments, workspace)
    if kept is None:
        return failed("not_found")
    del workspace.bookmarks[kept["id"]]
    return {"ok": True}


def bookmarks(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The bookmarks of a channel."""
    channel = workspace.channels.find(arguments.get("channel_id"))
    if channel is None:
        return failed("channel_not_found")
    return {
        "ok": True,
        "bookmarks": [kept for kept in workspace.bookmarks.values() if kept["channel_id"] == channel.id],
    }


def _bookmark(arguments: Arguments, workspace: Workspace) -> dict[str, Any] | None:
    channel = workspace.channels.find(arguments.get("channel_id"))
    kept = workspace.bookmarks.get(str(arguments.get("bookmark_id") or ""))
    return kept if kept is not None and channel is not None and kept["channel_id"] == channel.id else None


METHODS: dict[str, Answering] = {
    "bookmarks.add": add_bookmark,
    "bookmarks.edit": edit_bookmark,
    "bookmarks.remove": remove_bookmark,
    "bookmarks.list": bookmarks,
}
