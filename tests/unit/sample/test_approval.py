"""An approval travels through Slack unchanged."""

import dataclasses

import pytest
from anchorbolt_sample.approval import Approval, short_line

from tests.unit.sample.samples import APPROVAL


def test_a_button_carries_a_whole_approval() -> None:
    """What a button's value holds is read back as the same approval, whatever the language."""
    approval = dataclasses.replace(APPROVAL, title='Ein "Büro" für <東京> & 🎉')
    assert Approval.from_json(approval.to_json()) == approval


def test_a_button_holds_the_longest_approval() -> None:
    """The longest title, of emoji even, with a link, stays within the 2,000 characters of a button's value."""
    approval = dataclasses.replace(APPROVAL, key="k" * 200, title=short_line("🎉" * 500), link="https://" + "x" * 300)
    assert len(approval.to_json()) < 2000


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("  two\n lines ", "two lines"),
        ("Tom &amp; Jerry &lt;3", "Tom & Jerry <3"),
        ("x" * 151, "x" * 150),
        ("", ""),
    ],
)
def test_a_title_is_one_line_of_plain_text(text: str, title: str) -> None:
    """Whatever a person wrote becomes one line that a header can hold."""
    assert short_line(text) == title
