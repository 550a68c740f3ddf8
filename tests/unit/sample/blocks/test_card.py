"""A card shows one approval and carries it."""

import dataclasses
import json
from typing import Any

from anchorbolt_sample.approval import Approval
from anchorbolt_sample.blocks import card
from slack_sdk.models.blocks import Block

from tests.unit.sample.samples import APPROVAL


def _json(blocks: list[Block]) -> list[dict[str, Any]]:
    return [block.to_dict() for block in blocks]


def test_each_button_carries_the_approval() -> None:
    """Both buttons hold all that the decision needs, so that any pod can take it."""
    *_, actions = _json(card.requested(APPROVAL))
    assert [button["action_id"] for button in actions["elements"]] == ["approval_approve", "approval_reject"]
    assert {Approval.from_json(button["value"]) for button in actions["elements"]} == {APPROVAL}


def test_a_decided_card_has_no_buttons() -> None:
    """The decision stands where the buttons were."""
    blocks = _json(card.decided(APPROVAL, "rejected"))
    assert "actions" not in [block["type"] for block in blocks]
    assert blocks[-1]["elements"][0]["text"] == "*Rejected* by <@U-grace>"


def test_what_a_person_wrote_is_plain_text() -> None:
    """A title that looks like a mention stands in plain text only, so that a card cannot call a channel."""
    blocks = _json(card.requested(dataclasses.replace(APPROVAL, title="<!channel>")))
    assert blocks[0]["text"] == {"type": "plain_text", "text": "<!channel>"}
    assert "<!channel>" not in json.dumps(blocks[1:-1])


def test_a_card_links_to_its_message_if_there_is_one() -> None:
    """The link is shown where there is one, and leaves no empty block where there is none."""
    linked = _json(card.requested(dataclasses.replace(APPROVAL, link="https://l")))
    assert linked[2]["text"]["text"] == "<https://l|The message>"
    assert len(_json(card.requested(APPROVAL))) == len(linked) - 1
