"""A sentence with a button that opens the form."""

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, MarkdownTextObject, SectionBlock

ACTION_ID = "request_approval"


def invitation(text: str, title: str = "") -> list[Block]:
    """Returns a sentence of mrkdwn and the button; `title` is what the form begins with."""
    return [
        SectionBlock(text=MarkdownTextObject(text=text)),
        ActionsBlock(
            elements=[ButtonElement(text="Ask for an approval", action_id=ACTION_ID, value=title or None)],
        ),
    ]
