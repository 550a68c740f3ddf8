"""The form that asks for an approval."""

import json

from slack_sdk.models.blocks import ExternalDataSelectElement, InputBlock, PlainTextInputElement, UserSelectElement
from slack_sdk.models.views import View

from anchorbolt_sample.approval import TITLE_CHARACTERS

CALLBACK_ID = "approval"
TITLE, CATEGORY, APPROVER = "title", "category", "approver"  # each names a block and the element in it


def form(title: str = "", link: str = "") -> View:
    """Returns the modal, with what is known already; `link` leads to the message that the approval is about."""
    return View(
        type="modal",
        callback_id=CALLBACK_ID,
        title="Ask for an approval",
        submit="Ask",
        close="Cancel",
        notify_on_close=True,
        private_metadata=json.dumps({"title": title, "link": link}),
        blocks=[
            InputBlock(
                block_id=TITLE,
                label="What for?",
                element=PlainTextInputElement(
                    action_id=TITLE, initial_value=title or None, max_length=TITLE_CHARACTERS
                ),
            ),
            InputBlock(
                block_id=CATEGORY,
                label="Category",
                element=ExternalDataSelectElement(action_id=CATEGORY, placeholder="Choose one", min_query_length=0),
            ),
            InputBlock(
                block_id=APPROVER,
                label="Who decides?",
                element=UserSelectElement(action_id=APPROVER, placeholder="Choose a person"),
            ),
        ],
    )
