"""Holds back the signals that ask for an end while no handler is set. A process with PID 1 would lose them."""

from __future__ import annotations

import signal

_HELD = frozenset({signal.SIGINT, signal.SIGTERM})


def hold_back() -> None:
    """From now on SIGINT and SIGTERM wait, in this thread and in processes that it forks."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)


def let_through() -> None:
    """From now on they are delivered, those that have waited first."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
