"""Plays Slack: requests at a rate, or envelopes of Socket Mode, events sent again too. Prints a JSON line for each.

Goes on until its standard input ends; a line on it is the signing secret from then on.

Runs as a program of its own, because the address of a node may be within reach only of a process that stands elsewhere
(`cluster exec`). Slack retries an event at once, after 1 and after 5 minutes; here after RETRIES_AFTER_SECONDS.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import threading
import time
import uuid
from dataclasses import asdict, dataclass, field

import aiohttp

from tests.cluster.transports import EVENTS, Envelope, Payload, SignedRequest, Transport, payload_of

RETRIES_AFTER_SECONDS = (0, 5, 15)
SLACK_WAITS_SECONDS = 3
# Over sockets the emulator does the waiting, and says so afterwards.
EMULATOR_SAYS_SECONDS = 1
CONVERSATIONS = 100
# Of ten requests: seven events (one of them in a long thread), two commands, one click.
MIX = ("event", "event", "command", "event", "thread", "event", "action", "event", "command", "event")


@dataclass
class Sent:
    """One request and every answer to it: a status, or 0 where none came in time."""

    id: str
    kind: str
    lane: str
    channel: str
    at: float
    statuses: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    error: str = ""


class Load:
    """Sends at a rate, each request on a connection of its own, as Slack does."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._signed = SignedRequest(arguments.secret)
        self._transport: Transport = Envelope() if arguments.sockets else self._signed
        self._stop = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Sends no new request; what was begun goes on to its end."""
        self._stop.set()

    async def run(self) -> None:
        """Sends until stopped, then waits for the last answers and retries."""
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        waits = SLACK_WAITS_SECONDS + (EMULATOR_SAYS_SECONDS if self._arguments.sockets else 0)
        timeout = aiohttp.ClientTimeout(total=waits)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            begin, number = time.monotonic(), 0
            while not self._stop.is_set() and number != (self._arguments.count or None):
                task = asyncio.create_task(self._send(session, number))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
                number += 1
                wait = begin + number / self._arguments.rate - time.monotonic()
                if wait > 0:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._stop.wait(), wait)
            await asyncio.gather(*self._sending)

    async def _send(self, session: aiohttp.ClientSession, number: int) -> None:
        kind = self._arguments.kind or MIX[number % len(MIX)]
        name = f"Ev{uuid.uuid4().hex[:20]}"
        lane = f"thread-{number % CONVERSATIONS}" if kind == "thread" else name
        sent = Sent(name, kind, lane, f"C{number % CONVERSATIONS:06d}", time.time())
        job = {"id": name, "lane": lane, "channel": sent.channel, "seconds": self._arguments.work}
        job |= {"leak": True} if self._arguments.leak else {}
        payload = payload_of(kind, name, sent.channel, number, job)
        for retry, wait in enumerate((0, *RETRIES_AFTER_SECONDS)):
            await asyncio.sleep(wait)
            await self._ask(session, sent, payload, retry)
            if sent.statuses[-1] == 200 or kind not in EVENTS:
                break
        sys.stdout.write(json.dumps(asdict(sent)) + "\n")
        sys.stdout.flush()

    async def _ask(self, session: aiohttp.ClientSession, sent: Sent, payload: Payload, retry: int) -> None:
        body, headers = self._transport.wrap(sent.kind, payload, retry)
        begin = time.monotonic()
        try:
            async with session.post(self._arguments.url, data=body, headers=headers) as answer:
                await answer.read()
                sent.statuses.append(answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            sent.statuses.append(0)
            sent.error = sent.error or repr(error)
        sent.seconds.append(round(time.monotonic() - begin, 4))

    def use(self, secret: str) -> None:
        """Signs with this secret from now on."""
        self._signed.secret = secret


async def main() -> None:
    """Reads the arguments, then sends until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--secret", default="")
    parser.add_argument("--sockets", action="store_true", help="the URL is the emulator's: it sends envelopes for us")
    parser.add_argument("--rate", type=float, default=10, help="requests a second")
    parser.add_argument("--work", type=float, default=1, help="seconds that each listener works")
    parser.add_argument("--count", type=int, default=0, help="end after so many requests")
    parser.add_argument("--leak", action="store_true", help="jobs that take memory until their process ends")
    parser.add_argument("--kind", choices=sorted(set(MIX)), help="this kind alone, instead of the mix")
    load = Load(parser.parse_args())
    loop = asyncio.get_running_loop()

    def obey() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(load.use, line.strip())
        loop.call_soon_threadsafe(load.stop)

    threading.Thread(target=obey, daemon=True).start()
    await load.run()


if __name__ == "__main__":
    asyncio.run(main())
