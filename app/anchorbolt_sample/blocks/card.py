"""The card of an approval: what the approver sees, before and after the decision."""

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from anchorbolt_sample.approval import Approval

APPROVE = "approval_approve"
REJECT = "approval_reject"


def requested(approval: Approval) -> list[Block]:
    """Returns the card with its two buttons, each of which carries the whole approval."""
    value = approval.to_json()
    return [
        *_what(approval),
        ActionsBlock(
            elements=[
                ButtonElement(text="Approve", action_id=APPROVE, value=value, style="primary"),
                ButtonElement(text="Reject", action_id=REJECT, value=value, style="danger"),
            ]
        ),
    ]


def decided(approval: Approval, decision: str) -> list[Block]:
    """Returns the card with the decision ("approved", "rejected") where its buttons were."""
    return [
        *_what(approval),
        ContextBlock(elements=[MarkdownTextObject(text=f"*{decision.capitalize()}* by <@{approval.approver}>")]),
    ]


def _what(approval: Approval) -> list[Block]:
    # What a person wrote is plain text: as mrkdwn it could mention a whole channel.
    return [
        HeaderBlock(text=PlainTextObject(text=approval.title)),
        SectionBlock(
            fields=[
                MarkdownTextObject(text=f"*Asked by*\n<@{approval.requester}>"),
                PlainTextObject(text=f"Category\n{approval.category}"),
            ]
        ),
        *([SectionBlock(text=MarkdownTextObject(text=f"<{approval.link}|The message>"))] if approval.link else []),
    ]
