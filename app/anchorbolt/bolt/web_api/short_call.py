"""A call of the Web API that goes the short way: past aiohttp, and past what slack_sdk does for files and forms.

A POST of JSON is what listeners do all the time (chat.*, views.*, reactions.*), and the long way spends four fifths of
its instructions on what such a call does not need: a seventh of all that an event costs (docs/decisions/0070). Retry
handlers, errors and the response are slack_sdk's own.
"""

from __future__ import annotations

import json
import logging
from functools import lru_cache
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.web.deprecation import show_deprecation_warning_if_any

from anchorbolt.bolt.web_api.connection import Answer
from anchorbolt.bolt.web_api.pool import WebPool

_RESPONSE_LOGGER = logging.getLogger(AsyncSlackResponse.__module__)
# Of the same method slack_sdk says the same every time.
_warn_once = lru_cache(maxsize=1_000)(show_deprecation_warning_if_any)


class ShortCall:
    """One call, sent again as long as a retry handler asks for that."""

    def __init__(
        self, client: AsyncWebClient, pool: WebPool, method: str, arguments: dict[str, Any], request: bytes
    ) -> None:
        """`request`: as the pool wrote it."""
        self._client = client
        self._pool = pool
        self._url = client.base_url + method
        self._arguments = arguments
        self._request = request
        self._state: RetryState | None = None  # none is needed while all goes well
        _warn_once(method)

    async def make(self) -> AsyncSlackResponse:
        """Raises what slack_sdk raises."""
        while True:
            try:
                answer = await self._pool.ask(self._request)
                data = self._read(answer)
            except Exception as error:
                if await self._again(None, {}, error):
                    continue
                raise
            if (answer.status == 200 and self._state is None) or not await self._again(answer, data, None):
                response = self._response(answer, data)
                response.validate()  # type: ignore[no-untyped-call]
                return response

    def _read(self, answer: Answer) -> Any:
        try:
            return answer.json()
        except json.JSONDecodeError as error:
            said = f"Slack's answer is no JSON: {error}"
            raise SlackApiError(said, self._response(answer, {})) from error  # type: ignore[no-untyped-call]

    async def _again(self, answer: Answer | None, data: Any, error: Exception | None) -> bool:
        """Asks the retry handlers, in their order, as slack_sdk does (web/async_internal_utils.py)."""
        state = self._state = self._state or RetryState()
        state.next_attempt_requested = False
        request = HttpRequest(method="POST", url=self._url, headers={})
        response = (
            HttpResponse(status_code=answer.status, headers=dict(answer.headers), body=data)
            if answer is not None
            else None
        )
        for handler in self._client.retry_handlers:
            if await handler.can_retry_async(state=state, request=request, response=response, error=error):
                await handler.prepare_for_next_attempt_async(
                    state=state, request=request, response=response, error=error
                )
                break
        return state.next_attempt_requested

    def _response(self, answer: Answer, data: Any) -> AsyncSlackResponse:
        # As its __init__ does, which takes the lock of `logging` to look for its logger.
        response = AsyncSlackResponse.__new__(AsyncSlackResponse)
        response.__dict__.update(
            http_verb="POST",
            api_url=self._url,
            req_args={"json": self._arguments},
            data=data,
            headers=answer.headers,  # what aiohttp gives it is no dict either
            status_code=answer.status,
            _initial_data=data,
            _iteration=None,
            _client=self._client,
            _logger=_RESPONSE_LOGGER,
        )
        return response
