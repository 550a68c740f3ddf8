"""The life of a pod, told in one function: starting, ready, draining, closed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from anchorbolt.bolt.app import BoltApp
from anchorbolt.errors import SchemaError, StoreError, StoreLockedError
from anchorbolt.http.server import Server
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.intake.interactions import Interactions
from anchorbolt.lifecycle.pod import Pod, State
from anchorbolt.lifecycle.signals import Signals
from anchorbolt.lifecycle.transport import Door
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.telemetry import Telemetry
from anchorbolt.worker.worker import Runner

log = get_logger("lifecycle")

# What a cancelled run gets to end in, and what the last writes get, before the process goes all the same.
STOP_SECONDS = 2.0
CLOSE_SECONDS = 2.0
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What lives; main.py builds it."""

    pod: Pod
    inbox: Inbox
    bolt: BoltApp
    runner: Runner
    door: Door
    interactions: Interactions
    internal: Server
    finish_seconds: float
    drain_timeout_seconds: float
    telemetry: Telemetry


async def live(parts: Parts) -> None:
    """From the first moment of the worker to its last. Raises a StoreError when it must not start."""
    signals = Signals()
    signals.listen()
    parts.telemetry.start()
    await parts.internal.start()
    try:
        await parts.bolt.open()
        if not await _reach_the_store(parts.inbox, signals):
            return
        parts.runner.start()
        await parts.door.open()
        parts.pod.become(State.READY)

        await signals.end()

        began = time.monotonic()
        parts.pod.end()
        if parts.inbox.database.durable:
            parts.runner.stop_taking()
        await parts.door.close(parts.finish_seconds)
        await signals.unless_hastened(_finish(parts))
        parts.runner.stop_taking()
        handed_back = await parts.runner.hand_back(STOP_SECONDS)
        log.info("drained", seconds=round(time.monotonic() - began, 2), handed_back=handed_back)
    finally:
        await _close(parts)


async def _reach_the_store(inbox: Inbox, signals: Signals) -> bool:
    """Until the store was reached once; False when the pod was ended before. What no waiting mends is raised."""
    ending = asyncio.ensure_future(signals.end())
    said = ""
    try:
        while not ending.done():
            try:
                await inbox.open()
            except (SchemaError, StoreLockedError):
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


async def _finish(parts: Parts) -> None:
    """What runs gets its time. What only this process knows is finished too, also what still waits."""
    until = time.monotonic() + parts.drain_timeout_seconds
    await parts.interactions.finish(parts.drain_timeout_seconds)
    await parts.runner.finish(until - time.monotonic())
    while not parts.inbox.database.durable and time.monotonic() < until:
        if not await parts.inbox.waits(until - time.monotonic()):
            return
        await asyncio.sleep(0.05)
        await parts.runner.finish(until - time.monotonic())


async def _close(parts: Parts) -> None:
    """The store, then the telemetry, and the probes last: a pod that ends well answers until it is gone."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await parts.inbox.flush()
    except TimeoutError:
        log.error("the last ends of runs could not be written: other pods run them again when the leases run out")
    await parts.runner.stop()
    await parts.inbox.close()
    await parts.bolt.close()
    parts.pod.become(State.CLOSED)
    await parts.telemetry.close()
    await parts.internal.stop()
