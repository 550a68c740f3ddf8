"""Plays one signed request of every kind, as `make run` does, and prints a JSON line for each.

A program of its own for the same reason as load.py: it may have to run where the nodes are within reach.
"""

from __future__ import annotations

import asyncio
import json
import sys

from app.playground.player import Player, client
from app.playground.scene import Scene

# The header in which the tier of the tests says which pod answered (see pod_header.py).
POD_HEADER = "x-answered-by"


async def main(url: str, secret: str, slack_url: str) -> None:
    """Sends one kind after the other."""
    async with client() as http:
        async for ack in Player(http, url, secret).play(Scene(slack_url=slack_url)):
            line = {"kind": ack.sample.kind, "family": ack.sample.family, "status": ack.status or 0}
            line |= {"ack_ms": round(ack.ack_ms, 1), "pod": ack.headers.get(POD_HEADER, "-") if ack.headers else "-"}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
