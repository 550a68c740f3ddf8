"""All that the emulator remembers, in one object that is given to every answer."""

from __future__ import annotations

from typing import Any

from anchorbolt.emulator.state.bounded import Bounded
from anchorbolt.emulator.state.channels import Channels
from anchorbolt.emulator.state.files import Files
from anchorbolt.emulator.state.grants import Grants
from anchorbolt.emulator.state.messages import Messages
from anchorbolt.emulator.state.users import Users

Place = tuple[str, str]
"""A channel's id and a message's `ts`."""


class Workspace:
    """The made-up workspace. All workspaces that tokens name share its channels, users and messages.

    `base` is the emulator's address as the current call names it, without a slash; `token` is that of the call.
    """

    def __init__(self) -> None:
        self.base = "http://127.0.0.1"
        self.token = ""
        self.grants = Grants()
        self.channels = Channels()
        self.users = Users()
        self.messages = Messages()
        self.files = Files()
        self.reactions: Bounded[Place, dict[str, list[str]]] = Bounded()
        self.pins: Bounded[Place, dict[str, Any]] = Bounded()
        self.streams: Bounded[Place, bool] = Bounded()
        self.scheduled: Bounded[str, dict[str, Any]] = Bounded()
        self.views: Bounded[str, dict[str, Any]] = Bounded()
        self.used_triggers: Bounded[str, bool] = Bounded()
        self.bookmarks: Bounded[str, dict[str, Any]] = Bounded()
        self.reminders: Bounded[str, dict[str, Any]] = Bounded()
        self.usergroups: Bounded[str, dict[str, Any]] = Bounded()

    def forget(self) -> None:
        """Forgets all that was made. The uploads look at the same object of files before and after that."""
        files = self.files
        vars(files).update(vars(Files()))
        vars(self).update(vars(Workspace()) | {"files": files})
