"""The commands that pause and resume."""

from __future__ import annotations

import pytest
import typer
from anchorbolt.cli.inbox import pauses
from anchorbolt.inbox.pauses import Pause


@pytest.mark.parametrize("command", [pauses.pause, pauses.resume])
@pytest.mark.parametrize("option", ["listener", "kind", "workspace", "conversation"])
def test_an_empty_name_is_refused(command: object, option: str) -> None:
    """An option whose name is empty, such as an unset variable of a shell, does not pause or resume everything."""
    assert callable(command)
    with pytest.raises(typer.BadParameter, match=f"--{option} is empty"):
        command(**{option: ""})


def test_a_name_does_not_control_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What somebody gave as a name or as `--by` is shown to others without its escape sequences."""
    found = [Pause("listener", "a\x1b[2J", "b\x1b]0;x\x07\nlistener c", 1.0)]
    monkeypatch.setattr(pauses, "as_reader", lambda _: (list(found), None, None))
    pauses.list_()
    answers = iter([(list(found), True)])
    monkeypatch.setattr(pauses, "as_admin", lambda _: next(answers))
    pauses.resume()
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert len(said.splitlines()) == 2
