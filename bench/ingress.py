"""`python -m bench.ingress`: where the shipped proxies put conversations, and what that costs them. A Markdown table.

Each proxy runs with the files of its folder under ingress/, on loopback, in front of stand-in pods. "Moved" is the
share of conversations on another pod than before; a needless move is one between two pods that were there all along.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.machine import commit, machine
from tests.integration.ingress.pods import Cluster, Pod
from tests.integration.ingress.proxies import PROXIES
from tests.integration.ingress.proxies.process import Proxy
from tests.integration.ingress.wire import Slack, event

KEYS = 4_000
FEW = 200
REQUESTS_A_KEY = 10
TICKS = os.sysconf("SC_CLK_TCK")

Placed = dict[str, str]


def main() -> None:
    """Measures each proxy in its turn."""
    told = machine(Path(tempfile.gettempdir()))
    print(f"{told['cpu']}, {told['cores']} cores, load {told['load_before']:.1f}, commit {commit()}\n")
    columns = {}
    for kind in PROXIES:
        if kind.found() is None:
            print(f"{kind.name}: {kind.program} is not installed\n")
            continue
        columns[kind.name] = measured(kind)
    rows = next(iter(columns.values()))
    print("| | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for row in rows:
        print(f"| {row} | " + " | ".join(column[row] for column in columns.values()) + " |")


def measured(kind: type[Proxy]) -> dict[str, str]:
    """A column: the name of each row, and what came out."""
    names = [f"C{n:010X}" for n in range(7_000_000, 7_000_000 + KEYS * 9973, 9973)]
    with Cluster(5).running() as cluster:
        four = cluster.pods[:4]
        home = placed(kind, cluster, four, names)
        fewer = placed(kind, cluster, four[:3], names)
        more = placed(kind, cluster, cluster.pods, names)
        backwards = placed(kind, cluster, four[::-1], names)
        stays, small, large = used(kind, cluster, four, names[:FEW])
    lost, new = four[3].name, cluster.pods[4].name
    return {
        f"keys that stay on one pod ({FEW} keys, {FEW * REQUESTS_A_KEY} requests)": f"{stays:.0%}",
        f"keys a pod, max/mean, {FEW} / {KEYS} keys": f"{spread(home, names[:FEW]):.2f} / {spread(home, names):.2f}",
        "moved, 4 pods to 3 (ideal 0.25)": moved(home, fewer, names),
        "of these needless": moved(home, fewer, [name for name in names if home[name] != lost]),
        "moved, 4 pods to 5 (ideal 0.20)": moved(home, more, names),
        "of these, needless": moved(home, more, [name for name in names if more[name] != new]),
        "moved when the order of the pods is reversed": moved(home, backwards, names),
        "CPU of the proxy a request, 1 kB / 16 kB": f"{small:.0f} / {large:.0f} us",
    }


def placed(kind: type[Proxy], cluster: Cluster, pods: Sequence[Pod], names: Sequence[str]) -> Placed:
    """The pod of every conversation, by a proxy that was told of these pods."""
    with (
        tempfile.TemporaryDirectory() as directory,
        kind(cluster, Path(directory), pods).running() as proxy,
        Slack(proxy.port) as slack,
    ):
        return {name: str(slack.send(event(name)).told["pod"]) for name in names}


def used(kind: type[Proxy], cluster: Cluster, pods: Sequence[Pod], names: Sequence[str]) -> tuple[float, float, float]:
    """The share of keys that one pod alone saw, and microseconds of CPU for a request of 1 kB and of 16 kB."""
    with tempfile.TemporaryDirectory() as directory, kind(cluster, Path(directory), pods).running() as proxy:
        assert proxy.process is not None
        seen: dict[str, set[str]] = {name: set() for name in names}
        costs = []
        with Slack(proxy.port) as slack:
            for size in (1_000, 16_000):
                began = cpu_seconds(proxy.process.pid)
                for _ in range(REQUESTS_A_KEY):
                    for name in names:
                        seen[name].add(str(slack.send(event(name, blocks=blocks(size))).told["pod"]))
                costs.append((cpu_seconds(proxy.process.pid) - began) / (len(names) * REQUESTS_A_KEY) * 1e6)
    return sum(len(pods) == 1 for pods in seen.values()) / len(seen), costs[0], costs[1]


def blocks(size: int) -> list[dict[str, object]]:
    """Block Kit of about that many bytes, as messages have it."""
    one: dict[str, object] = {"type": "section", "text": {"type": "mrkdwn", "text": "a line of text " * 8}}
    return [one] * ((size - 150) // 190)


def spread(pods: Placed, names: Sequence[str]) -> float:
    """The fullest pod against the mean."""
    counted = Counter(pods[name] for name in names)
    return max(counted.values()) / (len(names) / 4)


def moved(before: Placed, after: Placed, names: Sequence[str]) -> str:
    """The share of the names that are elsewhere now."""
    return f"{sum(before[name] != after[name] for name in names) / len(names):.3f}"


def cpu_seconds(pid: int) -> float:
    """What a process and its children have used so far."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS + sum(cpu_seconds(int(child)) for child in children)


if __name__ == "__main__":
    main()
