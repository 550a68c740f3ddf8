"""Steps of the tests of the worker: how a run ends, how an event is stored, how a worker ends."""

from __future__ import annotations

import asyncio

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.accept import Accepted, Item
from anchorbolt.inbox.lease import Held
from anchorbolt.inbox.tables import delivery as deliveries
from anchorbolt.worker.worker import Worker
from sqlalchemy import update

from tests.unit.worker.conftest import Bench

LATER = 1e12


async def nothing(_: Run) -> None:
    """A run that ends well at once."""


async def fails(_: Run) -> None:
    """A run that never ends well."""
    raise ConnectionResetError("again")


async def away(_: object) -> None:
    """A database that cannot be reached."""
    raise StoreUnavailableError("away")


async def for_ever(ended: list[str] | None = None) -> None:
    """A listener that goes on until it is cancelled, and notes that in `ended`."""
    try:
        await asyncio.Event().wait()
    finally:
        if ended is not None:
            ended.append("cancelled")


async def until_set(go: asyncio.Event) -> None:
    """A listener that goes on until this is set."""
    await go.wait()


async def accept(worker: Worker, delivery: Delivery) -> Accepted:
    """Stores an event as intake does."""
    return await worker.accept(delivery, LATER, reserved=await worker.reserve())


async def end(worker: Worker) -> None:
    """Ends a worker as the life of a pod does."""
    worker.stop_taking()
    await worker.hand_back(5)
    await worker.stop()


async def taken_by_a_process_that_dies(bench: Bench, *events: Delivery) -> list[Held]:
    """Stores events and starts them in the name of a process that will say nothing more."""
    items = [Item(one.key, one.lane, one.kind.value, one.content_type, one.body, take=True) for one in events]
    accepted = await asyncio.gather(*(bench.inbox.accept(item, LATER) for item in items))
    return [one.held for one in accepted if one.held is not None]


async def cut_short(bench: Bench, delivery: Delivery, crashes: int) -> None:
    """Says of a delivery how often a dead process has cut it short."""
    values = {"crashes": crashes, "attempts": crashes + 1}  # the one that a process holds now is counted
    await bench.database.transact(
        lambda connection: connection.execute(
            update(deliveries).where(deliveries.c.key == delivery.key).values(**values)
        )
    )
