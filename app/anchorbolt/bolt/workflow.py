"""Tells Slack that a workflow step has failed for good, so that its workflow does not hang."""

from __future__ import annotations

from anchorbolt.bolt.web_api import client as web_client
from anchorbolt.bolt.web_api.calls import CALLS
from anchorbolt.bolt.web_api.watched_client import WatchedClient
from anchorbolt.delivery import Delivery


async def report_failure(client: WatchedClient, delivery: Delivery, reason: str) -> None:
    """Tells Slack that a workflow step failed, so that its workflow does not hang: `functions.completeError`.

    Does nothing for a `delivery` that is no `function_executed` event. `client` makes the call, with the step's own
    token where the event has one. `reason` is shown to people. Raises what the Web API raises.
    """
    event = delivery.payload.get("event") or {}
    execution = event.get("function_execution_id")
    if delivery.type != "function_executed" or not isinstance(execution, str):
        return
    mine = web_client.for_request(client, None, CALLS.get())
    token = event.get("bot_access_token")
    if isinstance(token, str):  # the step's own, as Bolt's middleware would attach it
        mine.token = token
    await mine.functions_completeError(function_execution_id=execution, error=reason)
