"""Of all that the app logs, a person is told what matters."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from anchorbolt.cli.dev.log_lines import Ended, LogLine, parse
from anchorbolt.cli.dev.news import QUIET_LINES_KEPT, News
from anchorbolt.cli.dev.plan import Plan
from anchorbolt.emulator.calls import Calls
from anchorbolt.emulator.scene import Scene
from rich.console import Console

URL = "http://127.0.0.1:1/slack/events"


class Told:
    """News, and what was said."""

    def __init__(self, *, verbose: bool = False, calls: Calls | None = None) -> None:
        plan = Plan(URL, "http://127.0.0.1:2/readyz", "made-up", "anchorbolt_sample", demo=True, verbose=verbose)
        self._out = StringIO()
        self.news = News(plan, calls, Console(file=self._out, width=300))

    @property
    def lines(self) -> list[str]:
        """The lines so far."""
        return self._out.getvalue().splitlines()


def log(event: str, level: str) -> LogLine:
    """A line of the app's log."""
    return parse(json.dumps({"event": event, "level": level}).encode())


def test_only_what_matters_is_shown() -> None:
    """A warning is shown, a debug line is not."""
    told = Told()
    told.news.line(log("small", "debug"))
    told.news.line(log("big", "warning"))
    assert told.lines == ["[warning] big"]


def test_what_has_no_listener_is_shown() -> None:
    """The line about a request that nobody listens to is shown though it is at INFO, and it explains no sudden end."""
    told = Told()
    told.news.line(log("no listener for command /deploi; registered: /deploy", "info"))
    told.news.line(log("small", "info"))
    told.news.quiet_lines()
    assert told.lines == ["[info] no listener for command /deploi; registered: /deploy", "[info] small"]


def test_verbose_shows_everything() -> None:
    """With --verbose a debug line is shown too."""
    told = Told(verbose=True)
    told.news.line(log("small", "debug"))
    assert told.lines == ["[debug] small"]


def test_the_last_quiet_lines_are_there_when_the_app_dies() -> None:
    """What did not matter at the time is told afterwards, once, and only the last of it."""
    told = Told()
    for number in range(QUIET_LINES_KEPT + 1):
        told.news.line(log(f"line {number}", "info"))
    told.news.quiet_lines()
    told.news.quiet_lines()
    assert told.lines == [f"[info] line {number}" for number in range(1, QUIET_LINES_KEPT + 1)]


def test_quiet_lines_stay_quiet_where_a_loud_one_told_why() -> None:
    """An app that said what is wrong is not drowned in what it said besides."""
    told = Told()
    told.news.line(log("starting", "info"))
    told.news.line(log("cannot start", "error"))
    told.news.quiet_lines()
    assert told.lines == ["[error] cannot start"]


def test_a_delivery_is_one_line() -> None:
    """A later delivery is told with kind, outcome, listener, time, attempt, and the calls since the line before."""
    calls = Calls()
    told = Told(calls=calls)
    calls.note("chat.postMessage", {}, 200, {"ok": True}, 0.0)
    told.news.delivery(Ended("A:E", "event", "anchorbolt_sample.events.message.offer", "failed", 2, 12.4))
    told.news.delivery(Ended("A:F", "event", None, "unmatched", 1, 0.2))
    first, second = told.lines
    assert first.split(" ", 1)[1] == (
        "event: failed, events.message.offer, 12 ms, attempt 2; Web API calls since the last line: chat.postMessage"
    )
    assert second.split(" ", 1)[1] == "event: unmatched, no listener, 0 ms"


def test_what_a_listener_posts_is_told() -> None:
    """The text of a call is beside its method: on one line, shortened, and without a token that it contains."""
    calls = Calls()
    told = Told(calls=calls)
    calls.note("chat.postMessage", {"text": "Grace owns\ncheckout."}, 200, {"ok": True}, 0.0)
    calls.note("chat.postMessage", {"text": "word " * 100}, 200, {"ok": True}, 0.0)
    calls.note("chat.postMessage", {"text": "xoxb-1-secret"}, 200, {"ok": True}, 0.0)
    told.news.delivery(Ended("A:E", "event", "answer", "done", 1, 12.4))
    (line,) = told.lines
    posted = line.partition("since the last line: ")[2]
    assert posted.startswith('chat.postMessage "Grace owns checkout.", chat.postMessage "word word')
    assert 'word...", chat.postMessage "[redacted]"' in posted
    assert len(posted) < 170


def test_a_failure_is_told_with_its_reason() -> None:
    """A command that nobody acknowledged is told as failed, with the word of the answer that its user got."""
    told = Told(calls=Calls())
    fields = {"event": "delivery ended", "kind": "command", "outcome": "failed", "reason": "no_ack"}
    ended = LogLine("", fields).ended
    assert ended is not None
    told.news.delivery(ended)
    assert told.lines[0].split(" ", 1)[1] == "command: failed: no_ack, no listener, 0 ms"


def test_the_command_for_one_more_request_is_given_where_slack_is_an_emulator() -> None:
    """It has what another terminal would not find by itself; beside the real Slack there is none."""
    beside_emulator, beside_slack = Told(calls=Calls()), Told()
    beside_emulator.news.serving(Scene())
    beside_emulator.news.serving(Scene(slack_url="http://127.0.0.1:9/"))
    beside_slack.news.serving(Scene())
    plain, elsewhere = (line.partition("terminal: ")[2] for line in beside_emulator.lines if "terminal: " in line)
    assert plain == f"anchorbolt send app_mention --url {URL}"
    assert elsewhere == f"SLACK_API_URL=http://127.0.0.1:9/api/ {plain}"
    assert not any("anchorbolt send" in line for line in beside_slack.lines)
    assert any(URL in line for line in beside_slack.lines)


def test_a_misspelt_setting_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the app is loaded again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("DRAIN_TIMEOUT_SECOND=1\n")
    told = Told()
    told.news.misspelt()
    told.news.misspelt()
    assert told.lines.count("DRAIN_TIMEOUT_SECOND is not a setting; did you mean DRAIN_TIMEOUT_SECONDS?") == 1
