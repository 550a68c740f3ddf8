"""Calls synchronous functions with the arguments that Bolt would give them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.kwargs_injection import build_required_kwargs
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk import WebClient

from anchorbolt.bolt.arguments import build
from anchorbolt.bolt.run import RUN
from anchorbolt.bolt.threads.client import ThreadClient
from anchorbolt.bolt.threads.pool import Pool
from anchorbolt.bolt.threads.view import view_of
from anchorbolt.bolt.web_api.watched_client import WatchedClient

Result = TypeVar("Result")


class Threads:
    """The threads of the process, and the client that synchronous listeners are given copies of."""

    def __init__(self, size: int) -> None:
        """`size`: how many threads at most (SYNC_THREADS)."""
        self.pool = Pool(size)
        self.client: WebClient | None = None  # the one of a team's synchronous app

    def client_for(self, context: AsyncBoltContext) -> ThreadClient:
        """Makes the client of one request."""
        return ThreadClient(self.client, cast("WatchedClient", context.client))

    async def run(self, work: Callable[[], Result], context: AsyncBoltContext) -> Result:
        """Runs a function in a thread. Who cancels it refuses the run further calls at once, and waits for it."""
        calls = context[RUN].calls
        return await self.pool.run(work, lambda: calls.close(_nothing))

    async def call(
        self,
        function: Callable[..., Any],
        names: Sequence[str],
        request: AsyncBoltRequest,
        response: BoltResponse | None,
        logger: logging.Logger,
        **more: Any,
    ) -> Any:
        """Calls a function in a thread, with the arguments of these names, and returns what it returns.

        `more`: further arguments of Bolt's `build_required_kwargs`: `error`, `next_func`.
        """
        view = view_of(request.context, self)
        of = view.request(request)

        def work() -> Any:
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

        try:
            return await self.run(work, request.context)
        finally:
            view.give(request.context)


def _nothing() -> None: ...


def threads_of(context: AsyncBoltContext) -> Threads:
    """Returns the threads of the process: the listener runner in every context has them."""
    return cast("Threads", cast("Any", context.listener_runner).threads)
