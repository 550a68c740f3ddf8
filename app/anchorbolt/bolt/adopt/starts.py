"""`app.start()` and `SocketModeHandler(app, ...).start()` start nothing here, wherever they are called.

Anchorbolt receives the requests. A second receiver would take deliveries from Slack that no inbox has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode.async_base_handler import AsyncBaseSocketModeHandler
from slack_bolt.adapter.socket_mode.base_handler import BaseSocketModeHandler
from slack_bolt.async_app import AsyncApp

from anchorbolt.bolt.adopt.calls import in_an_import, tell, wait_for_ever, wait_for_ever_async
from anchorbolt.bolt.adopt.going import current


def take_over() -> None:
    """From now on, no app and no handler of Bolt's receives requests in this process."""
    for owner, name, instead in _INSTEAD:
        setattr(owner, name, instead)


def _start(app: App | AsyncApp, *_: Any, **__: Any) -> None:
    if _started(app, "app.start()"):
        wait_for_ever()


def _start_socket(handler: BaseSocketModeHandler, *_: Any, **__: Any) -> None:
    handler.close()  # type: ignore[no-untyped-call] # its client has threads from the beginning
    if _started(handler.app, "SocketModeHandler.start()"):
        wait_for_ever()


def _connect_socket(handler: BaseSocketModeHandler, *_: Any, **__: Any) -> None:
    handler.close()  # type: ignore[no-untyped-call] # its client has threads from the beginning
    if _connected(handler.app, "SocketModeHandler.connect()"):
        wait_for_ever()


async def _start_socket_async(handler: AsyncBaseSocketModeHandler, *_: Any, **__: Any) -> None:
    await handler.close_async()  # type: ignore[no-untyped-call] # Bolt has no types here
    _started(handler.app, "AsyncSocketModeHandler.start_async()")
    await wait_for_ever_async()  # as Bolt's own


async def _connect_socket_async(handler: AsyncBaseSocketModeHandler, *_: Any, **__: Any) -> None:
    await handler.close_async()  # type: ignore[no-untyped-call] # Bolt has no types here
    if _connected(handler.app, "AsyncSocketModeHandler.connect_async()"):
        await wait_for_ever_async()


def _started(app: App | AsyncApp, call: str) -> bool:
    """Ends the import, or comes to the start of a main block, if there is one. Else the log has the call.

    Returns whether the caller waits for ever, as the call does: it is in a main block.
    """
    if (going := current()) is None:
        tell(call)
        return False
    going.come_to_start(app)
    return True


def _connected(app: App | AsyncApp, call: str) -> bool:
    """The same for a main block. A module that is imported goes on: with Bolt, too, listeners may come after that."""
    if (going := current()) is not None:
        if going.is_main and not in_an_import():
            going.come_to_start(app)
            return True
        going.connected = app
    tell(call)
    return False


_INSTEAD: list[tuple[Any, str, Callable[..., Any]]] = [
    (App, "start", _start),
    (AsyncApp, "start", _start),
    (BaseSocketModeHandler, "start", _start_socket),
    (BaseSocketModeHandler, "connect", _connect_socket),
    (AsyncBaseSocketModeHandler, "start_async", _start_socket_async),
    (AsyncBaseSocketModeHandler, "connect_async", _connect_socket_async),
]
