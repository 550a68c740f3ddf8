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


_loading: list[object] = []  # what loads at this moment, and lets the loop run in between


@contextmanager
def loading() -> Iterator[None]:
    """While this lasts, a thread goes on to beat: what the loop runs may block it as an import does."""
    _loading.append(None)
    try:
        yield
    finally:
        _loading.pop()


def is_loading() -> bool:
    """Whether something is loaded at this moment."""
    return bool(_loading)
