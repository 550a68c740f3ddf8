"""The methods about user groups: usergroups.*."""

from __future__ import annotations

from typing import Any

from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, failed, flag, listed, missing
from anchorbolt.emulator.scene import BOT_USER_ID, TEAM_ID, fresh_id
from anchorbolt.emulator.state.workspace import Workspace


def create_usergroup(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Makes a user group without members."""
    if refused := missing(arguments, "name"):
        return refused
    name = str(arguments["name"])
    if any(kept["name"] == name for kept in workspace.usergroups.values()):
        return failed("name_already_exists")
    kept: dict[str, Any] = {
        "id": fresh_id("S"),
        "team_id": TEAM_ID,
        "is_usergroup": True,
        "is_subteam": True,
        "name": name,
    }
    kept |= {"description": arguments.get("description") or "", "handle": arguments.get("handle") or name.lower()}
    kept |= {"is_external": False, "date_create": int(now), "date_update": int(now), "date_delete": 0, "users": []}
    kept |= {
        "created_by": BOT_USER_ID,
        "updated_by": BOT_USER_ID,
        "deleted_by": None,
        "user_count": "0",
        "auto_type": None,
    }
    kept |= {"prefs": {"channels": listed(arguments.get("channels")), "groups": []}}
    workspace.usergroups[kept["id"]] = kept
    return {"ok": True, "usergroup": kept}


def _changed(arguments: Arguments, workspace: Workspace, now: float, **changes: Any) -> Answer:
    kept = workspace.usergroups.get(str(arguments.get("usergroup") or ""))
    if kept is None:
        return failed("no_such_subteam")
    workspace.usergroups[kept["id"]] = kept = kept | changes | {"date_update": int(now)}
    return {"ok": True, "usergroup": kept}


def update_usergroup(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Changes a user group: `usergroups.update`."""
    changes = {name: arguments[name] for name in ("name", "handle", "description") if arguments.get(name)}
    return _changed(arguments, workspace, now, **changes)


def disable_usergroup(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Disables a user group, which is how one is deleted."""
    return _changed(arguments, workspace, now, date_delete=int(now), deleted_by=BOT_USER_ID)


def enable_usergroup(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Enables a user group that was disabled."""
    return _changed(arguments, workspace, now, date_delete=0, deleted_by=None)


def set_group_users(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Sets who is in a user group."""
    users = listed(arguments.get("users"))
    if not users or any(workspace.users.find(user) is None for user in users):
        return failed("invalid_users")
    return _changed(arguments, workspace, now, users=users, user_count=str(len(users)))


def group_users(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Who is in a user group."""
    kept = workspace.usergroups.get(str(arguments.get("usergroup") or ""))
    return {"ok": True, "users": kept["users"]} if kept else failed("no_such_subteam")


def usergroups(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The user groups, with their members and the disabled ones where the call asks for these."""
    found = list(workspace.usergroups.values())
    if not flag(arguments, "include_disabled"):
        found = [kept for kept in found if not kept["date_delete"]]
    if not flag(arguments, "include_users"):
        found = [{name: value for name, value in kept.items() if name != "users"} for kept in found]
    return {"ok": True, "usergroups": found}


METHODS: dict[str, Answering] = {
    "usergroups.create": create_usergroup,
    "usergroups.update": update_usergroup,
    "usergroups.disable": disable_usergroup,
    "usergroups.enable": enable_usergroup,
    "usergroups.list": usergroups,
    "usergroups.users.list": group_users,
    "usergroups.users.update": set_group_users,
}
