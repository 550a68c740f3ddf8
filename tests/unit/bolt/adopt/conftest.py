"""Modules as teams write them, and our app, which takes them."""

from __future__ import annotations

import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listeners import register
from anchorbolt.errors import ListenersError

Team = Callable[[str], str]
Refusal = Callable[[str], tuple[str, ...]]
NUMBERS = itertools.count()


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    """Writes a module of this source, and returns its name."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # put back after the test
    names: list[str] = []

    def write(source: str) -> str:
        names.append(f"team_{next(NUMBERS)}")
        (tmp_path / f"{names[-1]}.py").write_text(textwrap.dedent(source))
        return names[-1]

    yield write
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def bolt() -> BoltApp:
    """Our app, without listeners."""
    return BoltApp(token="xoxb-made-up", api_url="http://127.0.0.1:9/api/")


@pytest.fixture
def refusal(bolt: BoltApp) -> Refusal:
    """Registers what a value of LISTENERS names, and returns the problems that it is refused for."""

    def refused(listeners: str) -> tuple[str, ...]:
        with pytest.raises(ListenersError) as found:
            register(bolt, listeners)
        return found.value.problems

    return refused
