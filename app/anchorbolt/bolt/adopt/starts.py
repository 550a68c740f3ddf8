"""`app.start()` and `SocketModeHandler(app, ...).start()` start nothing here, wherever they are called.

Anchorbolt receives the requests. A second receiver would take deliveries from Slack that no inbox has.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode.async_base_handler import AsyncBaseSocketModeHandler
from slack_bolt.adapter.socket_mode.base_handler import BaseSocketModeHandler
from slack_bolt.async_app import AsyncApp

from anchorbolt.bolt.adopt import shared_loop, signals
from anchorbolt.bolt.adopt.calls import in_an_import, tell, wait_for_ever, wait_for_ever_async
from anchorbolt.bolt.adopt.going import current


def take_over() -> None:
    """From now on, no app and no handler of Bolt's receives requests in this process."""
    for owner, name, instead in _INSTEAD:
        setattr(owner, name, instead)
    signals.leave_out()
    shared_loop.share()


def _start(app: App | AsyncApp, *_: Any, **__: Any) -> None:
    if _started(app, "app.start()"):
        wait_for_ever()


def _start_socket(handler: BaseSocketModeHandler, *_: Any, **__: Any) -> None:
    _not_connect(handler)
    if _started(handler.app, "SocketModeHandler.start()"):
        wait_for_ever()


def _connect_socket(handler: BaseSocketModeHandler, *_: Any, **__: Any) -> None:
    _not_connect(handler)
    _connected(handler.app, "SocketModeHandler.connect()")


async def _start_socket_async(handler: AsyncBaseSocketModeHandler, *_: Any, **__: Any) -> None:
    await _not_connect_async(handler)
    _started(handler.app, "AsyncSocketModeHandler.start_async()")
    await wait_for_ever_async()  # as Bolt's own


async def _connect_socket_async(handler: AsyncBaseSocketModeHandler, *_: Any, **__: Any) -> None:
    await _not_connect_async(handler)
    _connected(handler.app, "AsyncSocketModeHandler.connect_async()")


def _not_connect(handler: BaseSocketModeHandler) -> None:
    """Closes a client, which has threads from the beginning. It counts as connected until the team closes it."""
    handler.close()  # type: ignore[no-untyped-call] # Bolt has no types here
    client: Any = handler.client
    connected = threading.Event()
    connected.set()
    client.is_connected, client.close, client.disconnect = connected.is_set, connected.clear, connected.clear


async def _not_connect_async(handler: AsyncBaseSocketModeHandler) -> None:
    """The same for an asynchronous one."""
    await handler.close_async()  # type: ignore[no-untyped-call] # Bolt has no types here
    client: Any = handler.client
    connected = threading.Event()
    connected.set()

    async def is_connected() -> bool:
        return connected.is_set()

    async def close() -> None:
        connected.clear()

    client.is_connected, client.close, client.disconnect = is_connected, close, close


def _started(app: App | AsyncApp, call: str) -> bool:
    """Ends the import, or comes to the start of a main block, if there is one. Else the log has the call.

    Returns whether the caller waits for ever, as the call does: it is in a main block.
    """
    if (going := current()) is None:
        tell(call)
        return False
    going.come_to_start(app)
    return True


def _connected(app: App | AsyncApp, call: str) -> None:
    """The same without an end or a wait: with Bolt, too, what follows runs, such as jobs and further listeners."""
    going = current()
    if going is not None and going.is_main and not in_an_import():
        going.come_to_start(app)
        return
    if going is not None:
        going.connected = app
    tell(call)


_INSTEAD: list[tuple[Any, str, Callable[..., Any]]] = [
    (App, "start", _start),
    (AsyncApp, "start", _start),
    (BaseSocketModeHandler, "start", _start_socket),
    (BaseSocketModeHandler, "connect", _connect_socket),
    (AsyncBaseSocketModeHandler, "start_async", _start_socket_async),
    (AsyncBaseSocketModeHandler, "connect_async", _connect_socket_async),
]
