"""The methods that open and change views: views.*, and dialog.open."""

from __future__ import annotations

from typing import Any

from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, decoded, failed, invalid
from anchorbolt.emulator.scene import APP_ID, BOT_ID, TEAM_ID, fresh_id, is_expired, is_ours
from anchorbolt.emulator.state.workspace import Workspace

_BLOCKS = 100


def open_view(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Opens a modal, unless its `trigger_id` is expired or used."""
    view = _view(arguments, "modal", "workflow_step")
    if "ok" in view:
        return view
    return _triggered(arguments, workspace, now) or _shown(view, {}, workspace, now)


def push_view(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Pushes a modal onto the one that is shown."""
    view = _view(arguments, "modal")
    if "ok" in view:
        return view
    refused = _triggered(arguments, workspace, now)
    if refused:
        return refused
    modals = [shown for shown in workspace.views.values() if shown["type"] == "modal"]
    below = modals[-1] if modals else None
    place = {"root_view_id": below["root_view_id"], "previous_view_id": below["id"]} if below else {}
    return _shown(view, place, workspace, now)


def update_view(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Changes a modal. One that the emulator never saw counts as shown, because samples refer to such views."""
    view = _view(arguments, "modal", "home", "workflow_step")
    if "ok" in view:
        return view
    view_id, external_id = arguments.get("view_id"), arguments.get("external_id")
    if not (view_id or external_id):
        return invalid("missing required field: view_id or external_id")
    old = workspace.views.get(str(view_id)) if view_id else _by_external_id(external_id, workspace)
    if old is None and not view_id:
        return failed("not_found")
    if old is not None and arguments.get("hash") and arguments["hash"] != old["hash"]:
        return failed("hash_conflict")
    kept = old or {"id": str(view_id)}
    place: dict[str, Any] = {
        name: kept[name] for name in ("id", "root_view_id", "previous_view_id", "external_id") if name in kept
    }
    return _shown(view, place, workspace, now)


def publish_view(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Publishes the home tab of a user."""
    view = _view(arguments, "home", "modal")
    if "ok" in view:
        return view
    user_id = str(arguments.get("user_id") or "")
    if not user_id:
        return invalid("missing required field: user_id")
    home_id = f"V0HOME{user_id}"
    old = workspace.views.get(home_id)
    if old is not None and arguments.get("hash") and arguments["hash"] != old["hash"]:
        return failed("hash_conflict")
    return _shown(view, {"id": home_id}, workspace, now)


def open_dialog(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Opens a dialog, which modals have replaced."""
    if not isinstance(decoded(arguments.get("dialog")), dict):
        return failed("invalid_dialog")
    return _triggered(arguments, workspace, now) or {"ok": True}


def _view(arguments: Arguments, *kinds: str) -> Answer:
    """The view of a call, or the answer to one that is no view of these kinds."""
    view = decoded(arguments.get("view"))
    if not isinstance(view, dict):
        return invalid("missing required field: view")
    if view.get("type") not in kinds:
        return invalid("unsupported type [json-pointer:/view/type]")
    if view["type"] == "modal" and not view.get("title"):
        return invalid("missing required field: title [json-pointer:/view]")
    if len(view.get("blocks") or []) > _BLOCKS:
        return invalid(f"no more than {_BLOCKS} items allowed [json-pointer:/view/blocks]")
    return {name: value for name, value in view.items() if name != "ok"}


def _triggered(arguments: Arguments, workspace: Workspace, now: float) -> Answer | None:
    """The answer to a `trigger_id` that cannot be used; None, and it is used up, for one that can."""
    trigger_id = str(arguments.get("trigger_id") or arguments.get("interactivity_pointer") or "")
    if not trigger_id:
        return invalid("missing required field: trigger_id")
    if is_expired(trigger_id, now):
        return failed("expired_trigger_id")
    if trigger_id in workspace.used_triggers:
        return failed("exchanged_trigger_id")
    if is_ours(trigger_id):
        workspace.used_triggers[trigger_id] = True
    return None


def _by_external_id(external_id: object, workspace: Workspace) -> dict[str, Any] | None:
    return next((shown for shown in workspace.views.values() if shown.get("external_id") == external_id), None)


def _shown(view: dict[str, Any], place: dict[str, Any], workspace: Workspace, now: float) -> Answer:
    view_id = place.get("id") or fresh_id("V")
    usual: dict[str, Any] = {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "close": None,
        "submit": None,
        "title": None,
    }
    usual |= {"clear_on_close": False, "notify_on_close": False}
    own = {"id": view_id, "team_id": TEAM_ID, "app_id": APP_ID, "app_installed_team_id": TEAM_ID, "bot_id": BOT_ID}
    own |= {"root_view_id": view_id, "previous_view_id": None, "hash": f"{int(now)}.{fresh_id('h')}"}
    shown = usual | own | {"state": {"values": {}}} | place | view
    workspace.views[view_id] = shown
    return {"ok": True, "view": shown}


METHODS: dict[str, Answering] = {
    "views.open": open_view,
    "views.push": push_view,
    "views.update": update_view,
    "views.publish": publish_view,
    "dialog.open": open_dialog,
}
