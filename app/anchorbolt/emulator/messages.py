"""The messages that the app posted, so that `conversations.history` can return them."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Any

CHANNELS_KEPT = 500
MESSAGES_KEPT = 50

Message = dict[str, Any]


class Messages:
    """The newest messages of the channels that were written to last; older ones are dropped."""

    def __init__(self) -> None:
        self._channels: OrderedDict[str, deque[Message]] = OrderedDict()

    def put(self, channel: str, message: Message) -> None:
        """Stores a message of a channel. It replaces the message with the same `ts`, if there is one."""
        kept = self._channels.get(channel)
        if kept is None:
            kept = self._channels[channel] = deque(maxlen=MESSAGES_KEPT)
            if len(self._channels) > CHANNELS_KEPT:
                self._channels.popitem(last=False)
        self._channels.move_to_end(channel)
        for place, old in enumerate(kept):
            if old["ts"] == message["ts"]:
                kept[place] = message
                return
        kept.append(message)

    def find(self, channel: str, ts: str) -> Message | None:
        """The message with this `ts`, if it is still kept."""
        return next((message for message in self._channels.get(channel, ()) if message["ts"] == ts), None)

    def delete(self, channel: str, ts: str) -> bool:
        """Deletes a message. Returns False where there was none."""
        message = self.find(channel, ts)
        if message is not None:
            self._channels[channel].remove(message)
        return message is not None

    def history(self, channel: str, limit: int) -> list[Message]:
        """The messages of a channel, the newest first; replies in threads are not among them, as in Slack."""
        kept = reversed(self._channels.get(channel, ()))
        return [message for message in kept if message.get("thread_ts", message["ts"]) == message["ts"]][:limit]

    def thread(self, channel: str, ts: str, limit: int) -> list[Message]:
        """The message that began a thread and its replies, the oldest first."""
        kept = self._channels.get(channel, ())
        return [message for message in kept if ts in (message["ts"], message.get("thread_ts"))][:limit]
