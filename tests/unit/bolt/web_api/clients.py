"""The clients that these tests compare: ours on its two paths, and slack_sdk's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from anchorbolt.bolt.web_api import client as web_client
from anchorbolt.bolt.web_api.watched_client import WatchedClient, Witness
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncServerErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.canned_server import CannedServer, canned_server

SHORT, LONG, STOCK = "our short path", "slack_sdk's path in our client", "slack_sdk's own client"
OURS = [SHORT, LONG]
ALL = [SHORT, LONG, STOCK]


@asynccontextmanager
async def a_client(url: str) -> AsyncIterator[WatchedClient]:
    """Our client as the app makes it. A plain JSON call takes the short path."""
    client = web_client.create("xoxb-made-up", url)
    web_client.share(client)
    try:
        yield client
    finally:
        await web_client.close(client)


@asynccontextmanager
async def client_of(kind: str, url: str) -> AsyncIterator[AsyncWebClient]:
    """One of ALL. All of them have the same token, headers and retry handlers, except for the one that counts."""
    async with a_client(url) as ours:
        if kind == LONG:
            # A handler that the short path does not know has to be asked. This one wants no other try.
            ours.retry_handlers.append(Unknown(max_retry_count=0))
        if kind != STOCK:
            yield ours
            return
        handlers = [handler for handler in ours.retry_handlers if not isinstance(handler, Witness)]
        async with aiohttp.ClientSession() as session:
            yield AsyncWebClient(
                token=ours.token,
                base_url=ours.base_url,
                session=session,
                user_agent_prefix="Anchorbolt",
                logger=ours.logger,
                retry_handlers=handlers,
            )


async def post(client: AsyncWebClient) -> Any:
    """The call that most tests make."""
    return await client.chat_postMessage(channel="C1", text="hello")


async def outcome(kind: str, answers: list[bytes], call: Callable[[AsyncWebClient], Awaitable[Any]] = post) -> Any:
    """What a listener sees of one call, and the number of requests that the server saw."""
    async with canned_server(answers) as server, client_of(kind, server.url) as client:
        return await ending(call(client), server)


async def ending(call: Awaitable[Any], server: CannedServer) -> Any:
    """How a call ends: data with their types, or the error; in both cases the number of requests."""
    try:
        response = await call
    except SlackApiError as error:
        found = error.response
        status = getattr(found, "status_code", getattr(found, "status", None))
        return type(error), str(error.args[0]).replace(server.url, "/"), status, len(server.requests)
    except Exception as error:
        return type(error), len(server.requests)
    # repr: NaN is not equal to itself, and 1.0 is equal to 1.
    return repr(response.data), response.status_code, response.headers.get("X-OAuth-Scopes"), len(server.requests)


class Unknown(AsyncServerErrorRetryHandler):
    """Any retry handler of a team."""


class FatalError(AsyncRetryHandler):
    """A team's retry handler, as slack_sdk's documentation has it: it repeats a 200 that says `fatal_error`."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        return response is not None and (response.body or {}).get("error") == "fatal_error"
