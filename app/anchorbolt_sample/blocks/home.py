"""The home tab: what waits for the person who opens it."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block, DividerBlock, HeaderBlock, MarkdownTextObject, SectionBlock
from slack_sdk.models.views import View

from anchorbolt_sample.blocks.invitation import invitation

LINES = 90  # a home tab holds 100 blocks


def home(waiting: Sequence[str]) -> View:
    """Returns the home tab; `waiting` holds a line of mrkdwn for each card that waits for a decision."""
    lines: list[Block] = [SectionBlock(text=MarkdownTextObject(text=line)) for line in waiting[:LINES]]
    return View(
        type="home",
        blocks=[
            HeaderBlock(text="Waiting for you"),
            *(lines or [SectionBlock(text="Nothing. Cards that need your decision come to *Messages*.")]),
            DividerBlock(),
            *invitation("Do you need an approval yourself?"),
        ],
    )
