"""A process that calls the Web API and whose link is cut meanwhile: told what to do by lines on its standard input.

`probe TEXT`: makes a call and waits for its answer. `reset TEXT`, `cancel TEXT`: begins a call, waits until the kernel
has it, and ends it as a run that lost its lease, or only by cancelling its task. Each is answered by a line with the
number of bytes that the kernel still has to send.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path

from anchorbolt.bolt.web_api import client as web_client
from anchorbolt.bolt.web_api.calls import Calls
from anchorbolt.bolt.web_api.watched_client import WatchedClient

from tests.support.waiting import until


def unsent() -> int:
    """How many bytes the sockets of this network namespace have still to send."""
    lines = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    return sum(int(line.split()[4].split(":")[0], 16) for line in lines)


async def obey(shared: WatchedClient, order: str, text: str) -> None:
    """Does what one line says."""
    calls = Calls()
    client = web_client.for_request(shared, None, calls)
    calling = asyncio.create_task(client.chat_postMessage(channel="C1", text=text))
    if order == "probe":
        await calling
        return
    await until(unsent, what="the kernel has the call")
    if order == "reset":
        calls.reset()
    calling.cancel()
    await asyncio.wait({calling})
    if order == "reset":
        await until(lambda: unsent() == 0, what="the kernel has nothing more to send")


async def main(url: str, certificate: str) -> None:
    """Obeys until its standard input ends."""
    client = web_client.create("xoxb-made-up", url)
    if certificate:
        client.ssl = ssl.create_default_context(cafile=certificate)
    web_client.share(client)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order, text = line.split()
        await obey(client, order, text)
        print(unsent(), flush=True)  # noqa: T201 - the answer to whoever gave the order
    await web_client.close(client)


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(sys.argv[1], sys.argv[2]))
