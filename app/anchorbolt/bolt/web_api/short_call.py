"""A Web API call with JSON and a plain answer, without what slack_sdk does for forms, files and retries.

Listeners make such calls all the time (chat.*, views.*, reactions.*). aiohttp sends the request and reads the answer.
What the answer means is decided here only when it is a 200 with JSON. Everything else, an error included, is handed to
slack_sdk as if slack_sdk had received it, so that errors and retries are slack_sdk's own (docs/decisions/0071).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import lru_cache
from typing import Any, cast

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_internal_utils import _request_with_session
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.web.deprecation import show_deprecation_warning_if_any
from slack_sdk.web.internal_utils import _build_req_args, _get_url
from yarl import URL

from anchorbolt.bolt.web_api.prepared import Plain, post
from anchorbolt.bolt.web_api.session import dumps, loads, time_limit
from anchorbolt.timers import Timeout

Received = aiohttp.ClientResponse | Exception
_LOGGER = logging.getLogger(AsyncSlackResponse.__module__)
_NONE: Any = None  # slack_sdk's annotations do not allow the None that slack_sdk itself passes


async def send(
    client: AsyncWebClient, session: aiohttp.ClientSession, method: str, arguments: dict[str, Any]
) -> AsyncSlackResponse:
    """Calls a method of the Web API, as `AsyncWebClient.api_call(method, json=arguments)` does.

    Args:
        client: its token, headers, timeout and retry handlers are used.
        session: where the requests go out.
        method: for example "chat.postMessage".
        arguments: the JSON of the request. The client's default parameters are added to it, as slack_sdk does.

    Raises:
        SlackApiError: Slack's answer says that the call failed.
        aiohttp.ClientError: no answer, or a broken one.
        TimeoutError: no whole answer within `client.timeout` seconds.
    """
    api_url, url = _urls(client.base_url, method)
    req_args = _build_req_args(
        token=client.token,
        http_verb="POST",
        files=_NONE,
        data=_NONE,
        default_params=client.default_params,
        params=_NONE,
        json=arguments,
        headers=client.headers,
        auth=_NONE,
        ssl=client.ssl,
        proxy=client.proxy,
    )
    del req_args["files"]  # no argument of aiohttp's; slack_sdk removes it too
    data = None
    received: Plain | Received
    try:
        # The limit is a timer of ours: it covers what aiohttp's would cover, for a third of its cost.
        with nullcontext() if client.timeout is None else Timeout.after(client.timeout):
            body = dumps(req_args["json"])
            received = await post(session, url, req_args["headers"], body, ssl=client.ssl or True, proxy=client.proxy)
            data = None if isinstance(received, tuple) else await _plain_data(received)
    except Exception as error:
        received = error
    if isinstance(received, tuple):
        data, answered = received
        result: dict[str, Any] = {"data": data, "headers": answered, "status_code": 200}
    elif isinstance(received, Exception) or data is None:
        result = await _request_with_session(
            current_session=cast("aiohttp.ClientSession", _Received(received, session)),  # in all that is used of one
            timeout=client.timeout,
            logger=client.logger,
            http_verb="POST",
            api_url=api_url,
            req_args={**req_args, "timeout": time_limit(client.timeout)},
            retry_handlers=client.retry_handlers,
        )
    else:
        result = {"data": data, "headers": received.headers, "status_code": received.status}
    response = _response(client=client, http_verb="POST", api_url=api_url, req_args=req_args, **result)
    return response.validate()  # type: ignore[no-any-return, no-untyped-call]


def _response(*, client: AsyncWebClient, data: Any, **fields: Any) -> AsyncSlackResponse:
    """Makes a response without its constructor, which takes the lock of logging to ask for its logger."""
    response = AsyncSlackResponse.__new__(AsyncSlackResponse)
    response.__dict__.update(fields, data=data, _initial_data=data, _iteration=None, _client=client, _logger=_LOGGER)
    return response


async def _plain_data(received: aiohttp.ClientResponse) -> Any:
    """Reads the whole answer, and returns its data if it is a 200 with JSON; else None.

    Raises:
        aiohttp.ClientError: the answer ended too early.
    """
    if received.content.is_eof():  # it came with the head, as most do
        # Kept where aiohttp keeps it: slack_sdk reads it again if it is to decide.
        body = received._body = received.content.read_nowait()
    else:
        body = await received.read()
    if received.status != 200:
        return None
    if received.content_type != "application/json":
        return None
    try:
        return loads(body)
    except ValueError:  # slack_sdk reads the body again: it may read it, and else it knows what to raise
        return None


class _Received:
    """A session for slack_sdk whose first answer has been received already. Further requests go out."""

    closed = False

    def __init__(self, received: Received, session: aiohttp.ClientSession) -> None:
        self._received: Received | None = received
        self._session = session

    def request(self, verb: str, url: str, **arguments: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Returns what aiohttp's `request` returns."""
        received, self._received = self._received, None
        return self._session.request(verb, url, **arguments) if received is None else _given(received)


@asynccontextmanager
async def _given(received: Received) -> AsyncIterator[aiohttp.ClientResponse]:
    if isinstance(received, Exception):
        raise received
    yield received  # its body was read, so its connection is free already


@lru_cache(maxsize=1_000)
def _urls(base_url: str, method: str) -> tuple[str, URL]:
    """Returns a method's address as slack_sdk and as aiohttp have it, and warns once of a deprecated method."""
    show_deprecation_warning_if_any(method)
    api_url = _get_url(base_url, method)
    return api_url, URL(api_url)
