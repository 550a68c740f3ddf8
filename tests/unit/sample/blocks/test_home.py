"""The home tab lists what waits."""

from anchorbolt_sample.blocks.home import home


def test_the_home_tab_lists_what_waits() -> None:
    """Each line that waits has a block of its own, in the order given."""
    blocks = home(["one", "two"]).to_dict()["blocks"]
    assert [block["text"]["text"] for block in blocks[1:3]] == ["one", "two"]


def test_an_empty_home_tab_says_so() -> None:
    """Who has nothing to decide is told so, and can ask for something."""
    blocks = home([]).to_dict()["blocks"]
    assert blocks[1]["text"]["text"].startswith("Nothing")
    assert blocks[-1]["elements"][0]["action_id"] == "request_approval"


def test_a_home_tab_holds_a_hundred_blocks() -> None:
    """However much waits, the tab stays within what Slack accepts."""
    assert len(home(["line"] * 500).to_dict()["blocks"]) <= 100
