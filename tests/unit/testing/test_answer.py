"""What a test reads of an answer."""

from __future__ import annotations

import subprocess
import sys

import pytest
from anchorbolt.emulator.calls import Call as Noted
from anchorbolt.testing import Answer, Call


def answer(body: str = "", *methods: str) -> Answer:
    """An answer with this body, after these calls."""
    return Answer(200, body, "app.deploy", tuple(Call(method, {"channel": "C1"}, {}) for method in methods))


@pytest.mark.parametrize(
    ("body", "text", "json"),
    [
        ("", "", None),
        ("Deploying", "Deploying", None),
        ('{"text": "Deploying"}', "Deploying", {"text": "Deploying"}),
        ('{"options": []}', "", {"options": []}),
    ],
)
def test_the_text_is_what_the_user_sees(body: str, text: str, json: object) -> None:
    """`text` is that of a JSON body, or the body; `json` is None where there is none."""
    assert (answer(body).text, answer(body).json) == (text, json)


def test_the_one_call_of_a_method() -> None:
    """`call` returns it with its arguments; none, or several, is a failed test that says what was called."""
    made = answer("", "chat.postMessage", "users.info", "users.info")
    assert made.call("chat.postMessage")["channel"] == "C1"
    assert made.methods == ["chat.postMessage", "users.info", "users.info"]
    for method, count in (("users.info", 2), ("views.open", 0)):
        with pytest.raises(AssertionError, match=f"{count} calls of {method}; those that were made: chat.postMessage"):
            made.call(method)


def test_arguments_are_read_as_the_listener_gave_them() -> None:
    """What slack_sdk writes as JSON into a form is read again; a text that looks like JSON stays text."""
    form = {"blocks": '[{"type": "divider"}]', "view": "none", "text": '{"a": 1}'}
    call = Call.of(Noted(1, "chat.postMessage", form, 200, {"ok": True}, 0.0))
    assert (call["blocks"], call["view"], call["text"]) == ([{"type": "divider"}], "none", '{"a": 1}')


def test_the_plugin_costs_nothing_when_it_is_not_used() -> None:
    """pytest imports it at every start: without the fixture, neither Bolt nor anything else of ours is loaded."""
    code = (
        "import sys, pytest; before = set(sys.modules); import anchorbolt.testing.plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert told.split() == ["anchorbolt", "anchorbolt.testing", "anchorbolt.testing.plugin"]
