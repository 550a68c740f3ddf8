"""Runs listeners. Bolt calls this runner for every one of them, those of assistants and middleware included."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.kwargs_injection.async_utils import build_async_required_kwargs
from slack_bolt.listener.async_listener import AsyncListener
from slack_bolt.listener.async_listener_completion_handler import AsyncDefaultListenerCompletionHandler
from slack_bolt.listener.async_listener_start_handler import AsyncDefaultListenerStartHandler
from slack_bolt.listener.asyncio_runner import AsyncioListenerRunner
from slack_bolt.logger.messages import warning_did_not_call_ack
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_bolt.util.utils import get_arg_names_of_callable, get_name_for_callable, is_callable_coroutine

from anchorbolt.bolt.arguments import build
from anchorbolt.bolt.error_handler import ErrorHandler, Word
from anchorbolt.bolt.listener import Listener
from anchorbolt.bolt.names import short_name
from anchorbolt.bolt.own_copy import own_copy
from anchorbolt.bolt.raised import log_raised
from anchorbolt.bolt.run import RUN, Ack, Run
from anchorbolt.bolt.threads.threads import Threads
from anchorbolt.delivery.log_fields import failure_fields
from anchorbolt.errors import ENDS_THE_PROCESS, AckTimeoutError, as_exception
from anchorbolt.telemetry.tasks import is_being_cancelled
from anchorbolt.timers import Timeout

ENDS = (asyncio.CancelledError, *ENDS_THE_PROCESS)  # these are no failures of a listener
ACK_TIMEOUT_SECONDS = 3  # Bolt's default for every listener; `@app.function` can be given another
SECOND_ACK_SECONDS = 0.01  # how long an ack of a thread may be followed by another one: Bolt's looks every 10 ms


class ListenerRunner(AsyncioListenerRunner):
    """Runs listeners as parts of a Run. Answers as soon as there is an ack, and always answers something."""

    def __init__(self, error_handler: ErrorHandler, threads: Threads, **options: Any) -> None:
        """`threads`: where synchronous functions run. `options`: the arguments of Bolt's own runner."""
        super().__init__(**options)
        self.threads = threads
        self.error_handler = error_handler

    async def run(
        self,
        request: AsyncBoltRequest,
        response: BoltResponse | None,
        listener_name: str,
        listener: AsyncListener,
        starting_time: float | None = None,
    ) -> BoltResponse:
        """Bolt's own hook. Never None: that would let the next matching listener run too.

        `response`: what the last middleware returned. As in Bolt, it is the answer instead of what ack() was given.
        """
        run: Run = request.context[RUN]
        ack: AsyncAck = request.context["ack"]
        name: str | None = getattr(listener, "qualified_name", None)
        run.request = request
        run.found(name or short_name(listener.ack_function))
        asked = run.asks_hold(run, run.listener) if run.asks_hold is not None and run.listener is not None else None
        if asked is not None and await asked:
            return BoltResponse(status=200)
        if listener.auto_acknowledgement:
            if type(ack) is Ack:
                ack.by_itself()
            else:  # a middleware has replaced ours
                await ack()
        if run.ack_by is None:
            await self._run_stored(run, request, response, listener)
            return response or ack.response or BoltResponse(status=200)
        ack_by = run.ack_by + listener.ack_timeout - ACK_TIMEOUT_SECONDS
        return await self._run_until_ack(run, ack_by, request, response, listener)

    async def _run_stored(
        self, run: Run, request: AsyncBoltRequest, response: BoltResponse | None, listener: AsyncListener
    ) -> None:
        try:
            await self._main(run, request, response, listener)
            if listener.lazy_functions and run.error is None and not is_being_cancelled():
                # Else its listener has swallowed that it was cut short, and nothing would cancel what begins now.
                self._start_lazy(run, request, listener)
            if run.tasks:
                await run.wait()
        except asyncio.CancelledError:
            run.cancel()
            await run.wait_for_threads()
            await run.wait()
            raise

    async def _run_until_ack(
        self,
        run: Run,
        ack_by: float,
        request: AsyncBoltRequest,
        response: BoltResponse | None,
        listener: AsyncListener,
    ) -> BoltResponse:
        """Waits for ack(), for an error of the listener or for the deadline, whichever is first.

        A listener that has returned may have left its ack() to a task of its own, so its end alone is no answer.
        No ack by the deadline: Slack is told of a failure, so the listener is cancelled; what the user does again
        must not run beside what is left of the first time (docs/decisions/0004).
        """
        ack: Ack = request.context["ack"]
        main = run.spawn(self._main(run, request, response, listener))
        main.add_done_callback(lambda _: ack.end_wait() if run.error is not None or main.cancelled() else None)
        if self.process_before_response:
            await asyncio.wait({main})
        try:
            with Timeout(ack_by):
                await ack.wait()
        except TimeoutError:
            word: Word = "no_ack" if main.done() else "ack_timeout"
            self.logger.warning(warning_did_not_call_ack(get_name_for_callable(listener.ack_function)))
            run.fail(AckTimeoutError(f"{run.listener} did not acknowledge in time"))
            run.reason = word
            run.cancel()
            return self.error_handler.failure(word)
        if ack.response is None:
            run.reason = "listener_failed"
            return self.error_handler.failure("listener_failed")
        if run.threads and not main.done():
            # Else which of two acks in a row counts would depend on how fast the thread is. Most threads return sooner.
            left = ack_by - asyncio.get_running_loop().time()
            await asyncio.wait({main}, timeout=max(0, min(SECOND_ACK_SECONDS, left)))
        if listener.lazy_functions and ack.response.status < 300:
            # Not earlier: lazy functions must run only if Slack was not told of a failure.
            begun = self._start_lazy(run, request, listener)
            if run.stopped:  # a moment ago: what begins now is cut short too, so that another attempt follows
                run.cancel(begun)
        return response or ack.response

    def _start_lazy(self, run: Run, request: AsyncBoltRequest, listener: AsyncListener) -> list[asyncio.Task[None]]:
        functions = listener.lazy_functions
        is_the_only_reader = len(functions) == 1 and run.ended
        return [
            run.spawn(self._lazy(run, function, request if is_the_only_reader else own_copy(request)))
            for function in functions
        ]

    async def _main(
        self, run: Run, request: AsyncBoltRequest, response: BoltResponse | None, listener: AsyncListener
    ) -> None:
        """The listener itself, between the two handlers that an app may have set on `app.listener_runner`."""
        start, completion = self.listener_start_handler, self.listener_completion_handler
        try:
            if type(start) is not AsyncDefaultListenerStartHandler:  # which does nothing
                await start.handle(request=request, response=response)
            arguments = build(listener.arg_names, request) if type(listener) is Listener else None
            if arguments is not None:
                returned: Any = await listener.ack_function(**arguments)
            else:
                returned = await listener.run_ack_function(request=request, response=response)  # type: ignore[arg-type]
            if self.process_before_response and isinstance(returned, BoltResponse):  # as in Bolt, an ack() or not
                ack: Ack = request.context["ack"]
                ack.answer_with(returned)
            if (not_awaited := run.calls.take_not_awaited()) is not None:
                raise not_awaited
        except ENDS as end:
            run.cut_at(end)
            raise
        except BaseException as error:  # whatever else a listener raises is a failed attempt
            await self._failed(run, request, as_exception(error))
        finally:
            if type(completion) is not AsyncDefaultListenerCompletionHandler:
                await completion.handle(request=request, response=response)

    async def _lazy(self, run: Run, function: Callable[..., Awaitable[None]], request: AsyncBoltRequest) -> None:
        """Runs a lazy function with the arguments that Bolt would give it. An error fails the run."""
        names = get_arg_names_of_callable(function)
        try:
            if not is_callable_coroutine(function):
                await self.threads.call(function, names, request, None, self.logger)
                return
            arguments: dict[str, Any] = build_async_required_kwargs(
                logger=self.logger, required_arg_names=names, request=request, response=None, this_func=function
            )
            await function(**arguments)
            if (not_awaited := run.calls.take_not_awaited()) is not None:
                raise not_awaited
        except ENDS as end:
            run.cut_at(end)
            raise
        except BaseException as error:
            await self._failed(run, request, as_exception(error))

    async def _failed(self, run: Run, request: AsyncBoltRequest, error: Exception) -> None:
        """Fails the run. Where the failure is final at once, the app's error handler may handle it.

        It is final at once where Slack's user waits for an answer. Else the worker decides, once all has ended, whether
        there is another attempt.
        """
        ack: Ack = request.context["ack"]
        attempt = run.attempt.attempt
        log_raised("listener raised", error, listener=run.listener, attempt=attempt, **failure_fields(run.delivery))
        is_final = run.fails_for_good or (run.ack_by is not None and ack.response is None)
        if run.stopped or run.error_handler_called or not is_final:
            run.fail(error)
            return
        run.error_handler_called = True
        answer = await self.error_handler.answer(error, request)
        if answer is None:
            run.fail(error)
        elif ack.response is None:
            ack.answer_with(answer)
