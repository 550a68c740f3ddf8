"""Calls synchronous functions with the arguments that Bolt would give them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar, cast

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.kwargs_injection import build_required_kwargs
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk import WebClient

from anchorbolt.bolt.arguments import build
from anchorbolt.bolt.raised import log_raised
from anchorbolt.bolt.run import RUN, Run
from anchorbolt.bolt.threads.client import ThreadClient, as_ours
from anchorbolt.bolt.threads.pool import Pool
from anchorbolt.bolt.threads.view import View, view_of
from anchorbolt.bolt.web_api.watched_client import WatchedClient
from anchorbolt.delivery.log_fields import failure_fields
from anchorbolt.delivery.urgent import is_urgent
from anchorbolt.errors import RunError, as_exception

Result = TypeVar("Result")

# Threads that only urgent events have: what stops a run must not wait for the runs that fill the others.
URGENT_THREADS = 8

# Threads that only requests have for whose ack Slack waits: stored deliveries can wait, and must not make it wait too.
ACK_THREADS = 8


class Threads:
    """The threads of the process, and the client that synchronous listeners are given copies of."""

    def __init__(self, size: int) -> None:
        """`size`: how many threads at most (SYNC_THREADS), beside those for urgent events and for acks."""
        self._pool = Pool(size)
        self._urgent = Pool(URGENT_THREADS)
        self._for_acks = Pool(ACK_THREADS)
        self.client: WebClient | None = None  # the one of a team's synchronous app

    @property
    def running(self) -> int:
        """How many functions run in threads now, or wait for one."""
        return self._pool.running + self._urgent.running + self._for_acks.running

    def client_for(self, context: AsyncBoltContext) -> ThreadClient:
        """Makes the client of one request."""
        client = cast("WatchedClient", context.client)
        if self.client is None:
            self.client = as_ours(client)
        return ThreadClient(self.client, client)

    async def run(self, function: Callable[[View], Result], context: AsyncBoltContext) -> Result:
        """Runs a function in a thread, with the synchronous side of a request, and returns what it returns.

        What the function puts into the context is on the asynchronous side too when this returns or raises.
        """
        view = view_of(context, self)
        try:
            return await self._run(lambda: view.call(function), context)
        finally:
            view.give(context)

    async def _run(self, work: Callable[[], Result], context: AsyncBoltContext) -> Result:
        """Runs a function in a thread. Who cancels it refuses the run further calls at once, and waits for the thread.

        Only a request that Slack waits for goes on without it, because its answer has a deadline: then the thread is a
        part of the run, which has not ended before it.
        """
        run: Run = context[RUN]
        pool = self._pool_for(run, context)
        if run.ack_by is None or asyncio.current_task() in run.tasks:
            return await self._in_pool(pool, work, run)
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        part = run.spawn(self._into(result, pool, work, run))
        try:
            return await result
        except asyncio.CancelledError:
            part.cancel()
            raise

    def _pool_for(self, run: Run, context: AsyncBoltContext) -> Pool:
        if is_urgent(run.delivery.lane):
            return self._urgent
        # After its ack a request can wait as well as others: its lazy functions do not take these threads.
        is_waited_for = run.ack_by is not None and context.ack.response is None
        return self._for_acks if is_waited_for and self._pool.is_full else self._pool

    async def _in_pool(self, pool: Pool, work: Callable[[], Result], run: Run) -> Result:
        def cut(stands_at: TracebackType | None) -> None:
            run.calls.close()
            if stands_at is not None and run.stood_at is None:
                run.stood_at, run.stack_is_logged = stands_at, True
                # In the log at once, for the end of what hangs for ever is never written.
                here = RunError("its run was cut short, and nothing can stop its thread").with_traceback(stands_at)
                told = failure_fields(run.delivery)
                log_raised("a thread goes on", here, listener=run.listener, attempt=run.attempt.attempt, **told)

        run.threads += 1
        try:
            return await pool.run(work, cut)
        finally:
            run.threads -= 1

    async def _into(self, result: asyncio.Future[Result], pool: Pool, work: Callable[[], Result], run: Run) -> None:
        """Runs a function in a thread; what it returns or raises becomes the result, if somebody still waits for it."""
        try:
            value = await self._in_pool(pool, work, run)
        except asyncio.CancelledError:
            result.cancel()
            raise
        except BaseException as error:  # whatever a team's function raises belongs to who waits for it
            if not result.done():
                result.set_exception(as_exception(error))
        else:
            if not result.done():
                result.set_result(value)

    async def call(
        self,
        function: Callable[..., Any],
        names: Sequence[str],
        request: AsyncBoltRequest,
        response: BoltResponse | None,
        logger: logging.Logger,
        **more: Any,
    ) -> Any:
        """Calls a function of the team's in a thread, and returns what it returns.

        Args:
            function: a synchronous listener, middleware, matcher or the like.
            names: of the arguments that it takes, as Bolt names them.
            request: Bolt's request, from which the arguments are made.
            response: Bolt's response so far, for the argument `response`.
            logger: for the argument `logger`.
            more: further arguments of Bolt's `build_required_kwargs`: `error`, `next_func`.
        """

        def work(view: View) -> Any:
            of = view.request(request)
            arguments = None if more else build(names, of)
            if arguments is None:
                arguments = build_required_kwargs(
                    logger=logger,
                    required_arg_names=list(names),
                    request=of,
                    response=response,
                    this_func=function,
                    **more,
                )
            return function(**arguments)

        return await self.run(work, request.context)


def threads_of(context: AsyncBoltContext) -> Threads:
    """Returns the threads of the process: the listener runner in every context has them."""
    return cast("Threads", cast("Any", context.listener_runner).threads)
