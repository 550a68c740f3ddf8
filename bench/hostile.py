"""`python -m bench.hostile`: what a body of 129 kB costs a proxy, whatever its shape, against a normal body.

The shipped files in the real proxies, in front of a stand-in pod. The CPU is that of the proxy's processes and threads
(`schedstat`), a request; the memory is the growth of its largest. Writes bench/results/hostile-DATE.json.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.machine import commit, machine
from tests.integration.ingress.payloads import Request
from tests.integration.ingress.pods import Cluster
from tests.integration.ingress.proxies import PROXIES
from tests.integration.ingress.proxies.process import Proxy
from tests.integration.ingress.shapes import HOSTILE_FORMS, HOSTILE_JSON, normal_event, normal_form
from tests.integration.ingress.wire import Slack

RESULTS = Path(__file__).parent / "results"

Row = dict[str, float]


def main() -> None:
    """Measures each proxy in its turn and prints the worst of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="those proxies alone")
    parser.add_argument("--requests", type=int, default=20, help="of each shape")
    asked = parser.parse_args()
    found = {}
    for kind in PROXIES:
        if (asked.names and kind.name not in asked.names) or kind.found() is None:
            continue
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            cluster = stack.enter_context(Cluster(1).running())
            found[kind.name] = measured(stack.enter_context(kind(cluster, directory).running()), asked.requests)
        for name, row in found[kind.name].items():
            print(f"{kind.name:22} {name:45} {row['cpu_us']:9.0f} us {row['ratio']:6.2f} x {row['mib']:7.1f} MiB")
    told = {"commit": commit(), "machine": machine(Path(tempfile.gettempdir())), "proxies": found}
    today = dt.datetime.now(tz=dt.UTC).date()
    (RESULTS / f"hostile-{today}.json").write_text(json.dumps(told, indent=1) + "\n")


def measured(proxy: Proxy, requests: int) -> dict[str, Row]:
    """Each shape: CPU a request, its ratio to a normal body of the same type, and the growth of the memory.

    A normal body goes before each hostile one, and medians are compared: other work on the machine slows both alike.
    """
    rows: dict[str, Row] = {}
    for normal, shapes in ((normal_event(), HOSTILE_JSON), (normal_form(), HOSTILE_FORMS)):
        cost(proxy, [normal], requests)  # the first requests pay for what is set up once
        bases = []
        for shape in shapes:
            (base, spent), grown = cost(proxy, [normal, shape], requests)
            bases.append(base)
            kind = normal.content_type.rsplit("/", 1)[1][:6]
            rows[f"{kind}: {shape.name}"] = {"cpu_us": spent, "ratio": round(spent / base, 2), "mib": grown}
        rows[f"{normal.content_type}: {normal.name}"] = {"cpu_us": median(bases), "ratio": 1.0, "mib": 0.0}
    return rows


def cost(proxy: Proxy, shapes: list[Request], requests: int) -> tuple[list[float], float]:
    """The median of the microseconds of CPU that a request of each costs, and MiB by which the peak memory grew."""
    assert proxy.process is not None
    pids = family(proxy.process.pid)
    peak = memory(pids)
    spent: list[list[float]] = [[] for _ in shapes]
    with Slack(proxy.port, seconds=60) as slack:
        for _ in range(requests):
            for shape, costs in zip(shapes, spent, strict=True):
                before = cpu(pids)
                slack.send(shape.body, shape.content_type)
                costs.append(cpu(pids) - before)
    return [median(costs) for costs in spent], memory(pids) - peak


def family(pid: int) -> list[int]:
    """The process and all its descendants."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [pid, *(each for child in children for each in family(child))]


def cpu(pids: list[int]) -> float:
    """Microseconds that all their threads ran."""
    files = [file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(file.read_text().split()[0]) for file in files) / 1000


def memory(pids: list[int]) -> float:
    """The sum of their peaks, in MiB."""
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    main()
