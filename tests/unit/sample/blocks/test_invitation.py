"""An invitation opens the form."""

from anchorbolt_sample.blocks.invitation import invitation


def test_an_invitation_carries_the_title() -> None:
    """The button's value is what the form begins with; without a title it has none, as Slack refuses an empty one."""
    button = invitation("Ask", "A desk")[-1].to_dict()["elements"][0]
    assert (button["action_id"], button["value"]) == ("request_approval", "A desk")
    assert "value" not in invitation("Ask")[-1].to_dict()["elements"][0]
