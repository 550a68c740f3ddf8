"""What `inbox list` and `inbox show` print, whatever there is in a delivery."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.sqlite import SqliteDatabase

from tests.unit.cli.test_looking import look

KEY = "A1:Ev1"


def store(directory: Path, error: str, text: str = '"x"') -> None:
    """An inbox with one dead letter, whose text is this JSON."""
    event = f'{{"type":"message","channel":"C1","text":{text}}}'
    body = f'{{"type":"event_callback","api_app_id":"A1","event_id":"Ev1","event":{event}}}'

    async def work() -> None:
        inbox = Inbox(SqliteDatabase(directory / "var" / "anchorbolt.db"), lease_seconds=9)
        await inbox.open()
        accepted = await inbox.accept(
            Item(KEY, "C1", "event", "application/json", body, take=True), time.monotonic() + 10
        )
        assert accepted.held is not None
        await inbox.complete(Outcome(accepted.held.lease, accepted.held.stored.id, End.DEAD, error))
        await inbox.close()

    asyncio.run(work())


def test_what_an_error_quotes_is_text(tmp_path: Path) -> None:
    """Brackets are no markup, and what would command a terminal is written out."""
    store(tmp_path, "ValueError: no number: '[/b] [red]\x1b[2J\x9b2J'\nA2:Ev2 done")
    listed = look(tmp_path, "inbox", "list", COLUMNS="300")
    shown = look(tmp_path, "inbox", "show", KEY)
    for result in (listed, shown):
        assert result.returncode == 0, result.stderr
        assert r"ValueError: no number: '[/b] [red]\u001b[2J\u009b2J'\nA2:Ev2 done" in result.stdout


def test_half_of_a_surrogate_pair_is_shown(tmp_path: Path) -> None:
    """A text that cannot be written as UTF-8 is shown as JSON writes it, and a name as its people do."""
    store(tmp_path, "ValueError", r'"\ud83d \u009b2J \u007f \u6771\u4eac"')
    shown = look(tmp_path, "inbox", "show", KEY)
    assert shown.returncode == 0, shown.stderr
    assert r'"text": "\ud83d \u009b2J \u007f 東京"' in shown.stdout


@pytest.mark.parametrize("options", [(), ("--json",), ("--unredacted",)])
def test_a_payload_that_is_nested_too_deep_is_a_message(tmp_path: Path, options: tuple[str, ...]) -> None:
    """It is shown, or it is said that it cannot be."""
    store(tmp_path, "ValueError", "[" * 900 + "]" * 900)
    shown = look(tmp_path, "inbox", "show", KEY, *options)
    assert "Traceback" not in shown.stderr
    assert shown.returncode == 0 or "nested too deep to be shown" in shown.stderr


def test_a_list_that_is_piped_has_a_line_for_each(tmp_path: Path) -> None:
    """A key can be cut out of it: a long error is cut, and no column is broken into several lines."""
    store(tmp_path, "ValueError: " + "long text " * 50)
    lines = look(tmp_path, "inbox", "list").stdout.splitlines()
    assert len(lines) == 3  # counts, names of the columns, the dead letter
    assert lines[2].split()[1] == KEY
    assert lines[2].endswith("…")
    assert "long text " * 50 in look(tmp_path, "inbox", "show", KEY).stdout + " "


def test_what_is_shown_says_something(tmp_path: Path) -> None:
    """Ages are written as people say them, and fields without a value are left out."""
    store(tmp_path, "ValueError: x")
    shown = look(tmp_path, "inbox", "show", KEY).stdout
    head = shown.partition("{")[0]
    assert [line.split()[0] for line in head.splitlines()] == [
        "id",
        "key",
        "state",
        "kind",
        "lane",
        "attempts",
        "crashes",
        "age",
        "error",
    ]
    assert "age_seconds" not in head


def test_old_errors_are_redacted_when_they_are_shown(tmp_path: Path) -> None:
    """What a version before this one stored is redacted too."""
    store(tmp_path, "ValueError: 1234567890.123456789.abcdef012345 and https://hooks.slack.com/commands/T0/1/abc")
    for arguments in (("list",), ("show", KEY), ("show", KEY, "--json")):
        told = look(tmp_path, "inbox", *arguments).stdout
        assert "ValueError: (redacted) and (redacted)" in told
