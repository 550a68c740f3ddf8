"""The load while it runs, and the account at its end: what Slack was told against what the listeners did."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.load import SLACK_WAITS_SECONDS, Sent
from tests.manifests.render import ROOT

# As cluster_listeners.py has it: a listener that could not tell by then has failed.
TOLD_WITHIN_SECONDS = 5
# What ended so shortly before its pod was lost may not have been written yet.
UNWRITTEN_SECONDS = 0.5


@dataclass(frozen=True)
class Line:
    """What a listener told: that a run began or ended."""

    phase: str
    id: str
    lane: str
    channel: str
    attempt: int
    pod: str
    at: float
    recorded_at: float


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all stay below, in the values' unit; 0 of nothing."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


class Account:
    """One load, held against the recorder's lines."""

    def __init__(self, sent: list[Sent], told: list[Line]) -> None:
        ours = {s.id for s in sent}
        self.sent = sent
        # In the order in which the recorder heard of them. What other loads of the same stack did is left out, and what
        # came so late, out of a cut, that its listener had long been told of a failure.
        in_time = [line for line in told if line.id in ours and line.recorded_at - line.at < TOLD_WITHIN_SECONDS]
        self.lines = sorted(in_time, key=lambda line: line.recorded_at)

    def first_answers_failed(self) -> list[Sent]:
        """Requests whose first answer was not a 200 within the 3 s that Slack waits."""
        return [s for s in self.sent if s.statuses[0] != 200 or s.seconds[0] > SLACK_WAITS_SECONDS]

    def never_acknowledged(self) -> list[Sent]:
        """Requests that Slack was never told a 200 for, retries included."""
        return [s for s in self.sent if 200 not in s.statuses]

    def lost(self) -> list[Sent]:
        """Acknowledged, and no run of it ended."""
        ended = {line.id for line in self.lines if line.phase == "end"}
        return [s for s in self.sent if 200 in s.statuses and s.id not in ended]

    def _more_than_once(self, phase: str) -> dict[str, int]:
        counted = Counter(line.id for line in self.lines if line.phase == phase)
        return {name: times for name, times in counted.items() if times > 1}

    def run_twice(self) -> dict[str, int]:
        """Ids that began more than once."""
        return self._more_than_once("start")

    def finished_twice(self) -> dict[str, int]:
        """Ids that ended more than once."""
        return self._more_than_once("end")

    def finished_twice_apart_from(self, begin: float, end: float) -> dict[str, int]:
        """Those of them whose first end was not between two times, at which a pod was lost.

        A run that ends as its pod is lost may tell so before its completion is written: it runs again. At least once.
        """
        twice = self.finished_twice()
        first_end = {line.id: line.recorded_at for line in reversed(self.lines) if line.phase == "end"}
        return {name: times for name, times in twice.items() if not begin <= first_end[name] <= end}

    def two_at_once(self) -> list[str]:
        """Lanes in which a run began before the one before it had ended."""
        running: dict[str, str] = {}
        broken = []
        for line in self.lines:
            if line.phase == "end":
                running.pop(line.lane, None)
            elif (other := running.get(line.lane)) and other != line.id:
                broken.append(line.lane)
            else:
                running[line.lane] = line.id
        return broken

    def moves(self) -> float:
        """How often a conversation changed its pod, as an average: 2 is the least that a rolling restart can do."""
        pod_of: dict[str, str] = {}
        moved: Counter[str] = Counter()
        for line in self.lines:
            if line.phase == "start" and pod_of.get(line.channel, line.pod) != line.pod:
                moved[line.channel] += 1
            pod_of[line.channel] = line.pod
        return sum(moved.values()) / max(1, len(pod_of))

    def at_home(self, begin: float, end: float) -> float:
        """The share of conversations whose pod, by name, is after `end` the one that it was before `begin`."""
        before = {line.channel: line.pod for line in self.lines if line.phase == "start" and line.recorded_at < begin}
        after = {line.channel: line.pod for line in self.lines if line.phase == "start" and line.recorded_at > end}
        both = before.keys() & after.keys()
        return sum(before[channel] == after[channel] for channel in both) / max(1, len(both))

    def ack_p99_ms(self, begin: float = 0, end: float = float("inf")) -> float:
        """p99 of the first answer of what was sent between two times, in ms."""
        return 1000 * percentile([s.seconds[0] for s in self.sent if begin <= s.at < end], 0.99)

    def slowest_ms(self) -> float:
        """The slowest first answer, in ms."""
        return 1000 * max((s.seconds[0] for s in self.sent), default=0)

    def why(self) -> str:
        """The answers that were no 200, counted: for a message when a promise is broken."""
        counted = Counter(f"{s.kind}: {status or s.error}" for s in self.sent for status in s.statuses if status != 200)
        return ", ".join(f"{times} x {what}" for what, times in counted.most_common(8)) or "every answer was a 200"


def nothing_noticed(account: Account) -> None:
    """Every first answer a 200 in time, everything acknowledged ended, nothing began twice, lanes kept their order."""
    assert account.first_answers_failed() == [], account.why()
    assert account.lost() == []
    assert account.run_twice() == {}
    assert account.two_at_once() == []


class Traffic:
    """A load that runs now, in a process of its own."""

    def __init__(self, command: list[str], lines: Callable[[], list[Line]]) -> None:
        descriptor, name = tempfile.mkstemp(suffix=".jsonl")
        self._out = Path(name)
        with os.fdopen(descriptor, "w") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, text=True, cwd=ROOT)
        self._lines = lines
        self.began = time.time()

    def sign_with(self, secret: str) -> None:
        """Signs with this secret from now on, as Slack does once a rotation is confirmed."""
        assert self._process.stdin
        self._process.stdin.write(secret + "\n")
        self._process.stdin.flush()

    @staticmethod
    def now() -> float:
        """The time by the clock that requests and lines are stamped with."""
        return time.time()

    def go_on_for(self, seconds: float) -> tuple[float, float]:
        """Lets the load run this long, and gives begin and end: a stretch to measure in, not a wait for anything."""
        begin = time.time()
        time.sleep(seconds)
        assert self._process.poll() is None, "the load ended by itself"
        return begin, time.time()

    def sent_so_far(self) -> list[Sent]:
        """What was answered so far."""
        return [Sent(**json.loads(line)) for line in self._out.read_text().splitlines() if line.endswith("}")]

    def abandon(self) -> None:
        """Ends the load of a test that did not come to its end."""
        if self._process.stdin and self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait(60)
        self._out.unlink(missing_ok=True)

    def end(self, settle_seconds: float = 60) -> Account:
        """Stops sending, waits for the last retry and until all acknowledged work ended, at most `settle_seconds`."""
        assert self._process.stdin
        self._process.stdin.close()
        assert self._process.wait(timeout=60) == 0
        sent = self.sent_so_far()
        self._out.unlink()
        deadline = time.monotonic() + settle_seconds
        while True:
            account = Account(sent, self._lines())
            if not account.lost() or time.monotonic() > deadline:
                return account
            time.sleep(1)
