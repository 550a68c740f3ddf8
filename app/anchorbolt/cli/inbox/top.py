"""`inbox top`: what the inbox does, again and again."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text
from sqlalchemy import Connection

from anchorbolt.cli.inbox.listing import age, visible
from anchorbolt.cli.inbox.session import as_admin
from anchorbolt.inbox.admin import Admin, Entry, Filter
from anchorbolt.inbox.overview import Overview, look

Once = Annotated[bool, typer.Option("--once", help="Print once and end, for scripts.")]
Every = Annotated[float, typer.Option(help="Seconds between two looks.", min=0.5)]
# The slowest are the oldest of what runs: each look reads so many.
MOST_RUNNING = 10


def top(once: Once = False, every: Every = 2.0) -> None:
    """Shows what runs longest, what waits for what, and what each pod runs. Ctrl-C ends it."""
    if once:
        print(_frame(*as_admin(_work)))
        return
    with Live(console=Console(), auto_refresh=False, screen=True) as live:
        while True:
            live.update(Text(_frame(*as_admin(_work))), refresh=True)
            time.sleep(every)


def _work(admin: Admin, connection: Connection) -> tuple[Overview, dict[str, int], list[Entry]]:
    running = admin.entries(connection, Filter("running", most=MOST_RUNNING))
    return look(connection), admin.counts(connection), running


def _frame(found: Overview, counts: dict[str, int], running: list[Entry]) -> str:
    lines = [
        ", ".join(f"{count:,} {name}" for name, count in counts.items()),
        "ended in the last minute: " + ", ".join(f"{count:,} {state}" for state, count in found.ended.items()),
        "",
        *_counted("runs by process", found.running),
        *_counted("parked lanes, by what they wait for", found.parked),
        *_counted("waiting, by listener", found.waiting),
        "slowest",
    ]
    for entry in sorted(running, key=lambda one: -(one.running_seconds or 0)):
        of = f"{entry.listener or '-'} on {entry.owner}"
        lines.append(f"  {age(entry.running_seconds or 0):>6}  {entry.key}  {of}")
    return "\n".join(visible(line) for line in (lines if running else [*lines, "  nothing runs"]))


def _counted(title: str, counts: dict[str, int]) -> list[str]:
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    return [title, *(f"  {count:>8,}  {name}" for name, count in ordered), ""] if counts else []
