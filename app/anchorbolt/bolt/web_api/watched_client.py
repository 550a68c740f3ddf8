"""The Web API client that counts its calls: by method and by what Slack said, and what it had to send again."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from anchorbolt.bolt import slack_error
from anchorbolt.bolt.web_api.pool import WebPool
from anchorbolt.bolt.web_api.short_call import ShortCall
from anchorbolt.telemetry import metrics, traces


@dataclass(frozen=True, slots=True)
class Shared:
    """What the clients of a process were given in common. One that has something else goes slack_sdk's own way."""

    session: aiohttp.ClientSession
    pool: WebPool
    retry_handlers: Sequence[AsyncRetryHandler]


class WatchedClient(AsyncWebClient):
    """slack_sdk's, seen from outside, with a short way for a POST of JSON."""

    shared: Shared | None = None  # None: no session is open yet

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        """slack_sdk's own: every method of it comes through here."""
        began = time.monotonic()
        result, status = "cancelled", None
        call = traces.begin_call(api_method, self.base_url)
        try:
            short = self._short(api_method, arguments)
            response = await (super().api_call(api_method, **arguments) if short is None else short.make())
            result, status = "ok", response.status_code
        except Exception as error:
            result, status = of_error(error), slack_error.status(error)
            raise
        else:
            return response
        finally:
            metrics.web_api_calls.add(api_method, result)
            metrics.web_api_duration.record(time.monotonic() - began, api_method)
            if call is not None:
                call.end(result, status)

    def _short(self, method: str, arguments: dict[str, Any]) -> ShortCall | None:
        """The call, where it is a plain POST of JSON by a client whose transport nobody has changed."""
        shared, json = self.shared, arguments.get("json")
        if shared is None or not isinstance(json, dict) or len(arguments) != 1 or "token" in json:
            return None
        if not (
            self.session is shared.session
            and self.retry_handlers == shared.retry_handlers
            and self.base_url == shared.pool.base_url
            and self.proxy is None
            and self.ssl is None
            and self._logger.level > logging.DEBUG  # the long way writes what it sends
        ):
            return None
        for name, value in self.default_params.items():
            json.setdefault(name, value)
        request = shared.pool.write(method, self.token, self.headers, json)
        return None if request is None else ShortCall(self, shared.pool, method, json, request)


class Witness(AsyncRetryHandler):
    """A retry handler that never asks for a retry: it sees every answer, also those that another one repeats."""

    async def can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        """slack_sdk's own hook."""
        if state.current_attempt:
            metrics.web_api_retries.add(_method(request))
            traces.call_sent_again(state.current_attempt, response.status_code if response is not None else None)
        if response is not None and response.status_code == 429:
            metrics.rate_limits.add(_method(request))
        return False


def of_error(error: Exception) -> str:
    """A word for how a call failed: Slack's own, or what kept us from Slack's."""
    if (word := slack_error.word(error)) is not None:
        return word
    if isinstance(error, SlackApiError):
        return "no_json"
    return "timeout" if isinstance(error, TimeoutError) else "connection_failed"


def _method(request: HttpRequest) -> str:
    return str(request.url).rpartition("/")[2]
