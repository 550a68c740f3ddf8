"""A Web API call with JSON and a plain answer, without what slack_sdk does for forms, files and retries.

Listeners make such calls all the time (chat.*, views.*, reactions.*). aiohttp sends the request and reads the answer.
What the answer means is decided here only when it is a 200 with JSON. Everything else, an error included, is handed to
slack_sdk as if slack_sdk had received it, so that errors and retries are slack_sdk's own (docs/decisions/0071).
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any, cast

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_internal_utils import _request_with_session
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.web.deprecation import show_deprecation_warning_if_any
from slack_sdk.web.internal_utils import _build_req_args, _get_url, _set_default_params
from yarl import URL

from anchorbolt.bolt.web_api.json_bytes import dumps, loads
from anchorbolt.bolt.web_api.kept import PlainAnswer
from anchorbolt.bolt.web_api.prepared import Prepared
from anchorbolt.bolt.web_api.received import FirstReceived, Received
from anchorbolt.bolt.web_api.session import time_limit

_LOGGER = logging.getLogger(AsyncSlackResponse.__module__)
# Of methods, tokens and custom headers together: those of one workspace are some dozen.
MOST_PREPARED = 1_000
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
    if client.default_params:
        _set_default_params(arguments, client.default_params)
    token = arguments.pop("token") if "token" in arguments else client.token
    headers = tuple((client.headers or {}).items())
    api_url, same_args, prepared = _prepared(session, client.base_url, method, token, headers, client.ssl, client.proxy)
    req_args = same_args.copy()
    req_args["headers"] = same_args["headers"].copy()
    req_args["json"] = arguments
    received: PlainAnswer | Received
    try:
        received = await prepared.post(dumps(arguments), client.timeout)
    except Exception as error:
        received = error
    if isinstance(received, tuple):
        return _response(client, api_url, req_args, *received, 200)
    if isinstance(received, Exception) or (data := await _json_of(received)) is None:
        as_session = FirstReceived(received, session)  # in all that slack_sdk uses of one
        result = await _request_with_session(
            current_session=cast("aiohttp.ClientSession", as_session),
            timeout=client.timeout,
            logger=client.logger,
            http_verb="POST",
            api_url=api_url,
            req_args={**req_args, "timeout": time_limit(client.timeout)},
            retry_handlers=client.retry_handlers,
        )
        return _response(client, api_url, req_args, result["data"], result["headers"], result["status_code"])
    return _response(client, api_url, req_args, data, received.headers, received.status)


def _response(  # noqa: PLR0917 - what slack_sdk's constructor takes
    client: AsyncWebClient, api_url: str, req_args: dict[str, Any], data: Any, headers: Any, status: int
) -> AsyncSlackResponse:
    """Makes a response without its constructor, which takes the lock of logging to ask for its logger.

    Raises:
        SlackApiError: Slack's answer says that the call failed.
    """
    response = AsyncSlackResponse.__new__(AsyncSlackResponse)
    response.__dict__ = {
        "http_verb": "POST",
        "api_url": api_url,
        "req_args": req_args,
        "data": data,
        "headers": headers,
        "status_code": status,
        "_initial_data": data,
        "_iteration": None,
        "_client": client,
        "_logger": _LOGGER,
    }
    if status == 200 and type(data) is dict and data.get("ok"):  # what `validate` lets pass, nearly always
        return response
    return response.validate()  # type: ignore[no-any-return, no-untyped-call] # slack_sdk's own has no annotations


async def _json_of(received: aiohttp.ClientResponse) -> Any:
    """Returns the data of an answer that was read, if it is a 200 with JSON; else None."""
    if received.status != 200:
        return None
    if received.content_type != "application/json":
        return None
    try:
        return loads(await received.read())
    except ValueError:  # slack_sdk reads the body again: it may read it, and else it knows what to raise
        return None


@lru_cache(maxsize=MOST_PREPARED)
def _prepared(  # noqa: PLR0917 - all that a request is made of, but its body
    session: aiohttp.ClientSession,
    base_url: str,
    method: str,
    token: str | None,
    headers: tuple[tuple[str, str], ...],
    ssl: Any,
    proxy: str | None,
) -> tuple[str, dict[str, Any], Prepared]:
    """Returns what calls share that differ in their JSON alone: their address, slack_sdk's arguments, the request."""
    api_url, url = _urls(base_url, method)
    same_args = _build_req_args(
        token=token,
        http_verb="POST",
        files=_NONE,
        data=_NONE,
        default_params={},
        params=_NONE,
        json={},
        headers=dict(headers),
        auth=_NONE,
        ssl=ssl,
        proxy=proxy,
    )
    del same_args["files"]  # no argument of aiohttp's; slack_sdk removes it too
    return api_url, same_args, Prepared(session, url, same_args["headers"], ssl=ssl or True, proxy=proxy)


@lru_cache(maxsize=1_000)
def _urls(base_url: str, method: str) -> tuple[str, URL]:
    """Returns a method's address as slack_sdk and as aiohttp have it, and warns once of a deprecated method."""
    show_deprecation_warning_if_any(method)
    api_url = _get_url(base_url, method)
    return api_url, URL(api_url)
