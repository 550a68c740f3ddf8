"""Rows are readable on a terminal and in a file, and what is shown is never taken for markup."""

from __future__ import annotations

import re
from io import StringIO

from anchorbolt.cli.dev.log_lines import Ended
from anchorbolt.cli.dev.show import Row, say, show
from anchorbolt.emulator.player import Ack
from anchorbolt.emulator.samples import make
from rich.console import Console

ENDED = Ended("k", "command", "anchorbolt_sample.commands.approval.open_form", "done", 1, 3.0)
ROW = Row(Ack(make("command"), 200, 4.25), ENDED, ("views.open", "chat.postMessage"), "anchorbolt_sample.")
FAILED = Row(Ack(make("message"), None, 3000.0, failure="http_timeout"), None, ())

SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def shown(*, terminal: bool, no_color: bool = False, width: int = 140) -> str:
    """What two rows look like."""
    console = Console(file=StringIO(), force_terminal=terminal, width=width, no_color=no_color)
    with show(console, 2) as table:
        table.row(ROW)
        table.row(FAILED)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_file_gets_one_plain_line_for_each_request() -> None:
    """Without a terminal each row is one line with everything in it, and nothing moves."""
    lines = shown(terminal=False).splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "1/2 command 200 4.2 ms done commands.approval.open_form views.open, chat.postMessage",
        "2/2 message http_timeout 3000.0 ms refused - -",
    ]


def test_a_terminal_gets_rows_and_a_bar() -> None:
    """On a terminal there is a header, each row once, and how many of how many."""
    text = SEQUENCE.sub("", shown(terminal=True))
    assert text.count("open_form") == 1
    assert "Web API calls" in text
    assert "views.open, chat.postMessage" in text
    assert "2/2" in text


def test_a_narrow_terminal_gets_names_in_one_piece() -> None:
    """On 80 columns listener and calls are below their row, unbroken; a row without any has no second line."""
    lines = [line.rstrip() for line in SEQUENCE.sub("", shown(terminal=True, width=80)).splitlines()]
    assert "    commands.approval.open_form: views.open, chat.postMessage" in lines
    assert "    -: -" not in lines


def test_no_color_means_no_colours() -> None:
    """With NO_COLOR a terminal gets no colour codes."""
    colour = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
    assert colour.search(shown(terminal=True))
    assert not colour.search(shown(terminal=True, no_color=True))


def test_what_is_said_is_no_markup() -> None:
    """Square brackets, as a log line or a curl has them, are shown as they are, however long the line."""
    console = Console(file=StringIO(), width=20)
    said = "[warning] [bold]x[/bold] " + "long " * 20
    say(console, said)
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue() == said + "\n"
