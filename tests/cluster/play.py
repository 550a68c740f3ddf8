"""Plays one request of every kind, as `make run` does, and prints a JSON line for each.

After each it waits for a line on standard input: whoever reads sees what came of one before the next is sent.

A program of its own for the same reason as load.py: it may have to run where the nodes are within reach.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator

import httpx
from anchorbolt.emulator.player import Ack, Player, client
from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.socket_mode.envelope import envelope, is_sent_over_sockets

# The header in which the tier of the tests says which pod answered (see tier.py).
POD_HEADER = "x-answered-by"


async def over_sockets(http: httpx.AsyncClient, url: str, scene: Scene) -> AsyncIterator[Ack]:
    """The same, as envelopes that the emulator sends over the app's connections; its answer tells of the ack."""
    for kind in filter(is_sent_over_sockets, SAMPLES):
        sample = make(kind, scene)
        began = time.perf_counter()
        answer = await http.post(url, json=envelope(sample), timeout=None)
        yield Ack(sample, answer.status_code, (time.perf_counter() - began) * 1000, answer.content)


async def main(url: str, secret: str, slack_url: str) -> None:
    """Sends one kind after the other."""
    scene = Scene(slack_url=slack_url)
    async with client() as http:
        sockets = url.endswith("/sockets")
        async for ack in over_sockets(http, url, scene) if sockets else Player(http, url, secret).play(scene):
            line = {"kind": ack.sample.kind, "family": ack.sample.family, "status": ack.status or 0}
            line |= {"ack_ms": round(ack.ack_ms, 1), "pod": ack.headers.get(POD_HEADER, "-") if ack.headers else "-"}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
