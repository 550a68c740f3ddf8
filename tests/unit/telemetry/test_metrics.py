"""The list of metrics fits what the app does."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from anchorbolt.delivery import Kind
from anchorbolt.inbox.lease import End
from anchorbolt.telemetry import metrics

from tests.support.app_process import ROOT


def test_every_kind_is_known_from_the_start() -> None:
    """The series of a kind are there before its first delivery is."""
    assert set(metrics.KINDS) == {kind.value for kind in Kind}


def test_every_reason_for_a_refusal_is_known_from_the_start() -> None:
    """Each word that the code refuses with has its series, and no series has a word that nobody uses."""
    assert set(refusals()) == set(metrics.REFUSALS)


def test_every_end_is_an_outcome() -> None:
    """What the inbox writes as the end of a run has its outcome."""
    words = {
        End.DONE: "done",
        End.DEAD: "dead",
        End.RETRY: "failed",
        End.HANDED_BACK: "handed_back",
        End.HELD: "held",
    } | {End.CANCELLED: "cancelled"}
    assert set(words) == set(End)
    assert set(words.values()) <= set(metrics.OUTCOMES)


@pytest.mark.parametrize(
    ("status", "seconds", "result"),
    [(200, 3.0, "ok"), (200, 3.1, "late"), (425, 0.1, "refused"), (404, 0.1, "failed"), (503, 2.5, "failed")],
)
def test_an_answer_counts_as_slack_counts_it(status: int, seconds: float, result: str) -> None:
    """A 200 within 3 s is a success for Slack; all else is none."""
    before = {name: metrics.answers.value("event", name) for name in metrics.ANSWERS}
    metrics.answered("event", status, seconds)
    after = {name: metrics.answers.value("event", name) for name in metrics.ANSWERS}
    assert {name for name in after if after[name] != before[name]} == {result}


def refusals() -> Iterator[str]:
    """The word of every RefusedError in app/, whether it is made directly or by `_refusal`."""
    for file in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = {"RefusedError": 1, "_refusal": 0}.get(node.func.id)
                if place is not None and isinstance(word := node.args[place], ast.Constant):
                    yield str(word.value)
