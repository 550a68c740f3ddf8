"""The table of the design on lanes, written down a second time: what each type of event is about, read by hand.

It knows nothing of the code that it checks. `about` says what an event is about; two events share a lane where that is
the same thing, and only there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st

ROOT = Path(__file__).parents[3]
# Beside the repository, or beside a worktree's. It is no part of the repository: where it is not, SHAPES are enough.
BESIDE = next((path for path in (ROOT.parent / "shared", ROOT.parents[1] / "shared") if path.is_dir()), ROOT.parent)
CORPUS = Path(os.environ.get("PAYLOADS", BESIDE / "payloads"))

Event = dict[str, Any]
About = tuple[str, ...] | None


def message(event: Event, _: str) -> About:
    """Edits and deletions are about the message that they change; a direct message is a part of its channel."""
    changed = {"message_changed": "message", "message_replied": "message", "message_deleted": "previous_message"}
    it = event[changed[event["subtype"]]] if event.get("subtype") in changed else event
    if it.get("thread_ts"):
        return "message", event["channel"], it["thread_ts"]
    if event.get("channel_type") == "im":
        return "direct", event["channel"]
    return "message", event["channel"], event["deleted_ts"] if "deleted_ts" in event else it["ts"]


def item(event: Event, workspace: str) -> About:
    """What somebody reacted to, pinned or starred."""
    it = event["item"]
    if it["type"] == "message":
        return "message", it["channel"], it["ts"] if "ts" in it else it["message"]["ts"]
    if it["type"] == "file":
        return "file", workspace, it["file"]
    return "channel", workspace, it["channel"]


def link(event: Event, _: str) -> About:
    """The message with the link; in the composer there is none."""
    if event["channel"] == "COMPOSER" or event["source"] == "composer":
        return None
    return "message", event["channel"], event["message_ts"]


def assistant(event: Event, _: str) -> About:
    """The assistant's thread, in which its messages are too."""
    return "message", event["assistant_thread"]["channel_id"], event["assistant_thread"]["thread_ts"]


def one(sort: str, *names: str) -> Callable[[Event, str], About]:
    """An object, by its id; each name is a step into the event."""

    def find(event: Event, workspace: str) -> About:
        found: Any = event
        for name in names:
            found = found[name]
        return sort, workspace, found["id"] if isinstance(found, dict) else found

    return find


def installation(_: Event, workspace: str) -> About:
    """The app's installation in the workspace."""
    return "installation", workspace


def nothing(_: Event, __: str) -> About:
    """Nothing whose order a user sees."""
    return None


channel, user, file = one("channel", "channel"), one("user", "user"), one("file", "file_id")
TABLE: dict[str, Callable[[Event, str], About]] = {
    "message": message, "app_mention": message,
    "reaction_added": item, "reaction_removed": item, "pin_added": item, "pin_removed": item,
    "star_added": item, "star_removed": item,
    "link_shared": link,
    "message_metadata_posted": lambda e, _: ("message", e["channel_id"], e["message_ts"]),
    "assistant_thread_started": assistant, "assistant_thread_context_changed": assistant,
    "app_home_opened": one("home", "user"),
    "file_created": file, "file_change": file, "file_deleted": file, "file_shared": file, "file_unshared": file,
    "file_public": file,
    "team_join": user, "user_change": user, "user_huddle_changed": user, "user_status_changed": user,
    "user_resource_denied": user, "user_resource_granted": user, "dnd_updated": user,
    "channel_archive": channel, "channel_created": channel, "channel_rename": channel, "channel_shared": channel,
    "channel_unshared": channel, "channel_id_changed": one("channel", "new_channel_id"),
    "group_close": channel, "group_deleted": channel, "group_left": channel, "group_open": channel,
    "group_unarchive": channel, "im_close": channel, "im_open": channel, "im_created": channel,
    "member_joined_channel": channel, "member_left_channel": channel,
    "subteam_created": one("subteam", "subteam"), "subteam_updated": one("subteam", "subteam"),
    "subteam_members_changed": one("subteam", "subteam_id"),
    "subteam_self_added": one("subteam", "subteam_id"), "subteam_self_removed": one("subteam", "subteam_id"),
    "app_uninstalled": installation, "tokens_revoked": installation,
    "scope_granted": installation, "scope_denied": installation,
    "function_executed": nothing, "agent_session_stopped": nothing, "emoji_changed": nothing, "team_rename": nothing,
    "team_access_granted": nothing, "team_access_revoked": nothing, "email_domain_changed": nothing,
    "grid_migration_started": nothing, "grid_migration_finished": nothing, "resources_added": nothing,
    "app_requested": nothing, "workflow_deleted": nothing, "workflow_step_deleted": nothing,
    "workflow_step_execute": nothing, "something_new": nothing,
    # Their samples name no channel.
    "channel_history_changed": nothing, "im_history_changed": nothing,
}  # fmt: skip

