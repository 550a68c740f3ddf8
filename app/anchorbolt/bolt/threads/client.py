"""The `WebClient` of a synchronous listener: its calls go out through the connections of the process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import ConnectionErrorRetryHandler
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.web.slack_response import SlackResponse

from anchorbolt.bolt.run import Run
from anchorbolt.bolt.web_api.watched_client import WatchedClient

# What slack_sdk's own transport does for a client by default, our asynchronous client does too.
_BY_DEFAULT = frozenset({ConnectionErrorRetryHandler})


class ThreadClient(WebClient):
    """slack_sdk's client for one request. Once the run may not speak any more, its calls raise."""

    def __init__(self, like: WebClient | None, client: WatchedClient, run: Run) -> None:
        """`like`: the client of the team's app; None: as our own. `client`: the asynchronous one of the request."""
        model = like or client
        self.__dict__.update(like.__dict__ if like is not None else WebClient(logger=client.logger).__dict__)
        self.token, self.base_url, self.default_params = client.token, client.base_url, dict(client.default_params)
        self.timeout, self.ssl, self.proxy, self.headers = model.timeout, model.ssl, model.proxy, dict(model.headers)
        self.retry_handlers = list(self.retry_handlers)
        self._client = client
        self._run = run
        self._loop = asyncio.get_running_loop()

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        """Makes one call, and waits for its answer. Raises what slack_sdk raises; RunError once the run is over."""
        self._run.may_speak()
        if arguments.get("files") or not _BY_DEFAULT.issuperset(map(type, self.retry_handlers)):
            return super().api_call(api_method, **arguments)
        call = self._as_asynchronous().api_call(api_method, **arguments)
        try:
            answer = self._wait_for(call)
        except SlackApiError as error:
            if isinstance(error.response, AsyncSlackResponse):
                error.response = self._as_synchronous(error.response)
            raise
        return self._as_synchronous(answer)

    def _wait_for(self, call: Coroutine[Any, Any, AsyncSlackResponse]) -> AsyncSlackResponse:
        """Runs a call in the event loop, and waits for it. A quarter of the cost of run_coroutine_threadsafe."""
        ended = threading.Lock()
        ended.acquire()
        tasks: list[asyncio.Task[AsyncSlackResponse]] = []

        def begin() -> None:
            tasks.append(self._loop.create_task(call, name="Web API call of a thread"))
            tasks[0].add_done_callback(lambda _: ended.release())

        self._loop.call_soon_threadsafe(begin)
        ended.acquire()
        return tasks[0].result()

    def _as_asynchronous(self) -> WatchedClient:
        """The asynchronous client, with what a listener may have changed on this one."""
        mine = WatchedClient.__new__(WatchedClient)
        mine.__dict__ = self._client.__dict__.copy()
        mine.token, mine.base_url, mine.timeout, mine.ssl = self.token, self.base_url, self.timeout, self.ssl
        mine.proxy, mine.headers, mine.default_params = self.proxy, self.headers, self.default_params
        return mine

    def _as_synchronous(self, answer: AsyncSlackResponse) -> SlackResponse:
        return SlackResponse(
            client=self,
            http_verb=answer.http_verb,
            api_url=answer.api_url,
            req_args=answer.req_args,
            data=answer.data,
            headers=answer.headers,
            status_code=answer.status_code,
        )
