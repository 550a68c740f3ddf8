"""docs/commands.md, which is written from the command line."""

from __future__ import annotations

from tests.support import command_page


def test_the_page_of_commands_is_what_the_command_line_says() -> None:
    """A command or option that is added, changed or removed is so in docs/commands.md too."""
    assert command_page.PAGE.read_text() == command_page.page(), "python -m tests.support.command_page"
