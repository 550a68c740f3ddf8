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
        self._newest = 0

    def __contains__(self, channel: str) -> bool:
        return channel in self._channels

    def new_ts(self, now: float) -> str:
        """A `ts` that is later than every `ts` before it: seconds since 1970, a point, and six digits."""
        self._newest = max(self._newest + 1, int(now * 1_000_000))
        return f"{self._newest // 1_000_000}.{self._newest % 1_000_000:06d}"

    def add(self, channel: str, message: Message) -> None:
        """Stores a new message of a channel as its newest one."""
        kept = self._channels.get(channel)
        if kept is None:
            kept = self._channels[channel] = deque(maxlen=MESSAGES_KEPT)
            if len(self._channels) > CHANNELS_KEPT:
                self._channels.popitem(last=False)
        self._channels.move_to_end(channel)
        kept.append(message)

    def put(self, channel: str, message: Message) -> None:
        """Stores a message of a channel. It replaces the message with the same `ts`, if there is one."""
        kept = self._channels.get(channel, ())
        for place, old in enumerate(kept):
            if old["ts"] == message["ts"]:
                self._channels[channel][place] = message
                return
        self.add(channel, message)

    def find(self, channel: str, ts: str) -> Message | None:
        """The message with this `ts`, if it is still kept."""
        return next((message for message in self._channels.get(channel, ()) if message["ts"] == ts), None)

    def delete(self, channel: str, ts: str) -> bool:
        """Deletes a message. Returns False where there was none."""
        message = self.find(channel, ts)
        if message is not None:
            self._channels[channel].remove(message)
        return message is not None

    def history(self, channel: str) -> list[Message]:
        """The messages of a channel, the newest first; replies in threads are not among them, as in Slack."""
        kept = reversed(self._channels.get(channel, ()))
        return [
            message
            for message in kept
            if message.get("thread_ts", message["ts"]) == message["ts"] or message.get("reply_broadcast")
        ]

    def thread(self, channel: str, ts: str) -> list[Message]:
        """The message that began a thread and its replies, the oldest first."""
        kept = self._channels.get(channel, ())
        return [message for message in kept if ts in (message["ts"], message.get("thread_ts"))]
