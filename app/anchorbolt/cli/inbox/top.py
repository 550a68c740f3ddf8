"""`inbox top`: what the inbox does, again and again."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text
from sqlalchemy import Connection

from anchorbolt.cli.inbox.listing import age, visible
from anchorbolt.cli.inbox.session import as_reader, opened
from anchorbolt.errors import StoreError
from anchorbolt.inbox.admin import Admin, Entry, Filter
from anchorbolt.inbox.overview import Overview, look
from anchorbolt.inbox.pods import SeenPod

Once = Annotated[bool, typer.Option("--once", help="Print once and end, for scripts.")]
Every = Annotated[float, typer.Option(help="Seconds between two updates.", min=0.5)]
MOST_RUNNING = 10
# A database that says nothing for so long is away, for this look.
LOOK_SECONDS = 10.0


def top(once: Once = False, every: Every = 2.0) -> None:
    """Shows a live overview: what arrives and ends, what runs longest, what waits, and each pod. Ctrl-C ends it.

    If the output is not a terminal, it prints once and ends, as with --once.
    """
    console = Console()
    if once or not console.is_terminal:  # a pipe would be shown nothing until the end, which never comes
        print(as_reader(_frame))
        return
    with Live(console=console, auto_refresh=False, screen=True) as live:
        asyncio.run(_watch(live, every))


async def _watch(live: Live, every_seconds: float) -> None:
    """Looks for ever, by one connection for as long as it holds. A database that is away is waited for."""
    frame, looked_at = "", time.monotonic()
    async with opened() as (database, admin):
        while True:
            try:
                frame = await database.read(lambda connection: _frame(admin, connection), LOOK_SECONDS)
                looked_at = time.monotonic()
                shown = frame
            except StoreError as error:
                shown = f"{visible(str(error))}\n{age(time.monotonic() - looked_at)} ago it was so:\n\n{frame}"
            live.update(Text(shown), refresh=True)
            await asyncio.sleep(every_seconds)


def _frame(admin: Admin, connection: Connection) -> str:
    """Looks once, and returns what there is to show."""
    found, counts = look(connection), admin.counts(connection)
    running = admin.entries(connection, Filter("running", most=MOST_RUNNING, slowest_first=True))
    lines = [
        ", ".join(f"{count:,} {name}" for name, count in counts.items()),
        f"accepted: {found.accepted_per_second:.1f} a second",
        "ended in the last minute: " + ", ".join(f"{count:,} {state}" for state, count in found.ended.items()),
        "",
        *_pods(found),
        *_counted("parked lanes, by what they wait for", found.parked),
        *_counted("waiting, by listener", found.waiting),
        "slowest",
        *(_slow(entry) for entry in running),
    ]
    return "\n".join(visible(line) for line in (lines if running else [*lines, "  nothing runs"]))


def _slow(entry: Entry) -> str:
    return f"  {age(entry.running_seconds or 0):>6}  {entry.key}  {entry.listener or '-'} on {entry.owner}"


def _pods(found: Overview) -> list[str]:
    """A line for each process: those that say that they live, and those that hold lanes without saying so."""
    silent = [SeenPod(name, "-", "unknown", 0, 0.0) for name in found.running.keys() - {pod.name for pod in found.pods}]
    pods = sorted([*found.pods, *silent], key=lambda pod: pod.name)
    lines = [
        f"  {found.running.get(pod.name, 0):>5,} of {pod.slots or '?'} slots  {pod.state:<8}  {pod.version or '-':<12}"
        f"  {pod.name}"
        for pod in pods
    ]
    return ["pods: runs, state, version of the app", *lines, ""] if pods else []


def _counted(title: str, counts: dict[str, int]) -> list[str]:
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    return [title, *(f"  {count:>8,}  {name}" for name, count in ordered), ""] if counts else []
