"""The Web API client that counts its calls: by method and by what Slack said, and what it had to send again."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.web.file_upload_v2_result import FileUploadV2Result

from anchorbolt.bolt import slack_error, step_end
from anchorbolt.bolt.web_api import short_call
from anchorbolt.bolt.web_api.calls import OF_NO_RUN, Calls
from anchorbolt.bolt.web_api.gate import Gates, WaitAtTheGate
from anchorbolt.bolt.web_api.session import time_limit
from anchorbolt.telemetry import metrics, traces


class WatchedClient(AsyncWebClient):
    """slack_sdk's client with its calls counted, a short path for JSON, and `timeout` honoured for each request."""

    shared: aiohttp.ClientSession | None = None  # the session of the process; None: it is not open yet
    calls: Calls = OF_NO_RUN  # of its run
    gates: Gates  # of the process
    # The retry handlers that it was made with; the types of all of them are in NEVER_AFTER_SUCCESS.
    first_handlers: Sequence[AsyncRetryHandler] = ()

    def copied(self) -> WatchedClient:
        """Returns a copy of it, in a tenth of the time of copy.copy; what it holds is the same."""
        mine = WatchedClient.__new__(WatchedClient)
        mine.__dict__ = self.__dict__.copy()
        return mine

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        """Makes one call; every method of slack_sdk's client comes through here. Raises what slack_sdk raises.

        Once its run was cut short it raises asyncio.CancelledError, and sends nothing.
        """
        began = time.monotonic()
        result, status = "cancelled", None
        calls, gates = self.calls, self.gates
        begun = calls.begin(api_method)
        call = traces.begin_call(api_method, self.base_url)
        try:
            if gates.all and (gate := gates.find(api_method, calls.workspace)) is not None:
                await gate.turn(calls)
                calls.refuse_if_closed(api_method)
            session = self._shared_session()
            if session is not None and self._is_plain(arguments):
                response = await short_call.send(self, session, api_method, arguments["json"])
            else:
                response = await super().api_call(api_method, **arguments)
            result, status = "ok", response.status_code
            if gates.all and (gate := gates.find(api_method, calls.workspace)) is not None:
                gate.passed()
            if api_method in step_end.METHODS:
                step_end.note(arguments)
        except Exception as error:
            result, status = of_error(error), slack_error.status(error)
            raise
        else:
            return response
        finally:
            calls.end(begun)
            metrics.web_api_calls.add(api_method, result)
            metrics.web_api_duration.record(time.monotonic() - began, api_method)
            if call is not None:
                call.end(result, status)

    def _shared_session(self) -> aiohttp.ClientSession | None:
        """Returns the session of the process, if it is open and nobody has set another one."""
        shared = self.shared  # one that is closed has no connector
        return shared if shared is not None and self.session is shared and shared.connector is not None else None

    def _is_plain(self, arguments: dict[str, Any]) -> bool:
        """Returns whether a call needs nothing but a POST of JSON, and no retry handler that looks at its answer."""
        return (
            len(arguments) == 1
            and isinstance(arguments.get("json"), dict)
            # Hardly any listener changes them. To see that takes a quarter of the time of looking at each type.
            and (
                self.retry_handlers == self.first_handlers
                or NEVER_AFTER_SUCCESS.issuperset(map(type, self.retry_handlers))
            )
            and self._logger.level > logging.DEBUG  # slack_sdk's own path logs what it sends
        )

    async def _request(self, *, http_verb: str, api_url: str, req_args: dict[str, Any]) -> dict[str, Any]:
        """Sends a request, as slack_sdk does, and honours `timeout`, which slack_sdk ignores once a session is set.

        A session that a listener has set has its own time limits.
        """
        if self._shared_session() is not None:
            req_args = {**req_args, "timeout": time_limit(self.timeout)}
        return await super()._request(http_verb=http_verb, api_url=api_url, req_args=req_args)

    async def _upload_file(self, *, url: str, data: bytes, proxy: Any, ssl: Any, **_: Any) -> FileUploadV2Result:
        """Uploads a file, as slack_sdk does, but through `_request`, so that `timeout` holds here too."""
        begun = self.calls.begin("an upload")
        try:
            args = {"data": data, "proxy": proxy, "ssl": ssl}
            result = await self._request(http_verb="POST", api_url=url, req_args=args)
        finally:
            self.calls.end(begun)
        return FileUploadV2Result(status=result["status_code"], body=result.get("body"))  # type: ignore[arg-type]


class Witness(AsyncRetryHandler):
    """A retry handler that never asks for another try: it counts tries, and answers that say "rate limited"."""

    async def can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        """Counts a call's further tries and its answers of 429, and returns False: it never asks for another try.

        slack_sdk calls it after each try with the `state` of the call, the `request`, and either its `response` or its
        `error`, before the handler that may ask for another one.
        """
        if state.current_attempt:
            metrics.web_api_retries.add(_method(request))
            traces.call_sent_again(state.current_attempt, response.status_code if response is not None else None)
        if response is not None and response.status_code == 429:
            metrics.rate_limits.add(_method(request))
        return False


# Handlers that never ask for another try after a 200 with JSON. Any other one has to be asked: slack_sdk does that.
# Exact types, because a subclass may ask.
NEVER_AFTER_SUCCESS = frozenset(
    {
        Witness,
        WaitAtTheGate,
        AsyncConnectionErrorRetryHandler,
        AsyncRateLimitErrorRetryHandler,
        AsyncServerErrorRetryHandler,
    }
)


def of_error(error: Exception) -> str:
    """Returns a word for how a call failed: Slack's own (`channel_not_found`), or what kept us from an answer."""
    if (word := slack_error.word(error)) is not None:
        return slack_error.label(word)  # a label of a metric must neither hold secrets nor be without bound
    if isinstance(error, SlackApiError):
        return "no_json"
    return "timeout" if isinstance(error, TimeoutError) else "connection_failed"


def _method(request: HttpRequest) -> str:
    return str(request.url).rpartition("/")[2]
