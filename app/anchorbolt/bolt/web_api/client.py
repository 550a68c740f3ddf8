"""Makes the Web API client of the process, and the copy of it that each request is given."""

from __future__ import annotations

import logging

from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)

from anchorbolt.bolt.own_table import give_own_table
from anchorbolt.bolt.web_api import session
from anchorbolt.bolt.web_api.calls import Calls
from anchorbolt.bolt.web_api.gate import Gates, WaitAtTheGate
from anchorbolt.bolt.web_api.watched_client import WatchedClient, Witness

TIMEOUT_SECONDS = 30
LOGGER = "slack_sdk.web.async_client"  # the SDK's own name


def create(token: str, base_url: str) -> WatchedClient:
    """Makes the client without its session, which needs a running event loop.

    Args:
        token: the bot token.
        base_url: the address of the Web API; a method's name is appended to it.

    Returns:
        A client that can be called at once: until `share`, slack_sdk opens a session of its own for each call.
    """
    logger = logging.getLogger(LOGGER)
    if logger.level == logging.NOTSET:
        # The SDK compares the logger's own level with DEBUG. NOTSET is 0, so it would format a debug record in each
        # call that no handler is going to write.
        logger.setLevel(logger.getEffectiveLevel())
    gates = Gates()
    client = WatchedClient(
        token=token,
        base_url=base_url,
        timeout=TIMEOUT_SECONDS,
        user_agent_prefix="Anchorbolt",
        logger=logger,
        retry_handlers=[
            Witness(),  # first, because slack_sdk stops at the first handler that asks for another try
            AsyncConnectionErrorRetryHandler(),
            WaitAtTheGate(gates),
            AsyncServerErrorRetryHandler(),
        ],
    )
    client.gates = gates
    client.first_handlers = client.retry_handlers.copy()
    give_own_table(client)  # each request gets a copy of it
    return client


def share(client: WatchedClient) -> None:
    """Opens the session that all calls of the process go through. Needs a running event loop."""
    client.session = client.shared = session.create()


async def close(client: WatchedClient) -> None:
    """Closes the shared session and its connections."""
    if client.shared is not None:
        await client.shared.close()


def for_request(client: WatchedClient, team_id: str | None, calls: Calls | None = None) -> WatchedClient:
    """Copies the client for one request.

    Args:
        client: the client of the process.
        team_id: the workspace of the request, sent with each call; an org-wide installation needs it.
        calls: those of the request's run, which ends them when it is cut short. None: they are never cut short.

    Returns:
        A client that a listener may change (token, headers, retry handlers, timeout) without changing another's.
    """
    mine = client.copied()
    fields = mine.__dict__  # to set its items takes half the time of setting attributes
    fields["headers"] = client.headers.copy()
    fields["retry_handlers"] = client.retry_handlers.copy()
    fields["default_params"] = {"team_id": team_id} if team_id else {}
    if calls is not None:
        fields["calls"] = calls
        calls.workspace = team_id or ""
    return mine
