"""Somebody mentioned the app."""

import re
from typing import Any

from slack_bolt.async_app import AsyncSay

from anchorbolt_sample.approval import short_line
from anchorbolt_sample.blocks.invitation import invitation

MENTION = re.compile(r"<@\w+(\|[^>]*)?>")


async def answer_mention(event: dict[str, Any], say: AsyncSay) -> None:
    """Answers in the thread with a button; what was said besides the mention is where the form begins."""
    text = "Who has to say yes? Ask them here:"
    title = short_line(MENTION.sub("", event.get("text", "")))
    await say(text=text, blocks=invitation(text, title), thread_ts=event.get("thread_ts") or event["ts"])
