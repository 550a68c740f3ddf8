"""What each Web API method answers when it succeeds, in the shapes that slack_sdk and Bolt read.

A method that is not here answers `{"ok": true}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from anchorbolt.emulator.answers import chat, views, workspace
from anchorbolt.emulator.answers.shape import Answer, Arguments
from anchorbolt.emulator.messages import Messages

ANSWERS: Mapping[str, Callable[[Arguments, Messages, float], Answer]] = MappingProxyType(
    {
        "auth.test": workspace.auth_test,
        "chat.postMessage": chat.post_message,
        "chat.postEphemeral": chat.post_ephemeral,
        "chat.update": chat.update_message,
        "chat.delete": chat.delete_message,
        "views.open": views.open_view,
        "views.push": views.open_view,
        "views.update": views.show_view,
        "views.publish": views.show_view,
        "users.info": workspace.user_info,
        "conversations.open": workspace.open_conversation,
        "conversations.info": workspace.conversation_info,
        "conversations.join": workspace.conversation_info,
        "conversations.history": workspace.history,
        "conversations.replies": workspace.replies,
        "conversations.members": workspace.members,
        "conversations.list": workspace.conversations,
    }
)
