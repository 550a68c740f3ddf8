"""What each Web API method answers, in the shapes that slack_sdk and Bolt read. Every other name is no method.

Each method is a function of the call's arguments, of the emulator's workspace, which it may change, and of the time in
seconds since 1970 (`Answering` in shape.py). It returns the answer; its docstring says what the method does.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from anchorbolt.emulator.answers import (
    assistants,
    bookmarks,
    channel_changes,
    chat,
    conversations,
    files,
    history,
    members,
    oauth,
    reactions,
    reminders,
    scheduled,
    streams,
    team,
    usergroups,
    users,
    views,
)
from anchorbolt.emulator.answers.generic import generic_answers
from anchorbolt.emulator.answers.shape import Answering

OPEN_SOCKET = "apps.connections.open"
"""The method that the server answers, because it opens a connection in Socket Mode."""

_FAMILIES = (
    assistants,
    bookmarks,
    channel_changes,
    chat,
    conversations,
    files,
    history,
    members,
    oauth,
    reactions,
    reminders,
    scheduled,
    streams,
    team,
    usergroups,
    users,
    views,
)
PLAYED: Mapping[str, Answering] = MappingProxyType(
    {method: answering for family in _FAMILIES for method, answering in family.METHODS.items()}
)
"""The methods that the emulator plays: what they change, others tell."""


def answers() -> dict[str, Answering]:
    """The answers of all of Slack's methods, for one emulator: each tells once what it does not play."""
    return generic_answers(frozenset(PLAYED) | {OPEN_SOCKET}) | dict(PLAYED)
