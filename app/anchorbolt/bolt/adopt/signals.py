"""A main block sets no handlers of signals: a drain begins with signals, and Python allows a thread no handler."""

from __future__ import annotations

import asyncio
import functools
import signal
from collections.abc import Callable
from typing import Any

import uvloop

from anchorbolt.bolt.adopt.going import of_this_context

_SETS: list[tuple[Any, str]] = [
    (signal, "signal"),
    (asyncio.SelectorEventLoop, "add_signal_handler"),
    (uvloop.Loop, "add_signal_handler"),
]


def leave_out() -> None:
    """From now on, a main block sets no handler, as long as it runs. Whoever else sets one does so as before."""
    while _SETS:
        owner, name = _SETS.pop()
        setattr(owner, name, _instead(getattr(owner, name)))


def _instead(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def instead(*args: Any, **options: Any) -> Any:
        if (going := of_this_context()) is not None and going.is_main:
            return None
        return original(*args, **options)

    return instead
