"""The `WebClient` of a synchronous listener: its calls go out through the connections of the process."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import ConnectionErrorRetryHandler
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.web.slack_response import SlackResponse

from anchorbolt.bolt.threads.waiting import wait_for
from anchorbolt.bolt.web_api.watched_client import WatchedClient

# What slack_sdk's own transport does for a client by default, our asynchronous client does too.
_BY_DEFAULT = frozenset({ConnectionErrorRetryHandler})


def as_ours(client: WatchedClient) -> WebClient:
    """Makes a synchronous client of what ours has: it is the model of listeners' clients where no App brings one."""
    return WebClient(
        timeout=client.timeout,
        ssl=client.ssl,
        proxy=client.proxy,
        headers={name: value for name, value in client.headers.items() if name != "User-Agent"},
        logger=client.logger,
    )


class ThreadClient(WebClient):
    """slack_sdk's client for one request."""

    def __init__(self, like: WebClient, client: WatchedClient) -> None:
        """`like`: the client of the team's app, or one as our own. `client`: the asynchronous one of the request."""
        self.__dict__.update(like.__dict__)
        self.token, self.base_url, self.default_params = client.token, client.base_url, dict(client.default_params)
        self.headers = dict(self.headers)
        self.retry_handlers = list(self.retry_handlers)
        self._client = client
        self._loop = asyncio.get_running_loop()

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        """Makes one call, and waits for its answer. Raises what slack_sdk raises.

        Once its run was cut short it raises asyncio.CancelledError, and sends nothing.
        """
        self._client.calls.refuse_if_closed(api_method)
        if arguments.get("files") or not _BY_DEFAULT.issuperset(map(type, self.retry_handlers)):
            return super().api_call(api_method, **arguments)
        call = self._as_asynchronous().api_call(api_method, **arguments)
        try:
            answer = wait_for(call, self._loop)
        except SlackApiError as error:
            if isinstance(error.response, AsyncSlackResponse):
                error.response = self._as_synchronous(error.response)
            raise
        return self._as_synchronous(answer)

    def _as_asynchronous(self) -> WatchedClient:
        """The asynchronous client, with what a listener may have changed on this one."""
        mine = self._client.copied()
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