# Events as Slack sends them, without what tells nothing of the lane. The ids are placeholders: see `events`.
SHAPES: list[Event] = [
    {"type": "message", "channel": "C0", "user": "U0", "ts": "0.0"},
    {"type": "message", "channel": "C0", "user": "U0", "ts": "0.0", "thread_ts": "0.0", "channel_type": "channel"},
    {"type": "message", "channel": "C0", "user": "U0", "ts": "0.0", "channel_type": "im"},
    {"type": "message", "channel": "C0", "user": "U0", "ts": "0.0", "thread_ts": "0.0", "channel_type": "im"},
    {"type": "message", "subtype": "bot_message", "channel": "C0", "ts": "0.0", "channel_type": "mpim"},
    {"type": "message", "subtype": "message_changed", "channel": "C0", "ts": "0.0", "message": {"ts": "0.0"},
     "previous_message": {"ts": "0.0"}},
    {"type": "message", "subtype": "message_changed", "channel": "C0", "ts": "0.0", "channel_type": "im",
     "message": {"ts": "0.0"}},
    {"type": "message", "subtype": "message_changed", "channel": "C0", "ts": "0.0",
     "message": {"ts": "0.0", "thread_ts": "0.0"}},
    {"type": "message", "subtype": "message_deleted", "channel": "C0", "ts": "0.0", "deleted_ts": "0.0",
     "previous_message": {"ts": "0.0"}},
    {"type": "message", "subtype": "message_deleted", "channel": "C0", "ts": "0.0", "deleted_ts": "0.0",
     "previous_message": {"ts": "0.0", "thread_ts": "0.0"}},
    {"type": "message", "subtype": "message_deleted", "channel": "C0", "ts": "0.0", "deleted_ts": "0.0",
     "previous_message": {"ts": "0.0"}, "channel_type": "im"},
    {"type": "app_mention", "channel": "C0", "user": "U0", "ts": "0.0"},
    {"type": "app_mention", "channel": "C0", "user": "U0", "ts": "0.0", "thread_ts": "0.0"},
    {"type": "reaction_added", "user": "U0", "item": {"type": "message", "channel": "C0", "ts": "0.0"}},
    {"type": "reaction_removed", "user": "U0", "item": {"type": "file", "file": "F0"}},
    {"type": "pin_added", "user": "U0", "channel_id": "C0",
     "item": {"type": "message", "channel": "C0", "message": {"ts": "0.0"}}},
    {"type": "star_added", "user": "U0", "item": {"type": "channel", "channel": "C0"}},
    {"type": "link_shared", "user": "U0", "channel": "C0", "message_ts": "0.0", "thread_ts": "0.0", "source": "x"},
    {"type": "link_shared", "user": "U0", "channel": "COMPOSER", "message_ts": "U0-1-a", "source": "composer"},
    {"type": "message_metadata_posted", "user_id": "U0", "channel_id": "C0", "message_ts": "0.0"},
    {"type": "assistant_thread_started", "assistant_thread": {"user_id": "U0", "channel_id": "C0", "thread_ts": "0.0"}},
    {"type": "assistant_thread_context_changed",
     "assistant_thread": {"user_id": "U0", "channel_id": "C0", "thread_ts": "0.0", "context": {"channel_id": "C0"}}},
    {"type": "app_home_opened", "user": "U0", "channel": "C0", "tab": "home"},
    {"type": "agent_session_stopped", "channel": "C0", "thread_ts": "0.0", "user": "U0", "streaming_message_ts": []},
    {"type": "function_executed", "function": {"id": "Fn1"}, "inputs": {"user_id": "U0"}},
    {"type": "emoji_changed", "subtype": "add", "name": "x"},
    {"type": "team_rename", "name": "x"},
    {"type": "something_new", "channel": "C0", "user": "U0", "file_id": "F0", "ts": "0.0", "thread_ts": "0.0"},
    *({"type": f"file_{what}", "file_id": "F0", "file": {"id": "F0"}, "user_id": "U0"}
      for what in ("created", "change", "deleted", "public")),
    {"type": "file_shared", "file_id": "F0", "file": {"id": "F0"}, "user_id": "U0", "channel_id": "C0"},
    {"type": "team_join", "user": {"id": "U0"}},
    {"type": "user_change", "user": {"id": "U0"}},
    {"type": "dnd_updated", "user": "U0"},
    {"type": "channel_created", "channel": {"id": "C0", "creator": "U0"}},
    {"type": "channel_archive", "channel": "C0", "user": "U0"},
    {"type": "group_left", "channel": "C0", "user": "U0"},
    {"type": "im_created", "channel": {"id": "C0"}, "user": "U0"},
    {"type": "member_joined_channel", "channel": "C0", "user": "U0", "inviter": "U0"},
    {"type": "member_left_channel", "channel": "C0", "user": "U0"},
    {"type": "subteam_updated", "subteam": {"id": "S0"}},
    {"type": "subteam_members_changed", "subteam_id": "S0", "added_users": ["U0"]},
    {"type": "app_uninstalled"},
    {"type": "tokens_revoked", "tokens": {"oauth": ["U0"], "bot": ["U0"]}},
    {"type": "scope_granted", "scopes": ["chat:write"]},
]  # fmt: skip
ID = re.compile(r"[CDFGSTUWX][0-9A-F]+")
STAMP = re.compile(r"\d+\.\d+")


EVENTS = SHAPES + [json.loads(path.read_text())["event"] for path in sorted((CORPUS / "events").glob("*.json"))]


def about(event: Event, workspace: str) -> About:
    """What an event is about; None: it has a lane of its own."""
    return TABLE[event["type"]](event, workspace)


@st.composite
def events(draw: st.DrawFn) -> tuple[Event, str]:
    """An event and its workspace. The ids are so few that two events often name the same channel, user or time."""
    chance = draw(st.randoms(use_true_random=False))
    event = draw(st.sampled_from(EVENTS))
    # A channel may be named like a user: what sort of object it is tells them apart, not the letter.
    return renamed(event, ["Z1", "Z2"], ["1.1", "2.2"], chance), draw(st.sampled_from(["T1", "T2"]))


def renamed(value: Any, ids: list[str], stamps: list[str], chance: Random) -> Any:
    """An event with others of these in the place of its ids and times."""
    if isinstance(value, dict):
        return {name: renamed(inner, ids, stamps, chance) for name, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, ids, stamps, chance) for inner in value]
    if not isinstance(value, str):
        return value
    if STAMP.fullmatch(value):
        return chance.choice(stamps)
    return chance.choice(ids) if ID.fullmatch(value) else value
