"""Somebody wrote "approval: ..." in a channel that the app is in, or to the app."""

import re
from typing import Any

from slack_bolt.async_app import AsyncBoltContext, AsyncSay

from anchorbolt_sample.approval import short_line
from anchorbolt_sample.blocks.invitation import invitation

REQUEST = re.compile(r"^approval:\s*(\S.*)", re.IGNORECASE)


async def offer_form(context: AsyncBoltContext, message: dict[str, Any], say: AsyncSay) -> None:
    """Answers in the thread with a button that opens the form with what was written."""
    text = "Shall I ask somebody for this approval?"
    title = short_line(context["matches"][0])
    await say(text=text, blocks=invitation(text, title), thread_ts=message.get("thread_ts") or message["ts"])
