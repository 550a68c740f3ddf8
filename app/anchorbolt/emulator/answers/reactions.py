"""The methods about reactions and pins, of messages that the emulator knows and of any others."""

from __future__ import annotations

from anchorbolt.emulator.answers.history import told_reactions
from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, failed, is_ts, page
from anchorbolt.emulator.scene import BOT_USER_ID
from anchorbolt.emulator.state.workspace import Place, Workspace


def add(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Reacts to a message: `reactions.add`."""
    place = _place(arguments, workspace)
    name = str(arguments.get("name") or "").strip(":")
    if isinstance(place, str):
        return failed(place)
    if not name:
        return failed("invalid_name")
    reactions = workspace.reactions.get(place, {})
    if BOT_USER_ID in reactions.get(name, ()):
        return failed("already_reacted")
    workspace.reactions[place] = reactions | {name: [*reactions.get(name, ()), BOT_USER_ID]}
    return {"ok": True}


def remove(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Takes a reaction back: `reactions.remove`."""
    place = _place(arguments, workspace)
    name = str(arguments.get("name") or "").strip(":")
    if isinstance(place, str):
        return failed(place)
    reactions = dict(workspace.reactions.get(place, {}))
    users = [user for user in reactions.get(name, ()) if user != BOT_USER_ID]
    if len(users) == len(reactions.get(name, ())):
        return failed("no_reaction")
    if users:
        reactions[name] = users
    else:
        del reactions[name]
    workspace.reactions[place] = reactions
    return {"ok": True}


def get(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """A message with its reactions."""
    place = _place(arguments, workspace)
    if isinstance(place, str):
        return failed(place)
    return {"ok": True, "type": "message", "channel": place[0], "message": _message(place, workspace)}


def reacted(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The messages that the bot, or a user, reacted to, the newest reaction first."""
    user = str(arguments.get("user") or BOT_USER_ID)
    found = [
        {"type": "message", "channel": place[0], "message": _message(place, workspace)}
        for place, reactions in reversed(workspace.reactions.items())
        if any(user in users for users in reactions.values())
    ]
    return page("items", found, arguments)


def pin(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Pins a message: `pins.add`."""
    place = _place(arguments, workspace)
    if isinstance(place, str):
        return failed(place)
    if place in workspace.pins:
        return failed("already_pinned")
    workspace.pins[place] = {"type": "message", "created": int(now), "created_by": BOT_USER_ID, "channel": place[0]}
    return {"ok": True}


def unpin(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Takes a pin away: `pins.remove`."""
    place = _place(arguments, workspace)
    if isinstance(place, str):
        return failed(place)
    return {"ok": True} if workspace.pins.pop(place, None) else failed("no_pin")


def pinned(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """The pinned messages of a channel, the newest pin first."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    found = [
        pin | {"message": _message(place, workspace) | {"pinned_to": [channel.id]}}
        for place, pin in reversed(workspace.pins.items())
        if place[0] == channel.id
    ]
    return {"ok": True, "items": found}


def _place(arguments: Arguments, workspace: Workspace) -> Place | str:
    """Which message a call is about, or Slack's word for why there is none."""
    ts = str(arguments.get("timestamp") or "")
    if not ts:
        return "no_item_specified"
    if not is_ts(ts):
        return "bad_timestamp"
    channel = workspace.channels.find(arguments.get("channel"))
    return "channel_not_found" if channel is None else (channel.id, ts)


def _message(place: Place, workspace: Workspace) -> Answer:
    message = workspace.messages.find(*place) or {"type": "message", "ts": place[1], "text": ""}
    reactions = workspace.reactions.get(place)
    return message | ({"reactions": told_reactions(reactions)} if reactions else {})


METHODS: dict[str, Answering] = {
    "reactions.add": add,
    "reactions.remove": remove,
    "reactions.get": get,
    "reactions.list": reacted,
    "pins.add": pin,
    "pins.remove": unpin,
    "pins.list": pinned,
}
