"""What `inbox list` and `inbox show` print, whatever there is in a delivery."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.history import Past, line
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.sqlite import SqliteDatabase

from tests.unit.cli.test_looking import look

KEY = "A1:Ev1"


def store(  # noqa: PLR0917 - what a test may want of it
    directory: Path,
    error: str,
    text: str = '"x"',
    record: str | None = None,
    copies: int = 1,
    end: End = End.DEAD,
    *,
    listener: str | None = None,
) -> None:
    """An inbox with a dead letter whose text is this JSON, or with some in lanes of their own."""
    event = f'{{"type":"message","channel":"C1","text":{text}}}'
    body = f'{{"type":"event_callback","api_app_id":"A1","event_id":"Ev1","event":{event}}}'

    async def work() -> None:
        inbox = Inbox(SqliteDatabase(directory / "var" / "anchorbolt.db"), lease_seconds=9)
        await inbox.open()
        for n in range(copies):
            of = f"-{n}" if n else ""
            accepted = await inbox.accept(
                Item(KEY + of, "C1" + of, "event", "application/json", body, take=True), time.monotonic() + 10
            )
            assert accepted.held is not None
            lease, id_ = accepted.held.lease, accepted.held.stored.id
            delay = 60 if end is End.RETRY else 0
            await inbox.complete(Outcome(lease, id_, end, error, delay, listener=listener, record=record))
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


def test_what_an_attempt_left_is_shown(tmp_path: Path) -> None:
    """Listener, pod, time, outcome and the traceback of each attempt, without what would command a terminal."""
    past = Past(2, "app.on", "pod-1", 1_700_000_000.0, 1.5, "dead", "error", "KeyError: 'x'", "in on\n  \x1b[2J raise")
    store(tmp_path, "KeyError: 'x'", record=line(past))
    shown = look(tmp_path, "inbox", "show", KEY).stdout
    assert "attempt 2 of app.on on pod-1, 2023-11-14T22:13:20+00:00, 1.5 s: dead, error" in shown
    assert r"    in on" in shown
    assert r"\u001b[2J raise" in shown
    assert '"attempts_before": [{"attempt": 2' in look(tmp_path, "inbox", "show", KEY, "--json").stdout


def test_the_list_says_how_many_it_leaves_out(tmp_path: Path) -> None:
    """Where more are found than listed, their number is said; a filter that leaves none lists none."""
    store(tmp_path, "ValueError: x", copies=3)
    assert "2 of 3. " in look(tmp_path, "inbox", "list", "--most", "2").stdout
    assert " of 3" not in look(tmp_path, "inbox", "list").stdout
    assert KEY not in look(tmp_path, "inbox", "list", "--listener", "app.other", "--since", "5m").stdout


def test_top_prints_one_frame_for_scripts(tmp_path: Path) -> None:
    """Counts, what ended in the last minute, and that nothing runs."""
    store(tmp_path, "ValueError: x")
    frame = look(tmp_path, "inbox", "top", "--once").stdout
    assert "1 dead" in frame
    assert "ended in the last minute: 0 done, 1 dead, 0 cancelled" in frame
    assert "nothing runs" in frame
    assert "accepted: 0.0 a second" in frame


def test_what_waits_is_skipped_run_or_discarded_and_else_it_is_said_why_not(tmp_path: Path) -> None:
    """Each command says what it did, or what it found."""
    store(tmp_path, "ValueError: x", end=End.RETRY, copies=2)
    assert look(tmp_path, "inbox", "cancel", KEY).stderr.count("it waits") == 1
    assert "is run within a second" in look(tmp_path, "inbox", "run-now", KEY).stdout
    assert "Skipped" in look(tmp_path, "inbox", "skip", KEY).stdout
    assert "it is dead" in look(tmp_path, "inbox", "skip", KEY).stderr
    assert "it waits" in look(tmp_path, "inbox", "replay", f"{KEY}-1").stderr
    assert "1 discarded" in look(tmp_path, "inbox", "discard", f"{KEY}-1").stdout
    assert "it is done" in look(tmp_path, "inbox", "run-now", f"{KEY}-1").stderr
    assert "no delivery" in look(tmp_path, "inbox", "skip", "A1:none").stderr


def test_one_thing_is_paused_and_resumed(tmp_path: Path) -> None:
    """A pause says who made it, is listed, and ends with the same option."""
    store(tmp_path, "ValueError: x")
    of = ("--workspace", "T1")
    assert "Paused: workspace T1" in look(tmp_path, "inbox", "pause", *of, "--by", "ann").stdout
    assert "paused already" in look(tmp_path, "inbox", "pause", *of).stderr
    assert "by ann" in look(tmp_path, "inbox", "pauses").stdout
    assert "by ann: workspace T1." in look(tmp_path, "inbox", "list").stdout
    assert "Resumed: workspace T1" in look(tmp_path, "inbox", "resume", *of).stdout
    assert "is not paused" in look(tmp_path, "inbox", "resume", *of).stderr
    assert "Nothing is paused." in look(tmp_path, "inbox", "pauses").stdout


def test_a_listener_that_nothing_names_is_doubted(tmp_path: Path) -> None:
    """A name that was mistyped pauses nothing, and whoever pauses it is asked; one that a delivery names is not.

    A pause of one thing is not ended by `inbox resume` alone, which says so.
    """
    store(tmp_path, "ValueError: x", end=End.RETRY, listener="app.on")
    assert "Is app.no its name?" in look(tmp_path, "inbox", "pause", "--listener", "app.no").stdout
    assert "its name?" not in look(tmp_path, "inbox", "pause", "--listener", "app.on").stdout
    assert "It was not paused as a whole. listener app.no is still" in look(tmp_path, "inbox", "resume").stdout
