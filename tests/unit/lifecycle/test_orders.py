"""What `serve` tells the master, it reads."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from anchorbolt.lifecycle.orders import Orders, become_master

SOME = Orders(addresses=(("127.0.0.1", 3000), ("::", 3001)), end_seconds=36.5, log_level="INFO", as_json=True)


def test_the_master_reads_what_it_was_told() -> None:
    """Orders come through a command line as they were."""
    assert Orders.read(str(SOME)) == SOME


@pytest.mark.parametrize(
    ("called", "kept"),
    [
        (["python", "-m", "anchorbolt", "serve"], []),
        (["python", "-X", "dev", "-Wignore", "-m", "anchorbolt", "serve"], ["-X", "dev", "-Wignore"]),
        (["python", "serve.py"], []),
    ],
)
def test_options_of_python_are_kept(called: list[str], kept: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who starts the app with options of Python's finds them in the master and the worker, too."""
    became: list[list[str]] = []
    monkeypatch.setattr(sys, "orig_argv", called)
    monkeypatch.setattr(signal, "pthread_sigmask", lambda *_: None)
    monkeypatch.setattr(os, "execv", lambda _, arguments: became.append(arguments))
    become_master(SOME)
    assert became == [[sys.executable, *kept, "-m", "anchorbolt.master", str(SOME)]]
