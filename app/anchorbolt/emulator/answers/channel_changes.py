"""The methods that change channels: conversations.rename, .setTopic, .archive and more."""

from __future__ import annotations

from anchorbolt.emulator.answers.conversations import wrong_name
from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, failed
from anchorbolt.emulator.state.workspace import Workspace


def rename(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Gives a channel another name."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    name = str(arguments.get("name") or "")
    if wrong := wrong_name(name, workspace):
        return failed(wrong)
    channel.name = name
    return {"ok": True, "channel": channel.public()}


def set_topic(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Sets the topic of a channel."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    channel.topic = str(arguments.get("topic") or "")
    return {"ok": True, "channel": channel.public(), "topic": channel.topic}


def set_purpose(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Sets the purpose of a channel."""
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    channel.purpose = str(arguments.get("purpose") or "")
    return {"ok": True, "channel": channel.public(), "purpose": channel.purpose}


def archive(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Archives a channel: nobody can post to it any more."""
    return _archived(arguments, workspace, archived=True)


def unarchive(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Takes a channel out of the archive."""
    return _archived(arguments, workspace, archived=False)


def touch(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    """Marks a channel as read, or closes it: nothing that an app could see changes."""
    return {"ok": True} if workspace.channels.find(arguments.get("channel")) else failed("channel_not_found")


def _archived(arguments: Arguments, workspace: Workspace, *, archived: bool) -> Answer:
    channel = workspace.channels.find(arguments.get("channel"))
    if channel is None:
        return failed("channel_not_found")
    if channel.id == "C0GENERAL":
        return failed("cant_archive_general" if archived else "not_archived")
    if channel.is_dm:
        return failed("method_not_supported_for_channel_type")
    if channel.is_archived == archived:
        return failed("already_archived" if archived else "not_archived")
    channel.is_archived = archived
    return {"ok": True}


METHODS: dict[str, Answering] = {
    "conversations.rename": rename,
    "conversations.setTopic": set_topic,
    "conversations.setPurpose": set_purpose,
    "conversations.archive": archive,
    "conversations.unarchive": unarchive,
    "conversations.mark": touch,
    "conversations.close": touch,
}
