"""Prints a run: one table, the ratios against the peers, and the change against the last recorded run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.variants import ALL, ASGI, BOLT_ASYNC, BOLT_NODE, BOLT_SYNC, OURS, Variant

RESULTS = Path(__file__).parent / "results"
Rounds = list[dict[str, Any]]
Found = dict[tuple[str, str, int], Rounds]
Read = Callable[[dict[str, Any]], float]


def last_recorded() -> dict[str, Any] | None:
    """The newest results in bench/results/; what the newest run left out is taken from the one before it."""
    results = [json.loads(path.read_text()) for path in RESULTS.glob("*.json")]
    # Other benches keep theirs there too, without cells.
    recorded = sorted((one for one in results if "cells" in one), key=lambda one: str(one["when"]))
    if not recorded:
        return None
    cells = {(cell["variant"], cell["kind"], cell["listeners"]): cell for one in recorded for cell in one["cells"]}
    return {**recorded[-1], "cells": list(cells.values())}


def record(name: str, results: dict[str, Any]) -> None:
    """Keeps results as bench/results/NAME.json, with the time of now where they have none of their own."""
    RESULTS.mkdir(exist_ok=True)
    kept = {"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **results}
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")


def print_report(results: dict[str, Any], previous: dict[str, Any] | None) -> None:
    console = Console(width=190)
    found = _by_place(results)
    console.print(_table(found))
    console.print(
        "Rates are listeners that ended, a second, on one core: median ± half the spread. Ack in ms from the moment a "
        "request was due. 'refused' and 'late' (no answer within 3 s) are shares of the requests at twice the peak; "
        "'of peak' is what ended then. 'load' is the share of its own core that the load side used: near 100 % it, "
        "not the server, was measured."
    )
    for line in (*_ratios(found), *_changes(found, previous)):
        console.print(line)


def _by_place(results: dict[str, Any]) -> Found:
    return {(cell["variant"], cell["kind"], cell["listeners"]): cell["rounds"] for cell in results["cells"]}


def _table(found: Found) -> Table:
    table = Table(title="Events and commands a second on one core, and the ack that Slack waits for")
    headings = ("server", "kind", "1 listener", "20", "200", "CPU us", "half: p50", "p99", "p99.9")
    for heading in (*headings, "double: p50", "p99", "p99.9", "late", "refused", "of peak", "MiB", "load"):
        table.add_column(heading, justify="left" if heading in ("server", "kind") else "right", no_wrap=True)
    for kind in ("event", "command"):
        for variant in ALL:
            sizes = {size: found.get((variant.name, kind, size)) for size in (1, 20, 200)}
            if any(sizes.values()):
                table.add_row(variant.label, kind, *_row(sizes))
        table.add_section()
    return table


def _row(sizes: dict[int, Rounds | None]) -> list[str]:
    rates = [_spread([one["peak"]["rate"] for one in rounds]) if rounds else "" for rounds in sizes.values()]
    rounds = sizes[20] or sizes[1] or sizes[200] or []
    cpu = "{:,.0f}+{:,.0f}".format(
        *(_mid(rounds, lambda one, p=p: one["peak"]["cpu_us"][p]) for p in ("user", "system"))
    )
    memory = "{:.0f}, {:.0f}".format(
        *(_mid(rounds, lambda one, p=p: one[f"memory_{p}_mib"]) for p in ("at_rest", "after"))
    )
    steady = [""] * 9
    if "half" in rounds[0]:
        acks = [
            f"{_mid(rounds, lambda one, n=name, q=q: one[n]['ack_ms'][q]):,.1f}"
            for name in ("half", "double")
            for q in ("p50", "p99", "p99.9")
        ]
        late = _mid(rounds, lambda one: one["double"]["late"] / max(one["double"]["sent"] + one["double"]["late"], 1))
        refused = _mid(rounds, lambda one: _refused(one["double"]))
        of_peak = _mid(rounds, lambda one: one["double"]["of_peak"])
        steady = [*acks, f"{late:.1%}", f"{refused:.1%}", f"{of_peak:.0%}"]
    return [*rates, cpu, *steady, memory, f"{_mid(rounds, lambda one: one['peak']['load_cpu']):.0%}"]


def _refused(phase: dict[str, Any]) -> float:
    answers = {int(status): count for status, count in phase["statuses"].items()}
    return float(sum(count for status, count in answers.items() if status >= 400) / max(sum(answers.values()), 1))


def _mid(rounds: Rounds, read: Callable[..., float]) -> float:
    return float(median(read(one) for one in rounds))


def _spread(values: list[float]) -> str:
    middle = median(values)
    return f"{middle:,.0f} ±{(max(values) - min(values)) / 2 / middle:.0%}"


def _rate(one: dict[str, Any]) -> float:
    return float(one["peak"]["rate"])


def _per_cpu_second(one: dict[str, Any]) -> float:
    return 1e6 / float(sum(one["peak"]["cpu_us"].values()))


def _ratio(found: Found, ours: Variant, peer: Variant, kind: str, size: int, *, read: Read = _rate) -> float | None:
    """The median of the ratios round by round: both sides of each were measured within the same minute."""
    # The floors have no listeners, so they are measured at one size only.
    mine, theirs = found.get((ours.name, kind, size)), found.get((peer.name, kind, size if peer.listens else 20))
    if not mine or not theirs:
        return None
    return median(read(a) / read(b) for a, b in zip(mine, theirs, strict=False))


def _ratios(found: Found) -> list[str]:
    lines = ["Ratios by the clock, and in parentheses by CPU time, which other load on the machine disturbs less:"]
    for ours in OURS:
        for kind in ("event", "command"):
            for size in (1, 20, 200):
                against = [
                    f"{ratio:.2f} x {peer.label} ({_ratio(found, ours, peer, kind, size, read=_per_cpu_second):.2f})"
                    for peer in (BOLT_ASYNC, BOLT_NODE, BOLT_SYNC, ASGI)
                    if (ratio := _ratio(found, ours, peer, kind, size))
                ]
                if against:
                    lines.append(f"{ours.label}, {kind}s, {size} listeners: " + ", ".join(against))
            one, many = found.get((ours.name, kind, 1)), found.get((ours.name, kind, 200))
            if one and many:
                growth = median(a["peak"]["rate"] / b["peak"]["rate"] for a, b in zip(one, many, strict=False))
                lines.append(f"{ours.label}, {kind}s: 200 listeners are {growth:.2f} x slower than one")
    return lines


def _changes(found: Found, previous: dict[str, Any] | None) -> list[str]:
    """Against the last recorded run, both in units of the raw ASGI server of their own run: machines differ."""
    if previous is None:
        return ["No run is recorded yet: python -m bench.throughput --record NAME"]
    before, lines = _by_place(previous), [f"Against the run of {previous['when']} ({previous['commit']}):"]
    for ours in OURS:
        for kind in ("event", "command"):
            for size in (1, 20, 200):
                now, then = (_ratio(run, ours, ASGI, kind, size) for run in (found, before))
                if now and then:
                    lines.append(
                        f"  {ours.label}, {kind}s, {size} listeners: {now / then - 1:+.0%} ({then:.3f} -> {now:.3f})"
                    )
    return lines
