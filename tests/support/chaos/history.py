"""What really ran, read from the listeners' own log, and held against what must never be."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.chaos.faults import Fault
from tests.support.listener_log import Entry

# How long after the end of its listener a run's completion may be on its way still.
WRITING_SECONDS = 2.0


@dataclass
class Run:
    """One run of a listener, in seconds since 1970; one that was killed ended then."""

    key: str
    pid: int
    start: float
    end: float = float("inf")
    how: str = "cut"

    def overlaps(self, other: Run) -> bool:
        """Whether both were there at one moment."""
        return self.start < other.end and other.start < self.end


@dataclass
class Findings:
    """What the log says. Everything but `doubled` must be empty."""

    runs: int = 0
    out_of_order: list[str] = field(default_factory=list)
    at_once: list[str] = field(default_factory=list)
    beside_the_stopped: int = 0
    doubled: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    takeover_seconds: list[float] = field(default_factory=list)


def runs_of(entries: Iterable[Entry], faults: Sequence[Fault]) -> list[Run]:
    """Starts and ends, paired; what has no end was ended by the kill of its process."""
    killed = {pid: fault.began for fault in faults if fault.what == "kill" for pid in fault.pids or ()}
    found: list[Run] = []
    unended: dict[tuple[int, str], Run] = {}
    for entry in entries:
        if entry.what == "start":
            run = Run(entry.key, entry.pid, entry.at)
            unended[entry.pid, entry.key] = run
            found.append(run)
        elif (ended := unended.pop((entry.pid, entry.key), None)) is not None:
            ended.end, ended.how = entry.at, entry.what
    for run in unended.values():
        run.end = killed.get(run.pid, run.end)
    return found


def check(runs: Sequence[Run], faults: Sequence[Fault], order: Mapping[str, tuple[str, int]]) -> Findings:
    """`order`: lane and place in it of each key, as the inbox accepted them."""
    findings = Findings(runs=len(runs))
    lanes: dict[str, list[Run]] = defaultdict(list)
    keys: dict[str, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.start):
        lanes[order[run.key][0]].append(run)
        keys[run.key].append(run)
    for of_lane in lanes.values():
        _check_lane(of_lane, faults, order, findings)
    for of_key in keys.values():
        for before, after in itertools.pairwise(of_key):
            _explain(before, after, faults, findings)
    return findings


def _check_lane(
    runs: Sequence[Run], faults: Sequence[Fault], order: Mapping[str, tuple[str, int]], findings: Findings
) -> None:
    for n, run in enumerate(runs):
        for later in runs[n + 1 :]:
            if was_stopped(run, faults) or was_stopped(later, faults):
                findings.beside_the_stopped += run.overlaps(later)
                continue
            if run.overlaps(later):
                findings.at_once.append(f"{run} beside {later}")
            if order[later.key][1] < order[run.key][1]:
                findings.out_of_order.append(f"{later} after {run}")


def was_stopped(run: Run, faults: Sequence[Fault]) -> bool:
    """Whether its process stood still while it ran, or had just gone on."""
    return any(
        fault.what == "stop" and fault.hits(run.pid) and run.start < fault.ended and fault.began < run.end
        for fault in faults
    )


def _explain(before: Run, after: Run, faults: Sequence[Fault], findings: Findings) -> None:
    """Why it ran again."""
    if before.how == "failed":
        return  # as it was asked to: another attempt is no doubled run
    # A kill first: it is the one whose moment is exact.
    for fault in sorted(faults, key=lambda fault: fault.what != "kill"):
        if fault.hits(before.pid) and _explains(fault, before):
            findings.doubled[fault.what] += 1
            if fault.what == "kill":
                findings.takeover_seconds.append(after.start - fault.began)
            return
    findings.unexplained.append(f"{after} after {before}")


def _explains(fault: Fault, before: Run) -> bool:
    """The run, or the writing of its end, met the fault."""
    ended = fault.began if fault.what == "kill" else fault.ended
    return before.start <= ended and fault.began <= before.end + WRITING_SECONDS
