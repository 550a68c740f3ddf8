"""The `ack()` of a synchronous listener: it answers Slack at once, from its thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from slack_bolt.context.ack import Ack as SyncAck
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.response import BoltResponse

from anchorbolt.bolt.run import Ack
from anchorbolt.bolt.web_api.calls import Calls


class ThreadAck(SyncAck):
    """Bolt's `Ack`, whose response is that of the request's own `ack`."""

    def __init__(self, ack: AsyncAck, calls: Calls, before: Callable[[], None]) -> None:
        """`ack`: the request's own. `calls`: those of its run. `before`: called before Slack is answered."""
        self._ack = ack
        self._calls = calls
        self._before = before
        self._loop = asyncio.get_running_loop()

    @property
    def response(self) -> BoltResponse | None:
        """What Slack is answered; None as long as nobody acknowledged."""
        return self._ack.response

    @response.setter
    def response(self, response: BoltResponse | None) -> None:
        self._ack.response = response

    def __call__(self, *args: Any, **kwargs: Any) -> BoltResponse:
        """Acknowledges; takes the arguments of Bolt's own.

        Once its run was cut short it raises asyncio.CancelledError: nobody waits for the ack any more.
        """
        self._calls.refuse_if_closed("ack()")
        response = super().__call__(*args, **kwargs)
        self._before()
        if type(self._ack) is Ack:
            self._loop.call_soon_threadsafe(self._ack.end_wait)
        return response
