"""The life of a pod in one function: starting, ready, draining, closed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorbolt.bolt.app import BoltApp
from anchorbolt.errors import PoolerError, SchemaError, StoreError, StoreLockedError
from anchorbolt.http.server import Server
from anchorbolt.http.team.life import TeamLife
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.intake.intake import Intake
from anchorbolt.lifecycle.drain_socket import DrainSocket
from anchorbolt.lifecycle.leave import leave
from anchorbolt.lifecycle.pod import Pod, State
from anchorbolt.lifecycle.signals import Signals
from anchorbolt.lifecycle.transport import Transport
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.telemetry import Telemetry
from anchorbolt.worker.worker import Worker

if TYPE_CHECKING:  # only an app that is installed by OAuth needs it
    from anchorbolt.workspaces.token_rotation import TokenRotation

log = get_logger("lifecycle")

# How long cancelled runs may take to end, and how long the last writes may take, before the process exits anyway.
STOP_SECONDS = 2.0
CLOSE_SECONDS = 2.0
# How long the shutdown of a team's own parts (ROUTES) may take.
TEAM_SECONDS = 3.0
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a worker process that are started and stopped; main.py builds them."""

    pod: Pod
    inbox: Inbox
    bolt: BoltApp
    worker: Worker
    intake: Intake
    transport: Transport
    team: TeamLife
    internal: Server
    drain_socket: DrainSocket
    finish_seconds: float
    drain_timeout_seconds: float
    telemetry: Telemetry
    rotation: TokenRotation | None = None  # of an app that is installed by OAuth


async def live(parts: Parts) -> None:
    """Runs the worker process from its start to its end.

    Raises RoutesError where the startup of a team's own parts fails, and a StoreError where it cannot start and waiting
    would not help: a wrong schema, a locked SQLite file, a pooler that no setting tells of.
    """
    signals = Signals()
    signals.listen()
    parts.telemetry.start()
    await parts.internal.start()
    await parts.drain_socket.start()
    try:
        await parts.transport.listen()
        await parts.bolt.open()
        if not await _reach_the_store(parts.inbox, signals):
            return
        await _tell_the_promise(parts.inbox)
        if not await _start_the_team(parts.team, signals):
            return
        parts.worker.start()
        if parts.rotation is not None:
            parts.rotation.start()
        await parts.transport.open()
        parts.pod.become(State.READY)

        await signals.end()

        began = time.monotonic()
        parts.pod.end()
        if parts.rotation is not None:
            parts.rotation.stop_sweeping()
        if parts.inbox.database.durable:
            parts.worker.stop_taking()
        await parts.transport.close(parts.finish_seconds)
        await signals.unless_hastened(_finish(parts))
        parts.worker.stop_taking()
        handed_back = await parts.worker.hand_back(STOP_SECONDS)
        log.info("drained", seconds=round(time.monotonic() - began, 2), handed_back=handed_back)
    finally:
        await _close(parts)


async def _tell_the_promise(inbox: Inbox) -> None:
    """Logs what the database's replication promises, and where a failover can lose what was acknowledged."""
    found = await inbox.replication()
    if found is None:
        return
    log.info("replication", promise=found.promise())
    for warning in found.warnings():
        log.warning("replication", warning=warning)


async def _reach_the_store(inbox: Inbox, signals: Signals) -> bool:
    """Waits until the store was reached once. Returns False when the pod was told to end before that.

    Raises SchemaError, StoreLockedError or PoolerError, because waiting does not help against these.
    """
    ending = asyncio.ensure_future(signals.end())
    said = ""
    try:
        while not ending.done():
            try:
                await inbox.open()
            except (SchemaError, StoreLockedError, PoolerError):
                raise
            except StoreError as error:
                if str(error) != said:
                    said = str(error)
                    log.error("not ready: the store cannot be reached", error=said)
                await asyncio.wait([ending], timeout=RETRY_SECONDS)
            else:
                return True
        return False
    finally:
        ending.cancel()


async def _start_the_team(team: TeamLife, signals: Signals) -> bool:
    """Starts a team's own parts, before any of its listeners runs. Returns False when the pod was told to end first.

    Raises RoutesError.
    """
    starting = asyncio.ensure_future(team.start())
    ending = asyncio.ensure_future(signals.end())
    try:
        await asyncio.wait([starting, ending], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            return False
        starting.result()
        return True
    finally:
        starting.cancel()
        ending.cancel()
        await asyncio.wait([starting])


async def _finish(parts: Parts) -> None:
    """Gives the runs in progress their time to finish.

    With a store in memory, deliveries that still wait are run too, because no other process knows of them.
    """
    until = time.monotonic() + parts.drain_timeout_seconds
    await parts.worker.finish(until - time.monotonic())
    while not parts.inbox.database.durable and time.monotonic() < until:
        if not await parts.inbox.waits(until - time.monotonic()):
            return
        await asyncio.sleep(0.05)
        await parts.worker.finish(until - time.monotonic())


async def _close(parts: Parts) -> None:
    """Closes the store, then the telemetry, and the probes last, so that they answer until the process exits."""
    if parts.rotation is not None:
        await parts.rotation.stop()
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await parts.inbox.flush()
    except TimeoutError:
        log.error("the last ends of runs could not be written: other pods run them again when the leases run out")
    if not parts.bolt.threads.running:
        await parts.worker.stop()
    await parts.team.end(TEAM_SECONDS)
    if not parts.bolt.threads.running:
        await parts.inbox.close()
        await parts.bolt.close()
    parts.pod.become(State.CLOSED)
    await parts.telemetry.close()
    await parts.drain_socket.stop()
    await parts.internal.stop()
    if count := parts.bolt.threads.running:
        # The worker goes on to the very end, because it renews the leases of these threads: another process may claim
        # their lanes only when this process is gone, and its threads with it.
        log.error("synchronous listeners go on after the drain: the process ends with them", threads=count)
        leave()
