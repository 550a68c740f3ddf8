"""Signals that ask for an end, held back while nobody can take them: a process with PID 1 would lose them."""

from __future__ import annotations

import signal

_HELD = frozenset({signal.SIGINT, signal.SIGTERM})


def hold_back() -> None:
    """From now on SIGINT and SIGTERM wait, in this thread and in processes that it forks."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)


def let_through() -> None:
    """Takes those that have waited, and those that come."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
