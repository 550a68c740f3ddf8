"""The lanes of messages, and of what happens to a message: a channel, and a thread or a message in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anchorbolt.delivery.keys import COMPOSER
from anchorbolt.delivery.paths import TS, Path, as_identifier, first, identifier, text_named

Event = Mapping[str, Any]
ThreadAndMessage = tuple[tuple[Path, ...], tuple[Path, ...]]

# The channel types in which a user sees one sequence: a direct message with the app, and the app's Messages tab.
DIRECT = ("im", "app_home")

# Where an event tells of another message: in which thread that one is, and which message it is. Its own `ts` is that of
# the edit or the deletion, and names nothing that a user sees. Of several paths, the first that leads to a text counts.
EDITED: ThreadAndMessage = (("message", "thread_ts"),), (("message", "ts"),)
DELETED: ThreadAndMessage = (("previous_message", "thread_ts"),), (("deleted_ts",), ("previous_message", "ts"))
ABOUT_ANOTHER = {"message_changed": EDITED, "message_replied": EDITED, "message_deleted": DELETED}

# About which message a reaction, a pin or a star is.
ITEM_CHANNEL: tuple[Path, ...] = (("item", "channel"), ("channel_id",), ("channel",))
ITEM_TS: tuple[Path, ...] = (("item", "ts"), ("item", "message", "ts"), ("message_ts",))


def of_message(event: Event) -> str | None:
    """The lane of a message or an app mention: its thread, or in a direct message without a thread the channel.

    A message that begins a thread is in that thread's lane. None for what names no channel or no message, as in all of
    these functions.
    """
    channel = as_identifier(text_named(event, "channel"))
    if channel is None or channel == COMPOSER:
        return None
    subtype = event.get("subtype")
    if isinstance(subtype, str) and subtype in ABOUT_ANOTHER:
        thread, itself = (first(event, paths) for paths in ABOUT_ANOTHER[subtype])
    else:
        thread, itself = text_named(event, "thread_ts"), text_named(event, "ts")
    if thread is None and event.get("channel_type") in DIRECT:
        return channel
    return _named(channel, thread or itself)


def of_item(event: Event) -> str | None:
    """The lane of a reaction, a pin or a star: the message that it is about. Its thread is not in the payload."""
    return _named(_channel(event, ITEM_CHANNEL), first(event, ITEM_TS))


def of_link(event: Event) -> str | None:
    """The lane of a shared link: the message that holds it. None in the composer, where there is no message yet."""
    if event.get("source") == "composer":
        return None
    return _named(_channel(event, (("channel",),)), first(event, (("message_ts",),)))


def of_metadata(event: Event) -> str | None:
    """The lane of the metadata of a message: that message."""
    return _named(_channel(event, (("channel_id",),)), first(event, (("message_ts",),)))


def of_assistant(event: Event) -> str | None:
    """The lane of an assistant's thread, which is that of the messages in it."""
    channel = _channel(event, (("assistant_thread", "channel_id"),))
    return _named(channel, first(event, (("assistant_thread", "thread_ts"),)))


def _channel(event: Event, paths: tuple[Path, ...]) -> str | None:
    channel = identifier(event, paths)
    return channel if channel != COMPOSER else None


def _named(channel: str | None, ts: str | None) -> str | None:
    return f"{channel}:{ts}" if channel is not None and ts is not None and TS.fullmatch(ts) else None
