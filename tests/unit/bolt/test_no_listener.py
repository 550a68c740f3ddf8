"""A request that nobody listens to is told by its name, beside the names that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from anchorbolt.bolt import no_listener
from anchorbolt.bolt.index import ListenerIndex
from anchorbolt.bolt.no_listener import EVERY_SECONDS, NoListener
from anchorbolt.delivery import Delivery, Kind
from anchorbolt.delivery.delivery import FORM
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.samples.sample import as_json
from slack_bolt.async_app import AsyncAck, AsyncApp
from structlog.testing import capture_logs

from tests.unit.bolt.conftest import AppWith

TYPED = "what a user has typed"


def everything(app: AsyncApp) -> None:
    """One listener of every kind, none of which is for the samples."""

    async def listener(ack: AsyncAck) -> None:
        await ack()

    app.command("/deploy")(listener)
    app.command(re.compile("^/ops-"))(listener)
    app.action("approve")(listener)
    app.action({"block_id": "b", "action_id": "reject"})(listener)
    app.shortcut("report")(listener)
    app.view("form")(listener)
    app.view_closed("form")(listener)
    app.options("colours")(listener)
    app.event("app_mentioned")(listener)
    app.message("hello")(listener)
    app.function("approve_step")(listener)


def command(name: str) -> Delivery:
    """A command of this name."""
    payload = {"command": name, "text": TYPED}
    return Delivery(Kind.COMMAND, name, "command:1", None, "=1", FORM, TYPED, payload)


def told(lines: list[Any]) -> list[tuple[str, int]]:
    """What was said of missing listeners, and how many requests each line is about."""
    return [(line["event"], line["times"]) for line in lines if line["event"].startswith("no listener")]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("command", "no listener for command /approval; registered: /deploy, pattern ^/ops-"),
        ("block_actions", "no listener for action approval_approve; registered: approve, reject"),
        ("shortcut", "no listener for shortcut request_approval; registered: report"),
        ("message_action", "no listener for shortcut request_approval_from_message; registered: report"),
        ("view_submission", "no listener for view approval; registered: form (closed), form"),
        ("view_closed", "no listener for view approval (closed); registered: form (closed), form"),
        ("block_suggestion", "no listener for options category; registered: colours"),
        (
            "app_mention",
            "no listener for event app_mention; registered: app_mentioned, function_executed (approve_step), message",
        ),
        (
            "function_executed",
            "no listener for event function_executed (request_approval);"
            " registered: function_executed (approve_step), app_mentioned, message",
        ),
    ],
)
async def test_each_kind_is_named_with_what_there_is(app_with: AppWith, kind: str, said: str) -> None:
    """One line at INFO has the kind, the name, and the registered names of that kind, the most similar first."""
    with capture_logs() as lines:
        async with app_with(everything) as app:
            ack = await app.player.send(make(kind))
            if ack.sample.family == "event":
                await app.until_ended(ack.sample.key)
    (line,) = (line for line in lines if line["event"].startswith("no listener"))
    assert (line["event"], line["log_level"], line["times"]) == (said, "info", 1)
    assert not [line for line in lines if "Unhandled" in line["event"]]


async def test_a_message_names_its_subtype_and_nothing_of_its_text(app_with: AppWith) -> None:
    """Of a message the subtype is told, and no word of it."""
    sample = make("message")
    payload = json.loads(sample.body)
    payload["event"] |= {"subtype": "file_share", "text": TYPED}
    with capture_logs() as lines:
        async with app_with(lambda app: None) as app:
            await app.player.send(as_json("message", "event", payload, sample.key))
            await app.until_ended(sample.key)
    assert told(lines) == [("no listener for event message (file_share); registered: none", 1)]
    assert TYPED not in str(lines)


async def test_a_listener_that_was_passed_over_is_named(app_with: AppWith) -> None:
    """Where a listener matches and its own middleware does not call next(), that is what is said."""

    async def never() -> None: ...

    def register(app: AsyncApp) -> None:
        @app.command("/approval", middleware=[never])
        async def approval(ack: AsyncAck) -> None:
            await ack()

    with capture_logs() as lines:
        async with app_with(register) as app:
            await app.player.send(make("command"))
    ((said, _),) = told(lines)
    assert re.fullmatch(r"no listener for command /approval: a middleware of \S+approval did not call next\(\)", said)


class Later:
    """What was to be called back later."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, seconds: float, callback: Callable[..., None], *arguments: Any) -> None:
        """Notes it."""
        assert seconds == EVERY_SECONDS
        self.waiting.append(lambda: callback(*arguments))

    def pass_a_minute(self) -> None:
        """Calls back."""
        waiting, self.waiting = self.waiting, []
        for call in waiting:
            call()


def test_a_name_has_one_line_a_minute() -> None:
    """The first request is told at once, those of the next minute by one line with their count, and then none."""
    later = Later()
    missing = NoListener(ListenerIndex(), later)
    with capture_logs() as lines:
        for _ in range(5):
            missing.note(command("/deploi"), None)
        missing.note(command("/other"), None)
        assert [times for _, times in told(lines)] == [1, 1]
        later.pass_a_minute()
        assert [times for _, times in told(lines)] == [1, 1, 4]
        later.pass_a_minute()
        later.pass_a_minute()
        assert len(lines) == 3
        missing.note(command("/deploi"), None)
    assert told(lines)[-1] == ("no listener for command /deploi; registered: none", 1)


def test_names_from_outside_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever invents names gets one line for all beyond the limit, and none of a name's length or control signs."""
    monkeypatch.setattr(no_listener, "MOST_NAMES", 3)
    later = Later()
    missing = NoListener(ListenerIndex(), later)
    with capture_logs() as lines:
        for number in range(10):
            missing.note(command(f"/{number}"), None)
        later.pass_a_minute()
        missing.note(command("/\n\x1b" + "x" * 5000), None)
    names = [said.split()[4] for said, _ in told(lines)]
    assert names[:5] == ["/0;", "/1;", "/2;", "others;", "others;"]
    assert [times for _, times in told(lines)][4] == 6
    assert told(lines)[-1][0] == f"no listener for command /??{'x' * 77}...; registered: none"


def test_of_many_names_the_similar_ones_are_told() -> None:
    """Ten names at most, and how many more there are."""
    app = AsyncApp(token="xoxb-made-up", signing_secret="made-up")
    index = ListenerIndex()
    app._async_listeners = index

    async def listener() -> None: ...

    for number in range(20):
        app.command(f"/unlike-{number}")(listener)
    app.command("/deploy")(listener)
    with capture_logs() as lines:
        NoListener(index, Later()).note(command("/deploi"), None)
    ((said, _),) = told(lines)
    assert said.startswith("no listener for command /deploi; registered: /deploy, /unlike-")
    assert said.endswith(" and 11 more")
