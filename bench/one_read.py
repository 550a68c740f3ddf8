"""`python -m bench.one_read`: whether a request comes from a proxy in one read, so that it is answered below ASGI.

Each shipped proxy (or those that are named), on loopback, in front of a server that is idle and so reads whatever is
there at once: the worst case, because under load both parts are there when their turn comes. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

from bench.machine import commit, machine
from tests.integration.ingress.pods import Cluster
from tests.integration.ingress.proxies import PROXIES
from tests.integration.ingress.reads import Seen, bodies, send, upstreams

PODS = 2
TIMES = 200
# What they are called, whether they keep their connection, and how many there are at once.
CLIENTS = (("connection kept", True, 1), ("a new connection each", False, 1), ("16 new connections at once", False, 16))


def counted(
    address: tuple[str, int], seen: dict[str, Seen], name: str, *, shows_reads: bool, hashes: bool = True
) -> None:
    """Prints the rows of one proxy."""
    for apart, (how, kept, at_once) in product((False, True), CLIENTS):
        row, fresh, fresh_express = [], 0, 0
        for kind, (media_type, body) in bodies().items():
            seen.clear()
            with ThreadPoolExecutor(at_once) as pool:
                sending = [
                    pool.submit(send, address, media_type, body, apart=apart, kept=kept, times=TIMES // at_once)
                    for _ in range(at_once)
                ]
                for sent in sending:
                    sent.result()
            one = seen[media_type]
            count = one.reads.total()
            assert one.hashed == count * hashes, "a proxy that found no conversation did not read the body"
            row.append(f"{one.express / count:.0%}")
            fresh += one.fresh
            fresh_express += one.fresh_express
            if shows_reads:
                print(f"    {kind}: {one.reads.most_common(4)}")
        client = f"{'two writes' if apart else 'one write'}, {how}"
        print(f"| {name} | {client} | " + " | ".join(row) + f" | {fresh_express} of {fresh} |", flush=True)


def main() -> None:
    """Counts for each proxy in its turn, and for none: there, who sends in two writes is read twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="those proxies alone")
    parser.add_argument("--reads", action="store_true", help="also how large the reads were")
    asked = parser.parse_args()
    told = machine(Path(tempfile.gettempdir()))
    print(f"{told['cpu']}, {told['cores']} cores, load {told['load_before']:.1f}, commit {commit()}\n")
    print("| proxy | client | " + " | ".join(bodies()) + " | first of their connection |")
    print("|---" * (3 + len(bodies())) + "|")
    seen: dict[str, Seen] = {}
    with Cluster(PODS).running(stand_ins=False) as cluster, upstreams(cluster, seen):
        pod = cluster.pods[0]
        counted((pod.address, pod.port), seen, "none", shows_reads=asked.reads, hashes=False)
        for kind in PROXIES:
            if (asked.names and kind.name not in asked.names) or kind.found() is None:
                continue
            with tempfile.TemporaryDirectory() as directory, kind(cluster, Path(directory)).running() as proxy:
                counted(("127.0.0.1", proxy.port), seen, kind.name, shows_reads=asked.reads)


if __name__ == "__main__":
    main()
