"""`python -m bench.ingress`: where the shipped proxies put conversations, what that costs, what a failing pod loses.

Each proxy (or those that are named) runs with the files of its folder under ingress/, on loopback: first in front of
stand-in pods, then of three processes of the app on one PostgreSQL. "Moved" is the share of conversations on another
pod than before; a needless move is one between two pods that were there all along. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from anchorbolt.emulator.player import Ack, Player, client
from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET

from bench.behind import behind
from bench.machine import commit, machine
from tests.integration.ingress.pods import Cluster, Pod
from tests.integration.ingress.proxies import PROXIES
from tests.integration.ingress.proxies.process import Proxy
from tests.integration.ingress.wire import JSON, Slack, event
from tests.support.postgresql import PostgreSQL, migrate
from tests.support.waiting import until

KEYS = 4_000
FEW = 200
REQUESTS_A_KEY = 10
SECONDS = 8
TICKS = os.sysconf("SC_CLK_TCK")

Placed = dict[str, str]


def main() -> None:
    """Measures each proxy in its turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="those proxies alone")
    parser.add_argument("--rate", type=int, default=60, help="events a second while a pod drains or is killed")
    parser.add_argument("--only-failover", action="store_true", help="nothing of where conversations are put")
    asked = parser.parse_args()
    told = machine(Path(tempfile.gettempdir()))
    print(f"{told['cpu']}, {told['cores']} cores, load {told['load_before']:.1f}, commit {commit()}\n")
    columns = {}
    with tempfile.TemporaryDirectory() as directory:
        server = PostgreSQL(Path(directory) / "postgresql")
        server.start()
        try:
            for kind in PROXIES:
                if asked.names and kind.name not in asked.names:
                    continue
                if kind.found() is None:
                    print(f"{kind.name}: {kind.program} is not installed\n")
                    continue
                column = {} if asked.only_failover else measured(kind)
                columns[kind.name] = column | asyncio.run(failed_over(kind, server, asked.rate))
        finally:
            server.stop()
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
        stays, *costs = used(kind, cluster, four, names[:FEW])
    lost, new = four[3].name, cluster.pods[4].name
    return {
        f"keys that stay on one pod ({FEW} keys, {FEW * REQUESTS_A_KEY} requests)": f"{stays:.0%}",
        f"keys a pod, max/mean, {FEW} / {KEYS} keys": f"{spread(home, names[:FEW]):.2f} / {spread(home, names):.2f}",
        "moved, 4 pods to 3 (ideal 0.25)": moved(home, fewer, names),
        "of these needless": moved(home, fewer, [name for name in names if home[name] != lost]),
        "moved, 4 pods to 5 (ideal 0.20)": moved(home, more, names),
        "of these, needless": moved(home, more, [name for name in names if more[name] != new]),
        "moved when the order of the pods is reversed": moved(home, backwards, names),
        "CPU of the proxy a request, 1 kB that it need not read / 1 kB / 16 kB": " / ".join(
            f"{cost:.0f}" for cost in costs
        )
        + " us",
    }


def placed(kind: type[Proxy], cluster: Cluster, pods: Sequence[Pod], names: Sequence[str]) -> Placed:
    """The pod of every conversation, by a proxy that was told of these pods."""
    with (
        tempfile.TemporaryDirectory() as directory,
        kind(cluster, Path(directory), pods).running() as proxy,
        Slack(proxy.port) as slack,
    ):
        return {name: str(slack.send(event(name)).told["pod"]) for name in names}


def used(kind: type[Proxy], cluster: Cluster, pods: Sequence[Pod], names: Sequence[str]) -> list[float]:
    """The share of keys that one pod alone saw, then microseconds of CPU for each of three kinds of request."""
    with tempfile.TemporaryDirectory() as directory, kind(cluster, Path(directory), pods).running() as proxy:
        assert proxy.process is not None
        seen: dict[str, set[str]] = {name: set() for name in names}
        costs = []
        with Slack(proxy.port) as slack:
            for size, media_type in ((1_000, "text/plain"), (1_000, JSON), (16_000, JSON)):
                began = cpu_seconds(proxy.process.pid)
                for _ in range(REQUESTS_A_KEY):
                    for name in names:
                        pod = str(slack.send(event(name, blocks=blocks(size)), media_type).told["pod"])
                        if media_type == JSON:
                            seen[name].add(pod)
                costs.append((cpu_seconds(proxy.process.pid) - began) / (len(names) * REQUESTS_A_KEY) * 1e6)
    return [sum(len(pods) == 1 for pods in seen.values()) / len(seen), *costs]


async def failed_over(kind: type[Proxy], server: PostgreSQL, rate: int) -> dict[str, str]:
    """What a drain and a SIGKILL of one of three processes cost."""
    found = {}
    events = rate * SECONDS
    for how in ("drain", "SIGKILL"):
        url = server.new_database()
        await migrate(url)
        async with behind(kind, 3, url, DRAIN_DELAY_SECONDS=2, LEASE_SECONDS=3) as running:
            name = running.pods.cluster.pods[0].name
            ended = running.pods.processes[name]
            worker = ended.worker_pid
            sending = asyncio.create_task(load(running.url, rate))
            await asyncio.sleep(SECONDS / 4)
            if how == "drain":  # as in a rollout: preStop, which returns once the proxies had time, then SIGTERM
                await running.pods.processes[name].drain()
                ended.terminate()
                await ended.until_ended()
            else:
                ended.kill()
            await running.start(name)
            acks = await sending
            taken = {str(last.sample.key) for *_, last in acks if last.ok}
            await until(lambda: taken <= set(running.log.counts("done")), what="what was acknowledged is done")  # noqa: B023
            starts = running.log.entries("start")
        again = [key for key, times in Counter(entry.key for entry in starts).items() if times > 1]
        was_cut = {entry.key for entry in starts if entry.pid == worker} if how == "SIGKILL" else set()
        # What failed is told by its word: a machine that is too busy shows as http_timeout, a proxy as a status.
        failed = Counter(first.told for first, *_ in acks if not first.ok)
        words = "".join(f" ({times} x {word})" for word, times in failed.items())
        found[f"{how} at {rate}/s, of {events:,}: first answers failed; lost after Slack's retries"] = (
            f"{failed.total()}{words}; {events - len(taken)}"
        )
        times = sorted(first.ack_ms for first, *_ in acks)
        found[f"{how}: first answer, p50 / p99"] = f"{times[events // 2]:.0f} / {times[events * 99 // 100]:.0f} ms"
        found[f"{how}: processed twice; of these not by the killed pod"] = f"{len(again)}; {len(set(again) - was_cut)}"
    return found


async def load(url: str, rate: int) -> list[list[Ack]]:
    """Events of many conversations at a steady rate; every answer to every event, those to its retries too."""
    async with client(keep_alive=True, connections=128) as http, asyncio.TaskGroup() as group:
        player = Player(http, url, EMULATOR_SECRET)
        due, tasks = time.monotonic(), []
        for n in range(rate * SECONDS):
            scene = Scene(channel_id=f"C{n % FEW:010X}", thread_ts=f"1760000000.{n:06d}", text="work=0.02")
            tasks.append(group.create_task(player.deliver(make("message", scene), retry_after=(0.0, 0.5, 1.0))))
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
    return [task.result() for task in tasks]


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
