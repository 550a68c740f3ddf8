"""Tells a test of the end of one run."""

from __future__ import annotations

from collections.abc import Callable

from anchorbolt.bolt.run import Run


def tell_of_its_end(run: Run, told: Callable[[str], None]) -> None:
    """Has `told` called with the outcome of a run when the worker says that it is over, before anything else then."""

    class Told(Run):
        """The run, with its end told."""

        __slots__ = ()

        def over(self, outcome: str) -> None:
            """Tells, and goes on."""
            told(outcome)
            super().over(outcome)

    run.__class__ = Told
