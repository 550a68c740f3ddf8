"""The table of results, on the screen and in a file of bench/results: a row a scenario, the newest of each."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.machine import commit, machine
from bench.on_call.stage import PODS, Found

COLUMNS = (
    *("what goes wrong", "acknowledged", "given up by Slack", "lost", "doubled", "dead", "still live"),
    *(
        "p99 to start of the others",
        "slowest of the others",
        "the others stood still for",
        "ran again after its end",
        "alerts, after",
    ),
    "load of the machine",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


def row(found: Found, load: float) -> str:
    """A row of the table. `load`: the load average when it began, of two cores that others use too."""
    fired = ", ".join(f"{name} {at:.0f} s" for name, at in found.alerts.items()) or "none"
    first = "" if found.first_dead is None else f" (first {found.first_dead:.0f} s)"
    to_start = "-" if found.to_start_p99 is None else f"{found.to_start_p99:.2f} s"
    slowest = "none was accepted" if found.slowest_other is None else f"{found.slowest_other:.1f} s"
    again = "?" if found.again_after is None else f"{found.again_after:.1f} s"
    return (
        f"| {found.title} | {found.acknowledged} | {found.given_up} | {found.lost} | {found.doubled} "
        f"| {found.dead}{first} | {found.live} | {to_start} | {slowest} | {found.stood_still:.1f} s | {again} "
        f"| {fired} | {load:.0f} |"
    )


def record(to: Path, found: Found, load: float, speed: float, rate: float) -> None:
    """Writes a row into a file, in the place of an older one of its scenario; makes the file where there is none."""
    lines = to.read_text().splitlines() if to.exists() else _beginning(speed, rate).splitlines()
    mine = row(found, load)
    at = next((n for n, line in enumerate(lines) if line.startswith(f"| {found.title} |")), None)
    if at is None:
        last = max(n for n, line in enumerate(lines) if line.startswith("|"))
        lines.insert(last + 1, mine)
    else:
        lines[at] = mine
    to.write_text("\n".join(lines) + "\n")


def _beginning(speed: float, rate: float) -> str:
    of = machine(Path.cwd())
    return (
        f"# The exercise on call\n\n"
        f"`python -m bench.on_call`, {time.strftime('%d %B %Y', time.gmtime())}, commit {commit()}: {PODS} pods on one "
        f"PostgreSQL,\n{of['cores']} cores ({of['cpu']}) that did other things too, {rate:g} events a second, half of "
        f"them for the listener that\nit happens to and half for the others. Times are divided by {speed:g}, and not "
        f"multiplied again here.\n\n{HEAD}\n"
    )


def load_average() -> float:
    """The load of the last minute."""
    return os.getloadavg()[0]
