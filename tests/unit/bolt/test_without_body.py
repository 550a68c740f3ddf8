"""No line that Bolt or slack_sdk writes at WARNING or above holds what a user has typed."""

from __future__ import annotations

import logging

import pytest
from anchorbolt.bolt import without_body
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.models.blocks import Block, BlockElement, Option

from tests.unit.bolt.conftest import AppWith

TYPED = "what-a-user-has-typed"
KINDS = ("app_mention", "message", "command", "block_suggestion", "message_action")


async def swallows() -> None:
    """A middleware that neither answers nor calls next()."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["swallowed", "unmatched", "no ack", "raised"])
async def test_no_body_is_logged(app_with: AppWith, caplog: pytest.LogCaptureFixture, kind: str, how: str) -> None:
    """A middleware that swallows a request, a request without listener, one without ack, one that fails: names only."""

    def register(app: AsyncApp) -> None:
        if how == "swallowed":
            app.use(swallows)
        if how in ("no ack", "raised"):

            async def listener(ack: AsyncAck) -> None:
                if how == "raised":
                    raise ValueError("a defect")

            app.event("app_mention")(listener)
            app.message("")(listener)
            app.command("/approval")(listener)
            app.options("category")(listener)
            app.shortcut("request_approval_from_message")(listener)

    deadline_seconds = 0.1 if how == "no ack" else 2.5  # only there is it waited for
    with caplog.at_level(logging.WARNING):
        async with app_with(register, max_attempts=1, ack_deadline_seconds=deadline_seconds) as app:
            ack = await app.player.send(make(kind, Scene(text=TYPED)))
            if ack.sample.family == "event":
                await app.until_ended(ack.sample.key)
    assert TYPED not in caplog.text
    if how == "swallowed":
        assert "swallows" in caplog.text, "the middleware is named"


def test_no_element_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A block, an element or an option that slack_sdk does not know is told without what is in it."""
    without_body.keep_bodies_out(logging.getLogger("some"))
    unknown = {"type": "of-next-year", "text": TYPED}
    with caplog.at_level(logging.WARNING):
        Block.parse(unknown)
        BlockElement.parse(unknown)
        Option.parse_all([TYPED])  # type: ignore[list-item]
    assert caplog.text.count("detected") == 0
    assert "Unknown block" in caplog.text
    assert TYPED not in caplog.text
