"""The lane of a delivery: what runs one at a time, in the order in which it was accepted.

A lane exists only where a user can see an order (docs/decisions/0072). So each type of event is named here with what it
is about; a type that is not named has a lane of its own for each event, and waits for nothing.

The names of lanes are stored and shown. Their forms never meet: `:`, `/`, `=` and `!` are no part of Slack's ids.

- `C1:1700000000.000100`: a thread, or a message and what happens to it. `D1`: a direct message without a thread.
- `file/T1/F1`: an object, with its workspace.
- `=A1:Ev1`: one delivery alone. `!A1:Ev1`: one urgent event alone.

The types are those of https://docs.slack.dev/reference/events/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from anchorbolt.delivery import messages
from anchorbolt.delivery.keys import COMPOSER, workspace
from anchorbolt.delivery.kinds import EVENT, Kind
from anchorbolt.delivery.paths import Path, identifier
from anchorbolt.delivery.urgent import URGENT_EVENTS, URGENT_SIGN

Event = Mapping[str, Any]
Payload = Mapping[str, Any]
# From an event and the payload around it to the name of its lane; None: the event names nothing of that sort.
Name = Callable[[Event, Payload], str | None]


def lane(kind: Kind, type_: str, key: str, payload: Payload) -> str:
    """The name of the lane in which a delivery runs.

    `type_` is Slack's word for what it is, such as `app_mention`; `key` is its idempotency key. Everything but an event
    has a lane of its own, because a user waits for it.
    """
    if kind is not EVENT:
        return f"={key}"
    if type_ in URGENT_EVENTS:
        return f"{URGENT_SIGN}{key}"
    if type_ in ABOUT_A_MESSAGE:
        named = ABOUT_A_MESSAGE[type_](payload["event"])
    else:
        name = BY_TYPE.get(type_) or BY_FIRST_WORD.get(type_.partition("_")[0])
        named = name(payload["event"], payload) if name is not None else None
    return named or f"={key}"


def _object(sort: str, *paths: Path) -> Name:
    """The lane of an object: `paths` are the places in the event where it may be named, the first of them counts."""

    def find(event: Event, payload: Payload) -> str | None:
        where, named = workspace(EVENT, payload), identifier(event, paths)
        if where is None or named is None or named == COMPOSER:
            return None
        return f"{sort}/{where}/{named}"

    return find


def _of_installation(_: Event, payload: Payload) -> str | None:
    """The lane of an uninstallation, revoked tokens or granted scopes: the installation in this workspace.

    One of a whole organization is the same for all its workspaces, of which Slack names any.
    """
    first = payload.get("authorizations")
    first = first[0] if isinstance(first, list) and first and isinstance(first[0], Mapping) else {}
    org_wide = first.get("is_enterprise_install") is True
    where = (identifier(first, (("enterprise_id",),)) if org_wide else None) or workspace(EVENT, payload)
    return f"installation/{where}" if where is not None else None


def _of_item(event: Event, payload: Payload) -> str | None:
    """The lane of a reaction, a pin or a star: the message that it is about, else the file, else the channel."""
    return messages.of_item(event) or FILE(event, payload) or CHANNEL(event, payload)


FILE = _object("file", ("file_id",), ("file", "id"), ("file",), ("item", "file"), ("item", "file", "id"))
USER = _object("user", ("user",), ("user", "id"), ("user_id",))
CHANNEL = _object("channel", ("channel",), ("channel", "id"), ("channel_id",), ("new_channel_id",), ("item", "channel"))

# These lanes are named from the event alone; those of BY_TYPE and BY_FIRST_WORD need the payload around it too.
ABOUT_A_MESSAGE: Mapping[str, Callable[[Event], str | None]] = {
    "message": messages.of_message,
    "app_mention": messages.of_message,
    "link_shared": messages.of_link,
    "message_metadata_posted": messages.of_metadata,
    "message_metadata_updated": messages.of_metadata,
    "message_metadata_deleted": messages.of_metadata,
    "assistant_thread_started": messages.of_assistant,
    "assistant_thread_context_changed": messages.of_assistant,
}
BY_TYPE: Mapping[str, Name] = {
    "app_home_opened": _object("home", ("user",)),
    "app_uninstalled": _of_installation,
    "tokens_revoked": _of_installation,
    "team_join": USER,
    "dnd_updated": USER,
    "dnd_updated_user": USER,
    "member_joined_channel": CHANNEL,
    "member_left_channel": CHANNEL,
    "shared_channel_invite_received": CHANNEL,
    "shared_channel_invite_requested": CHANNEL,
    "shared_channel_invite_accepted": CHANNEL,
    "shared_channel_invite_approved": CHANNEL,
    "shared_channel_invite_declined": CHANNEL,
}
# By the first word of the type, for sorts of events that are all about the same sort of object. `group`, `im` and
# `mpim` are channels by their older names.
BY_FIRST_WORD: Mapping[str, Name] = {
    "reaction": _of_item,
    "pin": _of_item,
    "star": _of_item,
    "scope": _of_installation,
    "file": FILE,
    "user": USER,
    "channel": CHANNEL,
    "group": CHANNEL,
    "im": CHANNEL,
    "mpim": CHANNEL,
    "subteam": _object("subteam", ("subteam_id",), ("subteam", "id")),
    "canvas": _object("canvas", ("canvas_id",), ("canvas", "id"), ("file_id",)),
    "list": _object("list", ("list_id",), ("list", "id"), ("file_id",)),
}
