"""The commands that pause and resume."""

from __future__ import annotations

import pytest
import typer
from anchorbolt.cli.inbox import pauses


@pytest.mark.parametrize("command", [pauses.pause, pauses.resume])
@pytest.mark.parametrize("option", ["listener", "kind", "workspace", "conversation"])
def test_an_empty_name_is_refused(command: object, option: str) -> None:
    """An option whose name is empty, such as an unset variable of a shell, does not pause or resume everything."""
    assert callable(command)
    with pytest.raises(typer.BadParameter, match=f"--{option} is empty"):
        command(**{option: ""})
