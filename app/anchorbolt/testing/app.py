"""A replacement for `slack_bolt.async_app.AsyncApp` in tests: listeners run in it as they run in the server."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from anchorbolt.bolt.error_handler import UnhandledRequest, Word
from anchorbolt.bolt.run import Run
from anchorbolt.bolt.tracked_app import TrackedApp, context_for
from anchorbolt.delivery import Attempt
from anchorbolt.testing.delivery_of import delivery_of

ACK_SECONDS = 3.0  # as long as Slack, and stock Bolt, wait


class AsyncApp(TrackedApp):
    """Takes what `slack_bolt.async_app.AsyncApp` takes, and has its decorators, its `client` and `async_dispatch`.

    Listeners run as in the server: with its runner, its index of listeners, its arguments and `context["delivery"]`.
    Signature, ssl_check, url_verification and authorization are stock Bolt's, as the options ask.
    Nothing is stored, so nothing is tried again, and no listener waits for another one of its lane.
    """

    def __init__(self, *, name: str | None = None, **options: Any) -> None:
        """`options` are those of `slack_bolt.async_app.AsyncApp`; raises what that raises."""
        caller = sys._getframe(1).f_code.co_filename  # where Bolt would look, if there were no class between
        super().__init__(failure=_failure, name=name or caller.rpartition(os.path.sep)[2], **options)
        if self._raise_error_for_unhandled_request:
            self.listener_runner.listener_error_handler = UnhandledRequest(self.error_handler)
        self._runs: list[Run] = []

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Returns the response as soon as the request is acknowledged. `finish` waits for what still runs."""
        delivery = delivery_of(req)
        ack_by = asyncio.get_running_loop().time() + ACK_SECONDS
        run = Run(delivery, Attempt(delivery.key, delivery.kind), ack_by=ack_by)
        run.fails_for_good = True
        self._runs.append(run)  # asyncio keeps only weak references to tasks: the run keeps its tasks, and we the run
        req.context.update(context_for(run))
        return await self.dispatch_tracked(req)

    async def finish(self) -> list[Exception]:
        """Waits until all listeners and lazy functions of what was dispatched have ended.

        Returns what was raised and not handled by `@app.error`: the first error of each request, in their order.
        In the server, each of them would be a failed attempt.
        """
        errors = []
        while self._runs:
            run = self._runs.pop(0)
            await run.wait()
            if run.error is not None:
                errors.append(run.error)
        return errors


def _failure(word: Word) -> BoltResponse:
    """What stock Bolt answers. The server answers 503 with the word (docs/errors.md)."""
    if word == "listener_failed":
        return BoltResponse(status=500, body="")
    return BoltResponse(status=404, body={"error": "unhandled request"})
