"""What each Web API method answers, in the shapes that slack_sdk and Bolt read. Every other name is no method."""

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
