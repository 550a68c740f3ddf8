"""Stand-in pods: they tell what reached them and answer as they are told. The app itself is in test_failover.py."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.integration.ingress.names import Names
from tests.support.ports import free_port
from tests.support.waiting import until

PROXIES_CLOSE_SECONDS = 5.0

Answer = int | Literal["reset", "silence"]


@dataclass(slots=True)
class Seen:
    """One request as it arrived at a pod."""

    path: str
    headers: dict[str, str]
    size: int


@dataclass(slots=True)
class Pod:
    """A public and an internal port on an address of its own, as in a cluster."""

    name: str
    address: str
    port: int
    internal_port: int
    answer: Answer = 200
    ready: bool = True
    drained: bool = False  # its region, by hand
    delay_seconds: float = 0
    seen: list[Seen] = field(default_factory=list)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _connections: set[asyncio.StreamWriter] = field(default_factory=set)

    async def listen(self) -> None:
        """Opens both ports."""
        self._servers = [
            await asyncio.start_server(self._public, self.address, self.port, limit=4 << 20, reuse_address=True),
            await asyncio.start_server(self._internal, self.address, self.internal_port, reuse_address=True),
        ]

    async def vanish(self) -> None:
        """Closes the ports and every connection: who asks next is refused.

        Returns when proxies have closed their ends too: what one sends on a connection that is gone, before it notices,
        is lost with any pod.
        """
        for server in self._servers:
            server.close()
        for writer in self._connections:
            if not writer.is_closing():
                writer.write_eof()
        with suppress(AssertionError):
            await until(lambda: not self._connections, PROXIES_CLOSE_SECONDS)
        for writer in list(self._connections):
            writer.transport.abort()
        self._servers = []

    async def _public(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while True:
                path, headers = await _head(reader)
                size = await _body(reader, headers)
                self.seen.append(Seen(path, headers, size))
                if self.answer == "reset":
                    writer.transport.abort()
                    return
                if self.answer == "silence":
                    await asyncio.sleep(30)
                    return
                await asyncio.sleep(self.delay_seconds)
                told = {"pod": self.name, "conversation": headers.get("x-slack-affinity"), "size": size}
                writer.write(_answer(int(self.answer), json.dumps(told).encode()))
                await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _internal(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while True:
                path, _ = await _head(reader)
                is_well = self.ready and not (path == "/region" and self.drained)
                status = 404 if path not in {"/readyz", "/region"} else 200 if is_well else 503
                writer.write(_answer(status, b"{}"))
                await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            self._connections.discard(writer)
            writer.close()


class Cluster:
    """Some pods behind a headless Service: their names, their addresses, and a thread in which they live."""

    def __init__(self, pods: int) -> None:
        network = f"127.{random.randint(2, 250)}.{random.randint(1, 250)}"
        port, internal_port = free_port(f"{network}.10"), free_port(f"{network}.10")
        self.domain = "anchorbolt-pods.default.svc.cluster.local"
        self.network = network
        self.pods = [Pod(f"anchorbolt-{n}", f"{network}.{10 + n}", port, internal_port) for n in range(pods)]
        self.names = Names()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @contextmanager
    def running(self, *, stand_ins: bool = True) -> Iterator[Cluster]:
        """Listens on loopback until the block ends. Without stand-ins only the names are there."""
        self._thread.start()
        self.run(self.names.listen())
        for pod in self.pods:
            if stand_ins:
                self.add(pod)
            else:
                self.name(pod)
        try:
            yield self
        finally:
            for pod in self.pods:
                self.run(pod.vanish())
            self.names.close()
            self.run(_end_all())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)

    def add(self, pod: Pod) -> None:
        """The pod listens, and its name leads to its address."""
        self.run(pod.listen())
        self.name(pod)

    def name(self, pod: Pod) -> None:
        """The pod's name leads to its address."""
        self.names.addresses[f"{pod.name}.{self.domain}"] = pod.address

    def remove(self, pod: Pod) -> None:
        """The pod is gone, its name too."""
        del self.names.addresses[f"{pod.name}.{self.domain}"]
        self.run(pod.vanish())

    def run(self, todo: Coroutine[Any, Any, None]) -> None:
        """Runs something where the pods live."""
        asyncio.run_coroutine_threadsafe(todo, self._loop).result(timeout=10)

    def forget(self) -> None:
        """Every pod forgets what it saw."""
        for pod in self.pods:
            pod.seen.clear()

    def pod(self, name: str) -> Pod:
        """The pod of that name."""
        return next(pod for pod in self.pods if pod.name == name)


async def _end_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
    return first.split(" ")[1], headers


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> int:
    if "chunked" not in headers.get("transfer-encoding", ""):
        return len(await reader.readexactly(int(headers.get("content-length", 0))))
    size = 0
    while chunk := int((await reader.readline()).split(b";")[0], 16):
        size += len(await reader.readexactly(chunk))
        await reader.readline()
    while (await reader.readline()).strip():
        pass
    return size


def _answer(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        status,
        len(body),
        body,
    )
