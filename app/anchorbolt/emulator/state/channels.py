"""The channels of the made-up workspace: those that it begins with, and those that the app makes or names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from anchorbolt.emulator.scene import BOT_USER_ID, TEAM_ID, fresh_id
from anchorbolt.emulator.state.bounded import Bounded

_ID = re.compile(r"[CDG][A-Z0-9]+")
_USER_ID = re.compile(r"[UW][A-Z0-9]+")
_CREATED = 1_700_000_000


@dataclass(slots=True)
class Channel:
    """A channel. `members` holds the ids of its users; `created` is in seconds since 1970."""

    id: str
    name: str
    created: int = _CREATED
    creator: str = BOT_USER_ID
    is_private: bool = False
    is_archived: bool = False
    topic: str = ""
    purpose: str = ""
    members: list[str] = field(default_factory=lambda: [BOT_USER_ID, "U0ADA", "U0GRACE"])

    @property
    def is_dm(self) -> bool:
        """Whether it is a direct message."""
        return self.id.startswith("D")

    def public(self) -> dict[str, Any]:
        """The channel as `conversations.info` tells it."""
        told = {"id": self.id, "created": self.created, "is_archived": self.is_archived, "is_org_shared": False}
        told |= {"is_im": self.is_dm, "is_mpim": self.name.startswith("mpdm-"), "is_shared": False}
        told |= {"context_team_id": TEAM_ID, "updated": self.created * 1000}
        if self.is_dm:
            return told | {"user": next((user for user in self.members if user != BOT_USER_ID), ""), "is_open": True}
        told |= {"name": self.name, "name_normalized": self.name, "creator": self.creator}
        told |= {"is_channel": not self.is_private, "is_group": self.is_private, "is_private": self.is_private}
        told |= {"is_general": self.id == "C0GENERAL", "is_member": BOT_USER_ID in self.members, "is_ext_shared": False}
        told |= {"topic": _note(self.topic), "purpose": _note(self.purpose), "num_members": len(self.members)}
        return told | {"previous_names": [], "unlinked": 0, "shared_team_ids": [TEAM_ID], "pending_shared": []}


class Channels:
    """The channels. Every id that looks like one of Slack's names a channel, because payloads may hold any."""

    def __init__(self) -> None:
        self._channels: Bounded[str, Channel] = Bounded()
        for known in (Channel("C0GENERAL", "general"), Channel("C0RANDOM", "random")):
            self._channels[known.id] = known

    def find(self, named: object) -> Channel | None:
        """The channel with an id or a name, the direct messages of a user's id, or None.

        A name with `#` that is new makes a channel, so that an app can post to the channels that its settings name.
        """
        text = str(named or "")
        found = self._channels.get(text)
        if found is not None:
            return found
        if _ID.fullmatch(text):
            members = [BOT_USER_ID, f"U{text[1:]}"] if text.startswith("D") else None
            made = Channel(text, text.lower(), is_private=text.startswith("G"))
            return self.keep(replace(made, members=members) if members else made)
        if _USER_ID.fullmatch(text):
            return self.keep(Channel(f"D{text[1:]}", "", members=[BOT_USER_ID, text]))
        by_name = self.by_name(text.removeprefix("#"))
        return by_name or (self.keep(Channel(fresh_id("C"), text[1:])) if text.startswith("#") and text[1:] else None)

    def by_name(self, name: str) -> Channel | None:
        """The channel with this name, archived or not, or None."""
        return next(
            (channel for channel in self._channels.values() if channel.name == name and not channel.is_dm), None
        )

    def keep(self, channel: Channel) -> Channel:
        """Stores a channel and returns the one that is kept under its id."""
        if channel.id not in self._channels:
            self._channels[channel.id] = channel
        return self._channels[channel.id]

    def all(self) -> list[Channel]:
        """All channels that are known so far, the oldest first."""
        return sorted(self._channels.values(), key=lambda channel: (channel.created, channel.id))


def _note(value: str) -> dict[str, Any]:
    return {"value": value, "creator": BOT_USER_ID if value else "", "last_set": _CREATED if value else 0}
