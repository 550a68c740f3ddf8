"""Interactions (commands, actions, shortcuts, views and options): Bolt answers them while the user waits.

Where the listener goes on after its ack, the answer leaves once the delivery is stored, or the listener has ended. A
delivery that comes again runs nothing, and gets the answer of the first.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from anchorbolt.bolt.raised import log_raised
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery
from anchorbolt.delivery.headers import REQUEST_ID
from anchorbolt.delivery.kinds import OPTIONS
from anchorbolt.delivery.log_fields import failure_fields
from anchorbolt.errors import ENDS_THE_PROCESS, AckTimeoutError, RefusedError, as_exception
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.intake.replays import Answer, First, Replays, has_trigger
from anchorbolt.intake.slots import RequestSlot
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import is_being_cancelled
from anchorbolt.timers import Timeout
from anchorbolt.worker.worker import Worker

log = get_logger("intake")

# Bolt's wait for the ack ends at the deadline. Ours ends later, so that Bolt's answer comes first also under load.
MARGIN_SECONDS = 0.2

# How long the inbox is asked whether it has an interaction. Its user waits, and the listener needs the time.
LOOK_SECONDS = 0.3

# Bolt builds its request outside of its error handling: these are raised for a payload that is not what its type says.
UNREADABLE = (AttributeError, TypeError, KeyError, ValueError, IndexError, RecursionError)


Answered = TypeVar("Answered", bound=Answer)


class Interactions:
    """Answers interactions, whatever transport they came by."""

    def __init__(self, inbox: Inbox, worker: Worker) -> None:
        self._inbox = inbox
        self._worker = worker
        self._replays = Replays()

    async def answer(
        self, delivery: Delivery, deadline: float, slot: RequestSlot, ask_bolt: Callable[[Run], Awaitable[Answered]]
    ) -> Answered | None:
        """Returns the answer by the deadline, as `_run` does, which it calls for new ones.

        Args:
            delivery: a command or an interaction.
            deadline: by the event loop's clock, in seconds.
            slot: that of the request; what goes on after the answer gives it back later.
            ask_bolt: runs the listener in Bolt, and returns its answer.

        For one that came before nothing runs, and the first one's answer is returned, or its refusal raised: None where
        that is not known any more. Raises RefusedError.
        """
        if not has_trigger(delivery):
            return await self._run(delivery, deadline, slot, ask_bolt)
        key, replays = delivery.key, self._replays
        if (first := replays.find(key)) is not None:
            # A process has one transport, so it is of its type.
            return cast("Answered | None", await self._again(delivery, first, deadline))
        first = replays.begin(key)
        try:
            answer: Answered | None = None
            if await self._is_stored(key, deadline):
                _count(delivery)
            else:
                answer = await self._run(delivery, deadline, slot, ask_bolt)
        except BaseException as error:
            replays.refused(first, error if isinstance(error, RefusedError) else RefusedError(503, "internal_error"))
            raise
        replays.answered(key, first, answer)
        return answer

    async def _again(self, delivery: Delivery, first: First, deadline: float) -> Answer | None:
        """Waits for the answer of the first, so that nobody is told that it is done before it is."""
        _count(delivery)
        try:
            with Timeout(deadline + MARGIN_SECONDS):
                await first.wait()
        except TimeoutError:
            raise RefusedError(503, "ack_timeout") from None
        if first.refusal is not None:
            raise first.refusal.copy()
        return first.answer

    async def _is_stored(self, key: str, deadline: float) -> bool:
        """Asks the inbox for what ran in another process, or before a restart. A store that is away cannot tell."""
        if not self._inbox.up:
            return False
        if (is_known := self._inbox.knows_at_once(key)) is not None:
            return is_known
        try:
            with Timeout(min(deadline, asyncio.get_running_loop().time() + LOOK_SECONDS)):
                return await self._inbox.knows(key)
        except TimeoutError:
            return False

    async def _run(
        self, delivery: Delivery, deadline: float, slot: RequestSlot, ask_bolt: Callable[[Run], Awaitable[Answered]]
    ) -> Answered:
        """Returns Bolt's answer, by the deadline (the event loop's clock). The slot is kept until the run has ended.

        Raises RefusedError: 400 for a payload that Bolt cannot read, 503 when there was no answer in time, or none that
        can be sent.
        """
        run = self._worker.begin(delivery, ack_by=deadline, on_end=slot.release)
        slot.kept = True
        try:
            with Timeout(deadline + MARGIN_SECONDS) as timeout:
                answer = await ask_bolt(run)
        except BaseException as error:
            if _ends_the_request(error):
                self._worker.abandon(run, None)
                raise
            if timeout.expired and isinstance(error, TimeoutError):
                run.reason = "ack_timeout"
                self._worker.abandon(run, AckTimeoutError("no answer in time, from before the listener"))
                raise RefusedError(503, "ack_timeout") from None
            run.reason = "listener_failed" if run.dispatched else "answer"
            self._worker.abandon(run, as_exception(error))
            if run.dispatched:  # a middleware raised what Bolt does not handle, or a listener's response is no response
                log_raised("no response", error, listener=run.listener, attempt=1, **failure_fields(delivery))
                raise RefusedError(503, "listener_failed") from None
            if isinstance(error, UNREADABLE):
                raise RefusedError(400, "bad_payload") from None
            raise
        await self._store_what_goes_on(run, answer.status_code, deadline)
        return answer

    async def _store_what_goes_on(self, run: Run, status: int, deadline: float) -> None:
        """Stores a run that goes on after it was acknowledged, or failed after that, before the answer leaves.

        One that ends well meanwhile need not be stored any more: its answer waits no longer.
        """
        is_acknowledged = status < 300
        if not is_acknowledged and not run.unmatched and run.reason is None:
            run.reason = "answer"  # of a middleware, or of the app's error handler
        try:
            if is_acknowledged and not run.ended:
                await asyncio.sleep(0)  # ack() is often the last line
        finally:  # also when the request is cancelled: the worker owns the run from here on
            saving = self._hand_over(run, is_acknowledged, deadline)
        if saving is None:
            return
        is_safe = False
        if self._inbox.up:
            with contextlib.suppress(TimeoutError), Timeout(deadline):
                is_safe = await saving
        if not is_safe:  # Slack's user is told of the success all the same, because the listener runs.
            self._count_unprotected(run)

    def _hand_over(self, run: Run, is_acknowledged: bool, deadline: float) -> asyncio.Future[bool] | None:
        """Gives the run to the worker. Returns what Worker.save does; None where it is not to be stored."""
        if not is_acknowledged or (run.ended_by_itself and run.error is None) or run.delivery.kind is OPTIONS:
            self._worker.keep(run)
            return None
        return self._worker.save(run, deadline)

    def _count_unprotected(self, run: Run) -> None:
        metrics.unprotected_acks.add(str(run.delivery.kind))
        log.warning("acknowledged without being stored: the database did not take it in time", key=run.delivery.key)


def _count(delivery: Delivery) -> None:
    metrics.duplicates.add()
    log.info("duplicate", key=delivery.key, request_id=delivery.headers.get(REQUEST_ID))


def _ends_the_request(error: BaseException) -> bool:
    """Returns whether the request itself is cancelled, or the process ends; a listener may raise CancelledError too."""
    if isinstance(error, asyncio.CancelledError):
        return is_being_cancelled()
    return isinstance(error, ENDS_THE_PROCESS)
