"""Heartbeats from a thread, for as long as an import keeps the process from giving them itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def from_a_thread(beat: Callable[[], None], seconds: float) -> Iterator[threading.Event]:
    """Calls `beat` every `seconds` until the block ends, or until the event that it yields is set."""
    loaded = threading.Event()

    def go() -> None:
        while not loaded.wait(seconds):
            beat()

    threading.Thread(target=go, name="beat while loading", daemon=True).start()
    try:
        yield loaded
    finally:
        loaded.set()


_loading = threading.Event()


@contextmanager
def loading() -> Iterator[None]:
    """While this lasts, the thread goes on to beat, although the loop runs: what it runs may block it, as an import."""
    _loading.set()
    try:
        yield
    finally:
        _loading.clear()


def is_loading() -> bool:
    """Whether the team's modules are being loaded while the loop runs."""
    return _loading.is_set()
