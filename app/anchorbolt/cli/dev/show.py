"""Shows the demonstration: a row for each request and, on a terminal, a progress bar below them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column, Table
from rich.text import Text

from anchorbolt.cli.dev.log_lines import Ended
from anchorbolt.emulator.player import Ack

_LOOKS = {
    "done": "green",
    "unmatched": "yellow",
    "foreign": "yellow",
    "not_installed": "yellow",
    "failed": "red",
    "dead": "bold red",
    "handed back": "yellow",
}
_WIDTHS: tuple[tuple[int, JustifyMethod], ...] = ((32, "left"), (6, "left"), (7, "right"), (23, "left"))
_WIDE = 120
_HEADER = ("request", "status", "ack ms", "outcome", "listener", "Web API calls")


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one request. `prefix` is the package that all listeners are in, and is not shown."""

    ack: Ack
    ended: Ended | None
    calls: tuple[str, ...]
    prefix: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str, str, str]:
        """The text for each column of the header."""
        calls = ", ".join(self.calls) or "-"
        return self.ack.sample.kind, self.ack.told, f"{self.ack.ack_ms:.1f}", self.outcome, self.listener, calls

    @property
    def listener(self) -> str:
        """The name of the listener that ran."""
        listener = self.ended.listener if self.ended is not None else None
        return (listener or "-").removeprefix(self.prefix)

    @property
    def outcome(self) -> str:
        """The outcome that the app logged, or why there is none."""
        if self.ended is not None:
            return self.ended.told
        if self.ack.sample.family == "control":
            return "answered"
        return "still runs" if self.ack.ok else "refused"


class Show(Protocol):
    """Shows the requests that were sent, each as a row."""

    def row(self, row: Row) -> None:
        """Shows the row of one more request."""


@contextmanager
def show(console: Console, total: int) -> Iterator[Show]:
    """A table with a bar on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield PlainLines(console, total)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        yield LiveTable(progress, total)


class LiveTable:
    """Rows above a progress bar. Where the terminal is narrow, a row takes two lines."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._bar = progress.add_task("", total=total)
        self._print([Text(cell, "bold") for cell in _HEADER])

    def row(self, row: Row) -> None:
        """Prints a row and moves the bar."""
        look = _LOOKS.get(row.outcome.partition(":")[0], "")
        looks = ("", "green" if row.ack.ok else "red", "", look, "", "")
        self._print([Text(cell, look) for cell, look in zip(row.cells, looks, strict=True)])
        self._progress.update(self._bar, advance=1, description=row.ack.sample.kind)

    def _print(self, cells: Sequence[Text]) -> None:
        console = self._progress.console
        fixed, free = cells[: len(_WIDTHS)], cells[len(_WIDTHS) :]
        wide = console.width >= _WIDE
        columns = [Column(width=width, justify=justify) for width, justify in _WIDTHS]
        columns += [Column(ratio=1, overflow="fold") for _ in free] if wide else []
        table = Table(*columns, box=None, show_header=False, expand=wide, padding=(0, 1, 0, 0))
        table.add_row(*(cells if wide else fixed))
        console.print(table)
        if not wide and any(cell.plain != "-" for cell in free):
            console.print(Padding(Text(": ").join(free), (0, 0, 0, 4)))


class PlainLines:
    """One line for each request, for an output that is no terminal."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._shown = 0

    def row(self, row: Row) -> None:
        """Prints a row as the next line of the table."""
        self._shown += 1
        kind, status, ack_ms, outcome, listener, calls = row.cells
        told = (
            f"{self._shown:>2}/{self._total} {kind:<32} {status:<4} {ack_ms:>7} ms  {outcome:<23} {listener}  {calls}"
        )
        say(self._console, told)


class Screen(Console):
    """Standard output. When its reader goes away (`make run | head`), `dev` drains the app instead of failing."""

    def on_broken_pipe(self) -> None:
        """Stops writing, and ends `dev` as Ctrl-C does."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        signal.raise_signal(signal.SIGTERM)


def say(console: Console, text: str, look: str = "") -> None:
    """Prints a line as it is, without markup and without wrapping. Ignores a terminal that is gone.

    `look`: a style of rich's, such as `yellow`.
    """
    with suppress(OSError):
        console.print(Text(text, look), soft_wrap=True, highlight=False)
