"""A run over sockets: pods on one PostgreSQL, faults, and what Slack, the inbox and the listeners say at the end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.chaos.faults import Faults
from tests.support.chaos.history import check, runs_of
from tests.support.pods import Pod, Pods
from tests.support.postgresql import PostgreSQL
from tests.support.socket_traffic import SocketTraffic
from tests.support.waiting import until, until_answer

LIVE = "SELECT count(*) FROM delivery WHERE state = 'live'"
ROW = "json_build_object('key', key, 'lane', lane, 'id', id, 'state', state)"
ROWS = f"SELECT coalesce(json_agg({ROW}), '[]') FROM delivery"
LEASE_SECONDS = 3.0


@dataclass
class SocketRun:
    """Pods that are connected, traffic over them, and the faults to be done."""

    server: PostgreSQL
    database: str
    pods: Pods
    traffic: SocketTraffic
    faults: Faults
    stop: asyncio.Event
    sending: asyncio.Future[None]
    single: bool

    async def leader(self) -> Pod:
        """The pod that is connected where SOCKET_CONNECTIONS is `single`."""

        async def find() -> Pod | None:
            owner = await asyncio.to_thread(self.server.query, self.database, "SELECT owner FROM seat WHERE served = 1")
            for pod in self.pods.pods:
                said = pod.app.log("this process is the leader")
                if said and owner.strip().endswith(said[-1]["owner"]):
                    return pod
            return None

        return await until_answer(find, what="somebody is connected")

    async def roll(self, pod: Pod) -> None:
        """As Kubernetes does: preStop, SIGTERM when another one is connected, a new process."""
        held = self.single and await self.leader() is pod
        hook = asyncio.ensure_future(pod.app.drain())  # which returns after DRAIN_DELAY_SECONDS
        await pod.app.until_logged("draining")
        if held:
            await until_answer(lambda: self._is_away(pod), what="another one is connected")
        pod.app.terminate()
        assert await pod.app.until_ended() == 0
        await hook
        await pod.start_again()

    async def _is_away(self, pod: Pod) -> bool:
        return await self.leader() is not pod

    async def problems(self) -> list[str]:
        """Ends the traffic. What must not be; empty when all promises were kept."""
        self.stop.set()
        await self.sending

        async def settled() -> bool:
            return await asyncio.to_thread(self.server.query, self.database, LIVE) == "0\n"

        await until_answer(settled, 90, what="nothing is live any more")
        rows = json.loads(await asyncio.to_thread(self.server.query, self.database, ROWS))
        order = {row["key"]: (row["lane"], row["id"]) for row in rows}
        done = {row["key"] for row in rows if row["state"] == "done"}
        runs = runs_of(self.pods.listener_log.entries(), self.faults.done)
        really = {run.key for run in runs if run.how == "done"}
        found = check(runs, self.faults.done, order)
        unexpected = [key for connection in self.traffic.sockets.connections for key in connection.unexpected_acks]
        return [
            *(f"lost: {key} was acknowledged and is not done" for key in self.traffic.acknowledged - (done & really)),
            *(f"given up: {sent.key}" for sent in self.traffic.sent if sent.acked is None),
            *(f"out of order: {what}" for what in found.out_of_order),
            *(f"at once in a lane: {what}" for what in found.at_once),
            *(f"ran again without a reason: {what}" for what in found.unexplained),
            *(f"{key} was acknowledged twice, or over a connection that it did not come by" for key in unexpected),
        ]


@asynccontextmanager
async def socket_run(
    directory: Path,
    server: PostgreSQL,
    connections: str,
    *,
    count: int = 3,
    rate: float = 20,
    each: Sequence[dict[str, object]] = (),
    **settings: object,
) -> AsyncIterator[SocketRun]:
    """Starts everything; the traffic runs until `problems` is asked, or the body is over.

    `settings` for all pods, `each` for one after the other.
    """
    url = await asyncio.to_thread(server.new_inbox)
    own: dict[str, object] = {
        "RECEIVER": "socket",
        "SLACK_APP_TOKEN": "xapp-made-up",
        "SOCKET_CONNECTIONS": connections,
        "SOCKET_LEASE_SECONDS": LEASE_SECONDS,
        "SOCKET_SILENT_SECONDS": 3,
        "LEASE_SECONDS": LEASE_SECONDS,
        "DRAIN_DELAY_SECONDS": 30,
    } | settings
    async with Pods(directory, url, count, each=each, slack_relays=True, **own) as pods:  # type: ignore[arg-type]  # `anchorbolt` is among them
        single = connections == "single"
        wanted = 1 if single else count
        sockets = pods.slack.sockets
        await until(lambda: len(sockets.open_connections) == wanted, what=f"{wanted} connected")
        traffic = SocketTraffic(sockets, rate=rate)
        stop = asyncio.Event()
        sending = asyncio.ensure_future(traffic.send(stop))
        try:
            faults = Faults(pods.pods, server)
            yield SocketRun(server, url.rpartition("/")[2], pods, traffic, faults, stop, sending, single)
        finally:
            sending.cancel()
            await asyncio.wait([sending])


async def gap_of(run: SocketRun, began: float, settle_seconds: float = 2.0) -> float:
    """The gap since `began`, once events are acknowledged at the first try again for a while."""

    def settled() -> bool:
        recent = [sent for sent in run.traffic.sent if time.time() - settle_seconds < sent.at < time.time() - 0.5]
        return len(recent) >= 10 and all(sent.tries == 1 and sent.acked for sent in recent)

    await until(settled, 60, what="events are acknowledged at the first try again")
    return run.traffic.gap_seconds(began, time.time() - 0.5)
