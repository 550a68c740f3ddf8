"""Pods that tell in how many reads each request came, and a client that sends head and body together or apart."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

import uvloop
from anchorbolt.http.whole import REQUEST_LINE, Requests

from tests.integration.ingress.pods import Cluster
from tests.integration.ingress.wire import FORM, JSON

# Between the two writes of a client that sends head and body apart.
PAUSE_SECONDS = 0.005
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@dataclass(slots=True)
class Seen:
    """How the requests of one kind came: `express` counts those that came in one read, and are taken below ASGI."""

    express: int = 0
    reads: Counter[tuple[int, ...]] = field(default_factory=Counter)
    fresh: int = 0  # the first of their connection
    fresh_express: int = 0
    hashed: int = 0  # the proxy found their conversation


class Upstream(asyncio.Protocol):
    """One connection from a proxy. `seen` is written in the one thread that reads."""

    def __init__(self, seen: dict[str, Seen]) -> None:
        self._seen = seen
        self._reads: list[bytes] = []
        self._requests = Requests()
        self._fresh = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvloop gives it
        """Keeps it."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Lets go of the parser."""
        self._requests.forget()

    def data_received(self, data: bytes) -> None:
        """Answers what is whole."""
        self._reads.append(data)
        head, found, body = b"".join(self._reads).partition(b"\r\n\r\n")
        if not found:
            return
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) < int(headers.get(b"content-length", b"0")):
            return
        reads, self._reads = self._reads, []
        if b"x-slack-signature" in headers:
            one = self._seen.setdefault(headers[b"content-type"].decode(), Seen())
            express = len(reads) == 1 and data.startswith(REQUEST_LINE) and self._requests.read(data) is not None
            one.express += express
            one.hashed += b"x-slack-affinity" in headers
            one.reads[tuple(len(read) for read in reads)] += 1
            one.fresh += self._fresh
            one.fresh_express += self._fresh and express
            self._fresh = False
        self._transport.write(ANSWER)


@contextmanager
def upstreams(cluster: Cluster, seen: dict[str, Seen]) -> Iterator[None]:
    """Both ports of each pod, on the app's event loop."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> list[asyncio.AbstractServer]:
        return [
            await loop.create_server(lambda: Upstream(seen), pod.address, port)
            for pod in cluster.pods
            for port in (pod.port, pod.internal_port)
        ]

    servers = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    try:
        yield
    finally:
        for server in servers:
            loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


def bodies() -> dict[str, tuple[str, bytes]]:
    """Content type and body, by what they are called."""

    def event(size: int) -> bytes:
        outer = {
            "type": "event_callback",
            "team_id": "T1",
            "event": {"type": "message", "channel": "C0ONE", "text": ""},
        }
        rest = size - len(json.dumps(outer))
        outer["event"]["text"] = "x" * rest  # type: ignore[index]
        return json.dumps(outer).encode()

    click = json.dumps({"type": "block_actions", "channel": {"id": "C0ONE"}, "text": "x" * 2_900})
    return {
        "1 kB JSON": (JSON, event(1_000)),
        "3 kB form": (FORM, f"payload={quote(click)}".encode()),
        "20 kB JSON": (JSON, event(20_000)),
    }


def send(address: tuple[str, int], media_type: str, body: bytes, *, apart: bool, kept: bool, times: int) -> None:
    """So many requests, one after the other."""
    head = (
        f"POST /slack/events HTTP/1.1\r\nHost: bot.example.com\r\nUser-Agent: Slackbot 1.0\r\nAccept: */*\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\nX-Slack-Request-Timestamp: 1760000000\r\n"
        f"X-Slack-Signature: v0={'0' * 64}\r\n\r\n"
    ).encode()
    connection = None
    for _ in range(times):
        if connection is None:
            connection = socket.create_connection(address, timeout=10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if apart:
            connection.sendall(head)
            time.sleep(PAUSE_SECONDS)
            connection.sendall(body)
        else:
            connection.sendall(head + body)
        answer = b""
        while not answer.endswith(b"{}"):
            more = connection.recv(65536)
            assert more, answer
            answer += more
        assert answer.startswith(b"HTTP/1.1 200"), answer
        if not kept:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()
