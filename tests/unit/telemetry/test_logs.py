"""A log line has one form, tells whose it is, and holds no secret."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from anchorbolt.telemetry import logs


def line(message: str, *, as_json: bool = True, **extra: Any) -> str:
    """What would be written of a line of some library's."""
    record = logging.LogRecord("some.library", logging.INFO, __file__, 1, message, None, None)
    for name, value in extra.items():
        setattr(record, name, value)
    return logs.formatter(as_json=as_json).format(record)


async def test_a_task_and_its_tasks_say_whose_they_are() -> None:
    """The key and the attempt are on the lines of a run and of every task that it starts, and on no others."""

    async def run(key: str) -> tuple[Any, Any]:
        logs.begin_run(key, 2)
        of_run = json.loads(line("x"))
        of_task = await asyncio.create_task(_written())
        return of_run, of_task

    for key, found in zip(("A:1", "A:2"), await asyncio.gather(run("A:1"), run("A:2")), strict=True):
        assert [(one["key"], one["attempt"]) for one in found] == [(key, 2), (key, 2)]
    assert "key" not in json.loads(line("x"))


async def test_a_line_that_names_a_key_keeps_it() -> None:
    """A line about another delivery, written within a run, is about that one."""
    logs.begin_run("A:1", 1)
    assert json.loads(line("x", key="A:2"))["key"] == "A:2"


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-12-34-abc",
        "xoxp-1-2",
        "xapp-1-A0-2-c",
        "xoxe.xoxb-1-abc",
        "https://hooks.slack.com/commands/T0/1/abc",
        "https://hooks.slack-gov.com/actions/T0/1/abc",
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_are_redacted(secret: str, as_json: bool) -> None:
    """Tokens and response URLs are taken out of every line, and what is around them stays."""
    written = line(f'before {{"url": "{secret}"}} after', as_json=as_json)
    assert secret not in written
    assert "before" in written
    assert "after" in written
    if as_json:
        assert json.loads(written)["event"] == 'before {"url": "(redacted)"} after'


def test_a_person_reads_words_and_a_machine_json() -> None:
    """On a terminal a line is no JSON."""
    assert not line("hello", as_json=False).startswith("{")
    assert json.loads(line("hello"))["event"] == "hello"


def test_a_line_that_another_handler_has_written_says_everything_once() -> None:
    """A formatter of a team's own handler leaves message and time on the record: they are in our line already."""
    record = logging.LogRecord("some.library", logging.INFO, __file__, 1, "hello %s", ("Ada",), None)
    logging.Formatter("%(asctime)s %(message)s").format(record)
    written = json.loads(logs.formatter(as_json=True).format(record))
    assert written["event"] == "hello Ada"
    assert not {"message", "asctime"} & written.keys()


async def _written() -> Any:
    return json.loads(line("x"))
